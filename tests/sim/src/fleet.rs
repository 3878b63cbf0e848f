use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_tree::{MemTree, Tree};
use serde_json::{Value, json};

/// Where the objects of units are.
pub const NAMESPACE: &str = "apps";
/// Where units and their source are.
pub(crate) const OWN: &str = "flux-system";
/// The source.
pub(crate) const SOURCE: &str = "fleet";
/// The object that several units may want.
pub(crate) const SHARED: &str = "shared";
/// The group of units.
pub(crate) const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// A unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Units before it that it depends on.
    pub depends_on: Vec<usize>,
    /// Must its objects be healthy?
    pub wait: bool,
    /// May immutable objects be made anew?
    pub force: bool,
}

/// An object that a unit wants: kind and name to the revision that it is from, and what distinguishes it.
pub type Wanted = BTreeMap<(String, String), (usize, Value)>;

/// What each unit wants; nothing where the revision is broken.
pub type Revision = Vec<Option<Wanted>>;

/// Units and the revisions of their source, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// The units.
    pub units: Vec<Unit>,
    /// The revisions; the first is whole.
    pub revisions: Vec<Revision>,
}

/// The name of a unit.
pub(crate) fn unit_name(unit: usize) -> String {
    format!("unit-{unit}")
}

/// The number of a unit, by its name.
pub(crate) fn unit_number(name: &str) -> Option<usize> {
    name.strip_prefix("unit-")?.parse().ok()
}

/// A revision, as sources write them.
pub(crate) fn revision(number: usize) -> String {
    format!("main@sha1:{number:040}")
}

/// The number of a revision.
pub(crate) fn revision_number(text: &str) -> Option<usize> {
    text.strip_prefix("main@sha1:")?.parse().ok()
}

impl Fleet {
    /// The files of a revision.
    pub(crate) fn tree(&self, number: usize) -> Arc<dyn Tree> {
        let files = self.revisions[number].iter().enumerate().map(|(unit, wanted)| {
            let text = match wanted {
                Some(wanted) => wanted.iter().map(|(id, content)| text(id, content)).collect(),
                None => "this: is: no manifest\n".to_owned(),
            };
            (format!("unit-{unit}/objects.yaml"), text.into_bytes())
        });
        // A folder without a manifest is there too.
        let folders = (0..self.units.len())
            .map(|unit| (format!("unit-{unit}/kustomization.yaml"), kustomization()));
        Arc::new(files.chain(folders).collect::<MemTree>().identified())
    }

    /// A unit, as a user writes it.
    pub(crate) fn kustomization(&self, number: usize) -> Value {
        let unit = &self.units[number];
        let depends_on: Vec<Value> =
            unit.depends_on.iter().map(|on| json!({"name": unit_name(*on)})).collect();
        let mut spec = json!({"interval": "10m", "retryInterval": "1m", "timeout": "1m",
            "path": unit_name(number), "prune": true, "wait": unit.wait, "force": unit.force,
            "sourceRef": {"kind": "GitRepository", "name": SOURCE}});
        if !depends_on.is_empty() {
            spec["dependsOn"] = depends_on.into();
        }
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Kustomization",
            "metadata": {"name": unit_name(number), "namespace": OWN}, "spec": spec})
    }

    /// The newest revision up to `last` that is whole for a unit, and what it wants.
    pub(crate) fn good(&self, unit: usize, last: usize) -> Option<(usize, &Wanted)> {
        let revisions = self.revisions[..=last].iter().enumerate().rev();
        let mut whole = revisions.filter_map(|(n, wanted)| Some((n, wanted[unit].as_ref()?)));
        whole.next()
    }
}

fn kustomization() -> Vec<u8> {
    b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [objects.yaml]\n"
        .to_vec()
}

fn text((kind, name): &(String, String), (_, content): &(usize, Value)) -> String {
    let api_version = if kind == "Widget" { "sim.capstan.dev/v1" } else { "v1" };
    let mut object = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE}});
    for (key, value) in content.as_object().into_iter().flatten() {
        object[key.as_str()] = value.clone();
    }
    format!("---\n{object}\n")
}

/// Does an object show what is wanted of it?
pub(crate) fn shows(object: &Value, content: &Value) -> bool {
    content.as_object().into_iter().flatten().all(|(key, wanted)| match wanted.as_object() {
        Some(wanted) => {
            wanted.iter().all(|(field, value)| object[key.as_str()].get(field) == Some(value))
        }
        None => object.get(key) == Some(wanted),
    })
}

/// The revision that an object's content is from.
pub(crate) fn content_revision(object: &Value) -> Option<usize> {
    let rev = object.pointer("/data/rev").or_else(|| object.pointer("/spec/rev"))?;
    rev.as_str()?.parse().ok()
}
