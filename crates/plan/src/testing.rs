//! Builders for tests.

use capstan_model::{GroupVersionKind, Manifest, ObjectId};
use serde_json::{Value, json};

use crate::{Input, InventoryEntry, Owner, Plan, PlanErrors, Scope, Settings, plan};

pub(crate) const GROUP: &str = "kustomize.toolkit.fluxcd.io";

pub(crate) fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Manifest {
    with(api_version, kind, namespace, name, json!({}))
}

/// An object with more fields at its root.
pub(crate) fn with(
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
    more: Value,
) -> Manifest {
    let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    if !namespace.is_empty() {
        value["metadata"]["namespace"] = namespace.into();
    }
    let Value::Object(more) = more else { panic!("more fields are a map") };
    value.as_object_mut().expect("a map").extend(more);
    Manifest::try_from(value).expect("a valid manifest")
}

/// Discovery of a cluster without custom kinds.
pub(crate) fn scopes(gvk: &GroupVersionKind) -> Scope {
    let builtin = gvk.group.is_empty()
        || !gvk.group.contains('.')
        || gvk.group.ends_with(".k8s.io") && !gvk.group.contains("crossplane");
    match &*gvk.kind {
        _ if !builtin => Scope::Unknown,
        "Namespace"
        | "ClusterRole"
        | "ClusterRoleBinding"
        | "CustomResourceDefinition"
        | "StorageClass"
        | "PriorityClass"
        | "IngressClass"
        | "MutatingWebhookConfiguration"
        | "ValidatingWebhookConfiguration" => Scope::Cluster,
        _ => Scope::Namespaced,
    }
}

pub(crate) fn owner() -> Owner {
    Owner { group: GROUP.to_owned(), name: "apps".to_owned(), namespace: "flux-system".to_owned() }
}

pub(crate) fn input(desired: Vec<Manifest>, inventory: Vec<InventoryEntry>) -> Input<'static> {
    Input {
        desired,
        inventory,
        prune: true,
        owner: owner(),
        scopes: &scopes,
        settings: Settings {
            field_manager: "kustomize-controller".to_owned(),
            ..Settings::default()
        },
    }
}

pub(crate) fn plan_of(desired: Vec<Manifest>) -> Result<Plan, PlanErrors> {
    plan(input(desired, Vec::new()))
}

pub(crate) fn entry(id: &str) -> InventoryEntry {
    let id: ObjectId = id.parse().expect("an inventory id");
    InventoryEntry { id, version: "v1".to_owned() }
}

/// The waves as text: `Kind/namespace/name` of each step.
pub(crate) fn waves(plan: &Plan) -> Vec<Vec<String>> {
    let wave = |steps: &[crate::ApplyStep]| steps.iter().map(|s| s.id.to_string()).collect();
    plan.waves.iter().map(|w| wave(&w.steps)).collect()
}
