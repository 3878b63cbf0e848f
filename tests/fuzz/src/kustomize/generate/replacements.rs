//! replacements and vars.

use serde_json::{Value, json};

use super::objects::Object;
use super::{Feature, Maker, patches};

const SOURCES: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "data.k",
    "data.n",
    "spec.replicas",
    "spec.template.spec.containers.0.image",
    "spec.template.spec.containers.[name=main].image",
    "spec.text",
    "spec.list.[name=a].value",
    "metadata.annotations.note",
    "metadata.annotations.[example.com/key]",
    "kind",
    "data.[key.txt]",
];
const TARGETS: &[&str] = &[
    "metadata.name",
    "metadata.labels.app",
    "metadata.annotations.note",
    "metadata.annotations.[example.com/key]",
    "data.k",
    "data.new",
    "spec.template.spec.containers.[name=main].image",
    "spec.template.spec.containers.*.image",
    "spec.template.spec.containers.0.name",
    "spec.template.spec.containers.[name=main].env.[name=A].value",
    "spec.text",
    "spec.new.deeper",
    "spec.list.*.value",
    "spec.list.[name=b].value",
    "spec.plain.1",
    "spec.plain.*",
    "spec.deep.er.still",
    "spec.ref.name",
    "spec.template.metadata.annotations.x",
    "spec.template.spec.containers.[name=new].image",
    "*",
    "spec.*.name",
    "metadata.*",
];

/// Adds replacements and vars to a layer.
pub(crate) fn add(maker: &mut Maker<'_>, path: &str, fields: &mut Value, objects: &[Object]) {
    if maker.shows(Feature::Replacements) {
        for _ in 0..=maker.random.below(1) {
            let Some(entry) = replacement(maker, objects) else { continue };
            if maker.random.one_in(4) {
                let file = maker.file_name("replacement");
                let content = if maker.random.one_in(2) { json!([entry]) } else { entry };
                maker.add(&format!("{path}/{file}"), &[content]);
                patches::push(fields, "replacements", json!({ "path": file }));
            } else {
                patches::push(fields, "replacements", entry);
            }
        }
    }
    if maker.shows(Feature::Vars) {
        for name in ["APP", "VAR", "SERVICE"] {
            if maker.random.one_in(2)
                && let Some(object) = maker.object(objects)
            {
                let mut var = json!({"name": name, "objref": {"apiVersion": object.version, "kind": object.kind, "name": object.name}});
                if let (Some(namespace), true) = (&object.namespace, maker.random.one_in(2)) {
                    var["objref"]["namespace"] = json!(namespace);
                }
                if maker.random.one_in(2) {
                    var["fieldref"] = json!({"fieldPath": existing(maker, &object, &["metadata.name", "metadata.namespace", "data.k", "data.n", "spec.replicas", "spec.text", "spec.ports[0].port", "spec.template.spec.containers[0].image", "metadata.labels.app"])});
                }
                patches::push(fields, "vars", var);
            }
        }
    }
}

pub(crate) fn replacement(maker: &mut Maker<'_>, objects: &[Object]) -> Option<Value> {
    let from = maker.object(objects)?;
    let mut entry = json!({});
    if maker.random.one_in(8) {
        entry["sourceValue"] = json!(maker.random.pick(&["given", "other.words", "two-words"]));
    } else {
        entry["source"] = json!({"kind": from.kind, "name": from.name});
        if !maker.random.one_in(3) {
            entry["source"]["fieldPath"] = json!(existing(maker, &from, SOURCES));
        }
        if maker.random.one_in(5) {
            entry["source"]["options"] = json!({"delimiter": maker.random.pick(&["-", ":", "/", "."]), "index": maker.random.below(2)});
        }
    }
    let source = entry["source"].clone();
    let targets: Vec<Value> = (0..=maker.random.below(1))
        .filter_map(|_| target(maker, &from, &source, objects))
        .collect();
    entry["targets"] = Value::from(targets);
    Some(entry)
}

fn target(
    maker: &mut Maker<'_>,
    from: &Object,
    source: &Value,
    objects: &[Object],
) -> Option<Value> {
    let object = maker.object(objects)?;
    let select = match maker.random.below(4) {
        0 => json!({"kind": object.kind}),
        1 => json!({"name": object.name}),
        _ => json!({"kind": object.kind, "name": object.name}),
    };
    // A name is a word: what else may stand in a field is none.
    let given = source["fieldPath"].as_str().unwrap_or("metadata.name");
    let is_word = matches!(given, "metadata.name" | "metadata.namespace" | "kind");
    let fits = |path: &&&str| is_word || !path.ends_with("name") && !path.ends_with('*');
    let paths: Vec<&str> = TARGETS.iter().filter(fits).copied().collect();
    let paths: Vec<&str> =
        (0..=maker.random.below(1)).map(|_| existing(maker, &object, &paths)).collect();
    let mut target = json!({"select": select, "fieldPaths": paths});
    if maker.random.one_in(5) {
        let other = maker.object(objects)?;
        target["reject"] = json!([maker.random.pick(&[
            &json!({"name": other.name}),
            &json!({"kind": other.kind}),
            &json!({"kind": other.kind, "name": other.name})
        ])]);
    }
    if maker.random.one_in(2) {
        target["options"] = json!({ "create": true });
    }
    // Where the source is among the targets, kustomize goes on with what became of it.
    if maker.random.one_in(5) && target["select"]["kind"].as_str().is_some_and(|it| it != from.kind)
    {
        target["options"]["delimiter"] = json!(maker.random.pick(&["-", ":", "/", "."]));
        target["options"]["index"] = json!(maker.random.pick(&[0, 1, -1]));
    }
    Some(target)
}

/// One of the field paths that the object has; seldom one that it has not.
fn existing<'a>(maker: &mut Maker<'_>, object: &Object, paths: &[&'a str]) -> &'a str {
    let is_there = |path: &&&str| {
        let keys = path.replace("[name=", "0").replace(['[', ']'], ".").replace('*', "0");
        let keys = keys.split('.').filter(|key| !key.is_empty());
        let keys = keys.map(|key| if key.starts_with('0') { "0" } else { key });
        object.has(&keys.map(|key| format!("/{}", key.replace('/', "~1"))).collect::<String>())
    };
    let found: Vec<&str> = paths.iter().filter(is_there).copied().collect();
    if found.is_empty() || maker.random.one_in(12) {
        return maker.random.pick(paths);
    }
    maker.random.pick(&found)
}
