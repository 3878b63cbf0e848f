//! What the tests of this crate share.

use std::sync::Arc;

use capstan_model::Manifest;
use serde_json::{Value, json};

use crate::graph::{Objects, Shape};

/// A managed resource named `a` of kind `Thing`, with the given parts merged in.
pub(crate) fn object(parts: Value) -> Manifest {
    let mut value = json!({
        "apiVersion": "test.aws.crossplane.io/v1", "kind": "Thing",
        "metadata": {"name": "a", "uid": "uid-a", "generation": 1},
        "spec": {"forProvider": {}},
    });
    merge(&mut value, parts);
    Manifest::try_from(value).expect("valid")
}

/// JSON merge patch.
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let map = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// A fixed set of objects.
#[derive(Default)]
pub(crate) struct Fixed {
    pub(crate) objects: Vec<Arc<Manifest>>,
    pub(crate) shapes: Vec<Shape>,
}

impl Fixed {
    pub(crate) fn with(mut self, kind: &str, name: &str, parts: Value) -> Self {
        let mut value = json!({
            "apiVersion": "test.aws.crossplane.io/v1", "kind": kind,
            "metadata": {"name": name, "uid": format!("uid-{name}")},
        });
        merge(&mut value, parts);
        self.objects.push(Arc::new(Manifest::try_from(value).expect("valid")));
        self
    }

    pub(crate) fn named(&self, name: &str) -> Arc<Manifest> {
        let mut objects = self.objects.iter();
        Arc::clone(objects.find(|object| object.name() == name).expect("exists"))
    }
}

impl Objects for Fixed {
    fn list(&self, group: &str, kind: &str) -> Vec<Arc<Manifest>> {
        let is = |object: &&Arc<Manifest>| object.gvk().group == group && object.kind() == kind;
        self.objects.iter().filter(is).cloned().collect()
    }

    fn get(&self, group: &str, kind: &str, name: &str) -> Option<Arc<Manifest>> {
        self.list(group, kind).into_iter().find(|object| object.name() == name)
    }

    fn shapes(&self) -> Vec<Shape> {
        self.shapes.clone()
    }
}

/// A status that is Ready.
pub(crate) fn ready() -> Value {
    json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Available",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
}

/// The owner reference of a controller.
pub(crate) fn controlled(uid: &str) -> Value {
    json!([{"apiVersion": "x.example/v1", "kind": "XCluster", "name": "xr", "uid": uid, "controller": true}])
}
