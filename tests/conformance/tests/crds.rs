//! What we serve is what Flux serves: every field, default, bound and rule of the reference, and none besides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The kinds that are acted on. Of the others, which are only stored, nothing is checked.
const KINDS: [&str; 5] = [
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "receivers.notification.toolkit.fluxcd.io",
    "ocirepositories.source.toolkit.fluxcd.io",
    "buckets.source.toolkit.fluxcd.io",
    "externalartifacts.source.toolkit.fluxcd.io",
];

#[test]
fn the_kinds_are_flux_own() {
    let root = Path::new("../..");
    let reference = crds(&root.join("../shared/reference/crds/flux"));
    let ours = crds(&root.join("deploy/crds"));
    for name in KINDS {
        let of = |crds: &[Value]| crds.iter().find(|crd| crd["metadata"]["name"] == *name).cloned();
        let (Some(theirs), Some(ours)) = (of(&reference), of(&ours)) else {
            panic!("{name} is not there");
        };
        let differences = compare(&theirs, &ours);
        assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
    }
}

fn crds(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder).expect("a folder of CRDs");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let is_yaml = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "yaml");
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a text");
        capstan_yaml::read(&text, &path.display().to_string()).expect("YAML")
    };
    paths.iter().filter(is_yaml).flat_map(read).collect()
}

/// How the kinds differ. We may serve older versions beside theirs.
fn compare(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for field in ["group", "names", "scope"] {
        walk(&theirs["spec"][field], &ours["spec"][field], field, &mut found);
    }
    for version in theirs["spec"]["versions"].as_array().expect("versions") {
        let name = version["name"].as_str().expect("a name");
        let list = ours["spec"]["versions"].as_array().expect("versions");
        match list.iter().find(|ours| ours["name"] == *name) {
            Some(ours) => walk(version, ours, name, &mut found),
            None => found.push(format!("{name} is not served")),
        }
    }
    found
}

fn walk(theirs: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let is_properties = path.ends_with("/properties");
            for key in keys(a).union(&keys(b)) {
                // Words for people are our own, but a field may be called so.
                if *key == "description" && !is_properties {
                    continue;
                }
                let get = |map: &Map<String, Value>| map.get(*key).cloned().unwrap_or_default();
                walk(&get(a), &get(b), &format!("{path}/{key}"), found);
            }
        }
        _ if in_order(theirs, path) == in_order(ours, path) => {}
        _ => found.push(format!("{path}: theirs {theirs}, ours {ours}")),
    }
}

fn keys(map: &Map<String, Value>) -> BTreeSet<&str> {
    map.keys().map(String::as_str).collect()
}

/// Lists whose order says nothing.
fn in_order(value: &Value, path: &str) -> Value {
    let sorted = ["/required", "/enum", "/categories", "/shortNames", "/x-kubernetes-validations"];
    match value {
        Value::Array(items) if sorted.iter().any(|end| path.ends_with(end)) => {
            let mut items = items.clone();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        // An empty list is none.
        Value::Null if sorted.iter().any(|end| path.ends_with(end)) => Value::Array(Vec::new()),
        other => other.clone(),
    }
}
