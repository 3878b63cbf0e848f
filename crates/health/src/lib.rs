//! Object health, by the rules of kstatus.
//!
//! [`assess_at`] judges one live object by its content alone: deletion, observed generation, the
//! standard conditions, then the rules of its kind, then a `Ready` condition. An object of a kind
//! without rules and without conditions is current. Messages are those of kstatus.
//! [`HealthExpressions`] judge kinds by what their users write in CEL.

/// CEL expressions.
pub mod cel;
mod controllers;
mod expressions;
mod field;
mod kinds;
mod types;

pub use expressions::{HealthExpressions, HealthExpressionsError};
pub use types::{Health, Status};

use capstan_model::{GroupVersionKind, Manifest};
use jiff::Timestamp;

use crate::field::{condition, conditions, integer};

/// The health of an object, where a pod that finds no node is always waited for.
pub fn assess(object: &Manifest) -> Health {
    judge(object, None)
}

/// The health of an object at a time: a pod that has found no node for 15 seconds has failed.
pub fn assess_at(object: &Manifest, now: Timestamp) -> Health {
    judge(object, Some(now))
}

/// Are all objects of the kind current while they are there? Nothing that a controller reports about them counts.
pub fn is_static(gvk: &GroupVersionKind) -> bool {
    match &*gvk.group {
        "" => matches!(
            &*gvk.kind,
            "ConfigMap" | "Secret" | "ServiceAccount" | "LimitRange" | "Endpoints" | "PodTemplate"
        ),
        "rbac.authorization.k8s.io" | "scheduling.k8s.io" | "admissionregistration.k8s.io" => {
            // Policies of admission have a status.
            !gvk.kind.ends_with("AdmissionPolicy")
        }
        "networking.k8s.io" => matches!(&*gvk.kind, "NetworkPolicy" | "IngressClass"),
        "storage.k8s.io" => matches!(&*gvk.kind, "StorageClass" | "CSIDriver"),
        _ => false,
    }
}

fn judge(object: &Manifest, now: Option<Timestamp>) -> Health {
    generic(object)
        .or_else(|| kinds::assess(object, now))
        .or_else(|| ready(object))
        .unwrap_or_else(|| Health::current("Resource is current"))
}

/// What holds for every kind.
fn generic(object: &Manifest) -> Option<Health> {
    if object.is_deleting() {
        return Some(Health::new(Status::Terminating, "", "Resource scheduled for deletion"));
    }
    let generation = object.generation();
    let observed = integer(object, "/status/observedGeneration");
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        let message = format!(
            "{} generation is {generation}, but latest observed generation is {observed}",
            object.kind()
        );
        return Some(Health::in_progress("LatestGenerationNotObserved", message));
    }
    conditions(object).into_iter().find_map(|c| match (c.kind, c.status) {
        ("Reconciling", "True") => Some(Health::in_progress(c.reason, c.message)),
        ("Stalled", "True") => Some(Health::failed(c.reason, c.message)),
        _ => None,
    })
}

/// A `Ready` condition decides when nothing else does; `False` means that somebody still works on
/// it, as Crossplane and most controllers use it.
fn ready(object: &Manifest) -> Option<Health> {
    let ready = condition(object, "Ready")?;
    match ready.status {
        "True" => Some(Health::current("Resource is Ready")),
        "False" | "Unknown" => Some(Health::in_progress(ready.reason, ready.message)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
