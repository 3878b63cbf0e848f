use std::collections::HashSet;

use capstan_model::ObjectId;

use crate::order::flux_order;
use crate::refs::{is_crd, is_xrd};
use crate::types::{InventoryEntry, Owner, PruneStep};

/// Kinds of Crossplane without which its other objects cannot be deleted cleanly.
const CROSSPLANE_DEFINITIONS: [&str; 9] = [
    "CompositeResourceDefinition",
    "Composition",
    "Configuration",
    "ControllerConfig",
    "DeploymentRuntimeConfig",
    "EnvironmentConfig",
    "Function",
    "Provider",
    "ProviderConfig",
];

/// Objects whose finalizers need other objects of the plan: they go first.
const FINALIZED: u8 = 0;
/// Everything else.
const ORDINARY: u8 = 1;
/// What objects of the stages before are made of.
const DEFINITIONS: u8 = 2;
/// What takes everything inside it along.
const CONTAINERS: u8 = 3;

/// Steps for entries that are no longer wanted, dependents first.
pub(crate) fn steps(gone: &[InventoryEntry], owner: &Owner) -> Vec<PruneStep> {
    let defined: HashSet<&str> = gone
        .iter()
        .filter(|entry| is_crd(&entry.id) || is_xrd(&entry.id))
        .filter_map(|entry| Some(entry.id.name.split_once('.')?.1))
        .collect();
    let mut steps: Vec<_> = gone
        .iter()
        .map(|entry| PruneStep {
            id: entry.id.clone(),
            version: entry.version.clone(),
            stage: stage(&entry.id, &defined),
            owner_labels: owner.labels(),
            exclusions: exclusions(&owner.group),
        })
        .collect();
    steps.sort_by(|a, b| a.stage.cmp(&b.stage).then_with(|| flux_order(&b.id, &a.id)));
    steps
}

fn stage(id: &ObjectId, defined: &HashSet<&str>) -> u8 {
    let unit = matches!(&*id.group, "kustomize.toolkit.fluxcd.io" | "helm.toolkit.fluxcd.io");
    if is_crd(id) || (id.group.is_empty() && id.kind == "Namespace") {
        CONTAINERS
    } else if id.group.ends_with("crossplane.io") && CROSSPLANE_DEFINITIONS.contains(&&*id.kind) {
        DEFINITIONS
    } else if unit || id.group == "admissionregistration.k8s.io" || defined.contains(&*id.group) {
        FINALIZED
    } else {
        ORDINARY
    }
}

fn exclusions(group: &str) -> Vec<(String, String)> {
    [("prune", "disabled"), ("reconcile", "disabled"), ("ssa", "Ignore")]
        .into_iter()
        .map(|(key, value)| (format!("{group}/{key}"), value.to_owned()))
        .collect()
}
