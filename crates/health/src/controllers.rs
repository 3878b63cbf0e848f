//! The workload controllers: counts of replicas, in the order in which a rollout reaches them.

use capstan_model::Manifest;

use crate::field::{conditions, count, integer, text};
use crate::types::Health;

/// Upper bound of `progressDeadlineSeconds`, which the Deployment controller takes for "none".
const NO_DEADLINE: i64 = i32::MAX as i64;

/// One gate of a rollout: so many of so many.
struct Gate {
    wanted: i64,
    have: i64,
    reason: &'static str,
    label: &'static str,
}

/// The first gate that is not reached.
fn first_open(gates: &[Gate]) -> Option<Health> {
    let open = gates.iter().find(|gate| gate.wanted > gate.have)?;
    let Gate { wanted, have, reason, label } = open;
    Some(Health::in_progress(*reason, format!("{label}: {have}/{wanted}")))
}

fn gate(wanted: i64, have: i64, reason: &'static str, label: &'static str) -> Gate {
    Gate { wanted, have, reason, label }
}

/// More replicas than asked for.
fn surplus(have: i64, wanted: i64) -> Option<Health> {
    let extra = have - wanted;
    (extra > 0).then(|| Health::in_progress("ExtraPods", format!("Pending termination: {extra}")))
}

/// Replicas asked for; the controllers take an absent number for 1.
fn replicas(object: &Manifest) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

pub(crate) fn deployment(object: &Manifest) -> Health {
    // Without a deadline the controller never writes the condition.
    let deadline = integer(object, "/spec/progressDeadlineSeconds").unwrap_or(NO_DEADLINE);
    let (mut progressed, mut available) = (deadline == NO_DEADLINE, false);
    for c in conditions(object) {
        match c.kind {
            "Progressing" if c.reason == "ProgressDeadlineExceeded" => {
                return Health::failed(c.reason, "Progress deadline exceeded");
            }
            "Progressing" if c.status == "True" && c.reason == "NewReplicaSetAvailable" => {
                progressed = true;
            }
            "Available" if c.status == "True" => available = true,
            _ => {}
        }
    }
    let wanted = replicas(object);
    let [have, updated, ready, up] =
        ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
            .map(|field| count(object, field));
    first_open(&[
        gate(wanted, have, "LessReplicas", "Replicas"),
        gate(wanted, updated, "LessUpdated", "Updated"),
    ])
    .or_else(|| surplus(have, wanted))
    .or_else(|| {
        first_open(&[
            gate(updated, up, "LessAvailable", "Available"),
            gate(wanted, ready, "LessReady", "Ready"),
        ])
    })
    .unwrap_or_else(|| match (progressed, available) {
        (false, _) => Health::in_progress("ReplicaSetNotAvailable", "ReplicaSet not Available"),
        (_, false) => Health::in_progress("DeploymentNotAvailable", "Deployment not Available"),
        _ => Health::current(format!("Deployment is available. Replicas: {have}")),
    })
}

pub(crate) fn replica_set(object: &Manifest) -> Health {
    if conditions(object).iter().any(|c| c.kind == "ReplicaFailure" && c.status == "True") {
        return Health::in_progress("ReplicaFailure", "Replica Failure condition. Check Pods");
    }
    let wanted = replicas(object);
    let [have, ready, up, labelled] =
        ["replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas"]
            .map(|field| count(object, field));
    first_open(&[
        gate(wanted, labelled, "LessLabelled", "Labelled"),
        gate(wanted, up, "LessAvailable", "Available"),
        gate(wanted, ready, "LessReady", "Ready"),
    ])
    .or_else(|| surplus(have, wanted))
    .unwrap_or_else(|| Health::current(format!("ReplicaSet is available. Replicas: {have}")))
}

pub(crate) fn stateful_set(object: &Manifest) -> Health {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Health::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = replicas(object);
    let [have, ready, current, updated] =
        ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"]
            .map(|field| count(object, field));
    first_open(&[
        gate(wanted, have, "LessReplicas", "Replicas"),
        gate(wanted, ready, "LessReady", "Ready"),
    ])
    .or_else(|| surplus(have, wanted))
    .or_else(|| partitioned(object, wanted, updated))
    .or_else(|| first_open(&[gate(wanted, current, "LessCurrent", "current")]))
    .unwrap_or_else(|| {
        if text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
            let message = "Waiting for updated revision to match current";
            return Health::in_progress("RevisionMismatch", message);
        }
        Health::current(format!("All replicas scheduled as expected. Replicas: {have}"))
    })
}

/// With a partition only the ordinals from it on are updated. -1 counts as none, as in kstatus.
fn partitioned(object: &Manifest, wanted: i64, updated: i64) -> Option<Health> {
    let partition = integer(object, "/spec/updateStrategy/rollingUpdate/partition")?;
    if partition == -1 {
        return None;
    }
    let gate = gate(wanted - partition, updated, "PartitionRollout", "updated");
    Some(first_open(&[gate]).unwrap_or_else(|| {
        Health::current(format!("Partition rollout complete. updated: {updated}"))
    }))
}

pub(crate) fn daemon_set(object: &Manifest) -> Health {
    for (pointer, name, reason) in [
        ("/metadata/generation", "metadata.generation", "NoGeneration"),
        ("/status/observedGeneration", "status.observedGeneration", "NoObservedGeneration"),
    ] {
        if integer(object, pointer).is_none() {
            let message = format!("{} {name} not found", object.kind());
            return Health::in_progress(reason, message);
        }
    }
    let Some(wanted) = integer(object, "/status/desiredNumberScheduled").filter(|n| *n != -1)
    else {
        let message = "Missing .status.desiredNumberScheduled";
        return Health::in_progress("NoDesiredNumber", message);
    };
    let [current, updated, up, ready] =
        ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
            .map(|field| count(object, field));
    first_open(&[
        gate(wanted, current, "LessCurrent", "Current"),
        gate(wanted, updated, "LessUpdated", "Updated"),
        gate(wanted, up, "LessAvailable", "Available"),
        gate(wanted, ready, "LessReady", "Ready"),
    ])
    .unwrap_or_else(|| {
        Health::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
    })
}
