use std::cmp::Ordering;

use capstan_model::ObjectId;

/// Kinds that Flux applies before all others, in this order (pkg/ssa, `ReconcileOrder`).
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that Flux applies after all others.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A kind's place in Flux's order; kinds that it does not list share one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rank(usize);

impl Rank {
    /// The place of a kind, whatever its group: Flux compares the kind alone.
    pub fn of(kind: &str) -> Self {
        if let Some(place) = FIRST.iter().position(|first| *first == kind) {
            return Self(place);
        }
        let last = LAST.iter().position(|last| *last == kind);
        Self(FIRST.len() + last.map_or(0, |place| place + 1))
    }
}

/// Flux's order of objects: rank, then group, kind, namespace and name.
pub fn flux_order(a: &ObjectId, b: &ObjectId) -> Ordering {
    Rank::of(&a.kind).cmp(&Rank::of(&b.kind)).then_with(|| a.cmp(b))
}
