//! Kinds with rules of their own, but for the workload controllers.

use capstan_model::Manifest;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::controllers;
use crate::field::{condition, conditions, count, integer, text};
use crate::types::{Health, Status};

/// How long a pod may stay without a node before it counts as failed (kstatus, `ScheduleWindow`).
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// The verdict of the object's kind; `None` for kinds without rules.
pub(crate) fn assess(object: &Manifest, now: Option<Timestamp>) -> Option<Health> {
    let gvk = object.gvk();
    Some(match (&*gvk.group, &*gvk.kind) {
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => {
            Health::current("Resource is always ready")
        }
        ("", "Service") => service(object),
        ("", "Pod") => pod(object, now),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apps", "StatefulSet") => controllers::stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => controllers::daemon_set(object),
        ("apps" | "extensions", "Deployment") => controllers::deployment(object),
        ("apps" | "extensions", "ReplicaSet") => controllers::replica_set(object),
        ("policy", "PodDisruptionBudget") => {
            Health::current("AllowedDisruptions has been computed.")
        }
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => return None,
    })
}

fn service(object: &Manifest) -> Health {
    let balanced = text(object, "/spec/type") == "LoadBalancer";
    if balanced && text(object, "/spec/clusterIP").is_empty() {
        let message = "ClusterIP not set. Service type: LoadBalancer";
        return Health::in_progress("NoIPAssigned", message);
    }
    Health::current("Service is ready")
}

fn claim(object: &Manifest) -> Health {
    match text(object, "/status/phase") {
        "Bound" => Health::current("PVC is Bound"),
        phase => {
            let phase = if phase.is_empty() { "unknown" } else { phase };
            Health::in_progress("NotBound", format!("PVC is not Bound. phase: {phase}"))
        }
    }
}

fn pod(object: &Manifest, now: Option<Timestamp>) -> Health {
    match text(object, "/status/phase") {
        "Succeeded" => Health::current("Pod has completed successfully"),
        "Failed" => Health::current("Pod has completed, but not successfully"),
        "Running" => running(object),
        "Pending" => pending(object, now),
        "" => Health::in_progress("PodNotObserved", "Pod phase not available"),
        phase => Health::new(Status::Unknown, "UnknownPhase", format!("unknown phase {phase}")),
    }
}

fn running(object: &Manifest) -> Health {
    if conditions(object).iter().any(|c| c.kind == "Ready" && c.status == "True") {
        return Health::current("Pod is Ready");
    }
    let looping = crash_looping(object).join(",");
    if looping.is_empty() {
        return Health::in_progress("PodRunningNotReady", "Pod is running but is not Ready");
    }
    Health::failed("ContainerCrashLooping", format!("Containers in CrashLoop state: {looping}"))
}

fn crash_looping(object: &Manifest) -> Vec<&str> {
    let containers = object.value().pointer("/status/containerStatuses").and_then(Value::as_array);
    let looping = |status: &&Value| {
        status.pointer("/state/waiting/reason").and_then(Value::as_str) == Some("CrashLoopBackOff")
    };
    let containers = containers.into_iter().flatten().filter(looping);
    containers.filter_map(|status| status.get("name")?.as_str()).collect()
}

fn pending(object: &Manifest, now: Option<Timestamp>) -> Health {
    let unscheduled = |c: &crate::field::Condition<'_>| {
        c.kind == "PodScheduled" && c.status == "False" && c.reason == "Unschedulable"
    };
    if !conditions(object).iter().any(unscheduled) {
        return Health::in_progress("PodPending", "Pod is in the Pending phase");
    }
    let created: Option<Timestamp> = text(object, "/metadata/creationTimestamp").parse().ok();
    let created = created.unwrap_or(Timestamp::UNIX_EPOCH);
    match now {
        Some(now) if now.duration_since(created) >= SCHEDULE_WINDOW => {
            Health::failed("PodUnschedulable", "Pod could not be scheduled")
        }
        _ => Health::in_progress("PodNotScheduled", "Pod has not been scheduled"),
    }
}

fn job(object: &Manifest) -> Health {
    let parallelism = integer(object, "/spec/parallelism").unwrap_or(1);
    let completions = integer(object, "/spec/completions").unwrap_or(parallelism);
    let [succeeded, active, failed] =
        ["succeeded", "active", "failed"].map(|field| count(object, field));
    let suspended = object.value().pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    for c in conditions(object).iter().filter(|c| c.status == "True") {
        match c.kind {
            "Complete" => {
                let message = format!("Job Completed. succeeded: {succeeded}/{completions}");
                return Health::current(message);
            }
            "Failed" => {
                let message = format!("Job Failed. failed: {failed}/{completions}");
                return Health::failed("JobFailed", message);
            }
            // Resuming starts with the spec; the condition follows.
            "Suspended" if suspended => return Health::current("Job is suspended"),
            _ => {}
        }
    }
    if text(object, "/status/startTime").is_empty() {
        return Health::in_progress("JobNotStarted", "Job not started");
    }
    Health::current(format!(
        "Job in progress. success:{succeeded}, active: {active}, failed: {failed}"
    ))
}

fn definition(object: &Manifest) -> Health {
    if let Some(names) = condition(object, "NamesAccepted")
        && names.status == "False"
    {
        return Health::failed(names.reason, names.message);
    }
    match condition(object, "Established") {
        Some(c) if c.status == "True" => Health::current("CRD is established"),
        Some(c) if c.status == "False" && c.reason != "Installing" => {
            Health::failed(c.reason, c.message)
        }
        _ => Health::in_progress("Installing", "Install in progress"),
    }
}
