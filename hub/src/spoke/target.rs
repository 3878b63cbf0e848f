//! Which managed resource is the cluster of a spoke.

use std::sync::Arc;

use capstan_api::fleet::ClusterReference;
use capstan_model::{GroupVersionKind, Manifest};

use crate::object::{controller, is_ready, ready_text};

/// What the reference leads to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// The cluster can be reached.
    Ready(Arc<Manifest>),
    /// It is there, and not ready.
    NotReady(Arc<Manifest>, String),
    /// There is none.
    Absent(String),
    /// There is more than one.
    Ambiguous(String),
}

/// The kind that a reference means.
pub(crate) fn kind(reference: &ClusterReference) -> GroupVersionKind {
    let api_version = reference.api_version.as_deref().unwrap_or("eks.aws.crossplane.io/v1beta1");
    GroupVersionKind::from_api_version(api_version, reference.kind.as_deref().unwrap_or("Cluster"))
}

/// Finds the cluster among the managed resources of its kind.
pub(crate) fn find(
    reference: &ClusterReference,
    spoke: &Manifest,
    all: &[Arc<Manifest>],
) -> Target {
    let matching: Vec<_> = all.iter().filter(|object| matches(reference, spoke, object)).collect();
    match matching.as_slice() {
        [] => Target::Absent(format!("no {} matches {}", kind(reference).kind, told(reference))),
        [one] if is_ready(one) && !one.is_deleting() => Target::Ready(Arc::clone(one)),
        [one] => {
            let message = format!("{} is not ready: {}", one.id(), ready_text(one));
            Target::NotReady(Arc::clone(one), message)
        }
        many => {
            let names: Vec<_> = many.iter().map(|object| object.name()).collect();
            let (kind, told) = (kind(reference).kind, told(reference));
            let names = names.join(", ");
            Target::Ambiguous(format!("{told} matches more than one {kind}: {names}"))
        }
    }
}

/// Does a reference mean this object?
pub(crate) fn matches(reference: &ClusterReference, spoke: &Manifest, object: &Manifest) -> bool {
    let named = reference.name.as_deref().is_none_or(|name| name == object.name());
    let labelled =
        reference.match_labels.iter().all(|(key, value)| object.label(key) == Some(value.as_str()));
    let by_controller = reference.match_controller_ref == Some(true);
    let controlled = !by_controller
        || controller(spoke)
            .zip(controller(object))
            .is_some_and(|(ours, theirs)| ours.uid == theirs.uid);
    let says_something =
        reference.name.is_some() || !reference.match_labels.is_empty() || by_controller;
    says_something && named && labelled && controlled
}

fn told(reference: &ClusterReference) -> String {
    let mut parts = Vec::new();
    if let Some(name) = &reference.name {
        parts.push(format!("name {name}"));
    }
    for (key, value) in &reference.match_labels {
        parts.push(format!("label {key}={value}"));
    }
    if reference.match_controller_ref == Some(true) {
        parts.push("the controller of the Spoke".to_owned());
    }
    if parts.is_empty() {
        parts.push("spec.clusterRef, which names nothing".to_owned());
    }
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::{Target, find};
    use capstan_api::fleet::ClusterReference;
    use capstan_model::Manifest;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn cluster(name: &str, owner: &str, ready: &str) -> Arc<Manifest> {
        let value = json!({
            "apiVersion": "eks.aws.crossplane.io/v1beta1", "kind": "Cluster",
            "metadata": {"name": name, "labels": {"crossplane.io/composite": owner},
                "ownerReferences": [reference(owner)]},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "Creating",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
        });
        Arc::new(Manifest::try_from(value).expect("valid"))
    }

    fn reference(owner: &str) -> Value {
        json!({"apiVersion": "g/v1", "kind": "X", "name": owner, "uid": owner, "controller": true})
    }

    fn spoke() -> Manifest {
        let value = json!({"apiVersion": "fleet.capstan.dev/v1alpha1", "kind": "Spoke",
            "metadata": {"name": "s", "ownerReferences": [reference("x")]}});
        Manifest::try_from(value).expect("valid")
    }

    fn by(value: Value) -> ClusterReference {
        serde_json::from_value(value).expect("valid")
    }

    #[test]
    fn name_labels_and_controller_each_find_the_cluster() {
        let all = [cluster("a", "x", "True"), cluster("b", "y", "True")];
        for reference in [
            json!({"name": "a"}),
            json!({"matchLabels": {"crossplane.io/composite": "x"}}),
            json!({"matchControllerRef": true}),
        ] {
            let found = find(&by(reference.clone()), &spoke(), &all);
            assert_eq!(found, Target::Ready(Arc::clone(&all[0])), "{reference}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let all = [cluster("a", "x", "False"), cluster("b", "x", "True")];
        let text = |reference| match find(&by(reference), &spoke(), &all) {
            Target::Ready(_) => panic!("not usable"),
            Target::NotReady(_, text) | Target::Absent(text) | Target::Ambiguous(text) => text,
        };
        assert_eq!(text(json!({"name": "a"})), "Cluster/a is not ready: Creating");
        assert_eq!(text(json!({"name": "c"})), "no Cluster matches name c");
        assert_eq!(text(json!({})), "no Cluster matches spec.clusterRef, which names nothing");
        let many = text(json!({"matchControllerRef": true}));
        assert_eq!(many, "the controller of the Spoke matches more than one Cluster: a, b");
    }
}
