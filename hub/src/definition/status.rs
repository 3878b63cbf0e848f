//! The conditions of an XRD, in Crossplane's words.

use capstan_cluster::ClusterError;
use capstan_model::{ConditionStatus, GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::composite::{Definition, write_status};
use crate::object::conditions;
use crate::world::World;

const ESTABLISHED: &str = "Established";
const OFFERED: &str = "Offered";

/// `served` says of each CRD whether the API server serves it: the composites' first, then the claims'.
pub(super) async fn established(
    world: &World,
    xrd: &Manifest,
    definition: &Definition,
    served: &[bool],
) -> Result<(), ClusterError> {
    let mut all = conditions(xrd);
    let now = world.now();
    let types =
        [(ESTABLISHED, "WatchingCompositeResource"), (OFFERED, "WatchingCompositeResourceClaim")];
    for ((type_, reason), served) in types.into_iter().zip(served) {
        if *served {
            all.set(type_, ConditionStatus::True, reason, "", None, now);
        } else {
            let message = "the API server does not serve the CRD yet";
            all.set(type_, ConditionStatus::False, "Pending", message, None, now);
        }
    }
    if definition.claim.is_none() {
        all.remove(OFFERED);
    }
    let type_of = |gvk: Option<&GroupVersionKind>| {
        gvk.map(|gvk| json!({"apiVersion": gvk.api_version(), "kind": gvk.kind}))
    };
    let mut controllers = json!({"compositeResourceType": type_of(Some(&definition.composite))});
    if let Some(claim) = type_of(definition.claim.as_ref()) {
        controllers["compositeResourceClaimType"] = claim;
    }
    write_status(world, xrd, &json!({"conditions": all, "controllers": controllers})).await
}

/// An XRD that was established stays so with its last good CRDs; the message says what keeps it from changing.
pub(super) async fn failed(world: &World, xrd: &Manifest, message: &str) {
    let status = failed_status(xrd, message, world.now());
    if let Err(error) = write_status(world, xrd, &status).await {
        tracing::warn!(%error, "status not written");
    }
}

fn failed_status(xrd: &Manifest, message: &str, now: jiff::Timestamp) -> Value {
    let mut all = conditions(xrd);
    all.set("Synced", ConditionStatus::False, "ReconcileError", message, None, now);
    if !all.is_true(ESTABLISHED) {
        all.set(ESTABLISHED, ConditionStatus::False, "ReconcileError", message, None, now);
    }
    json!({"conditions": all})
}

/// The XRD is going.
pub(super) async fn terminating(
    world: &World,
    xrd: &Manifest,
    message: &str,
) -> Result<(), ClusterError> {
    let mut all = conditions(xrd);
    let now = world.now();
    let reason = "TerminatingCompositeResource";
    all.set(ESTABLISHED, ConditionStatus::False, reason, message, None, now);
    if all.get(OFFERED).is_some() {
        let reason = "TerminatingCompositeResourceClaim";
        all.set(OFFERED, ConditionStatus::False, reason, message, None, now);
    }
    write_status(world, xrd, &json!({"conditions": all})).await
}
