use capstan_model::Manifest;
use serde_json::{Value, json};

use crate::{Health, Status, assess, assess_at};

fn object(api_version: &str, kind: &str, more: Value) -> Manifest {
    let mut value = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": "x", "namespace": "n", "generation": 1}});
    let Value::Object(more) = more else { panic!("more fields are a map") };
    value.as_object_mut().expect("a map").extend(more);
    Manifest::try_from(value).expect("a manifest")
}

fn with_conditions(conditions: Value) -> Manifest {
    let mut role = object("iam.aws.crossplane.io/v1beta1", "Role", json!({"status": {}}));
    role.value_mut()["status"]["conditions"] = conditions;
    role
}

#[test]
fn a_managed_resource_is_current_when_it_is_ready() {
    let ready = with_conditions(json!([
        {"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
        {"type": "Ready", "status": "True", "reason": "Available"}]));
    assert_eq!(assess(&ready), Health::current("Resource is Ready"));
}

#[test]
fn a_managed_resource_that_is_not_ready_is_in_progress() {
    let creating = with_conditions(json!([
        {"type": "Synced", "status": "False", "reason": "ReconcileError", "message": "denied"},
        {"type": "Ready", "status": "False", "reason": "Creating"}]));
    let health = assess(&creating);
    assert_eq!((health.status, &*health.reason), (Status::InProgress, "Creating"));
    assert_eq!(health.condition(), Some(("Reconciling", "Creating")));
    assert_eq!(health.to_string(), "InProgress");
}

#[test]
fn deletion_comes_before_everything() {
    let mut gone = with_conditions(json!([{"type": "Ready", "status": "True"}]));
    gone.value_mut()["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z".into();
    assert_eq!(assess(&gone).status, Status::Terminating);
}

#[test]
fn a_pod_gets_fifteen_seconds_to_find_a_node() {
    let mut pod = object(
        "v1",
        "Pod",
        json!({"status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}}),
    );
    pod.value_mut()["metadata"]["creationTimestamp"] = "2024-01-01T00:00:00Z".into();
    let at = |text: &str| assess_at(&pod, text.parse().expect("a time")).status;
    assert_eq!(at("2024-01-01T00:00:14Z"), Status::InProgress);
    assert_eq!(at("2024-01-01T00:00:15Z"), Status::Failed);
    assert_eq!(assess(&pod).status, Status::InProgress);
}

#[test]
fn a_definition_waits_to_be_established() {
    let crd = |conditions: Value| {
        let status = json!({"status": {"conditions": conditions}});
        assess(&object("apiextensions.k8s.io/v1", "CustomResourceDefinition", status))
    };
    assert_eq!(crd(json!([])).message, "Install in progress");
    let established = json!([{"type": "Established", "status": "True"}]);
    assert_eq!(crd(established), Health::current("CRD is established"));
    let clash = json!([{"type": "NamesAccepted", "status": "False", "reason": "ListKindConflict",
        "message": "taken"}, {"type": "Established", "status": "False", "reason": "NotAccepted"}]);
    assert_eq!(crd(clash), Health::failed("ListKindConflict", "taken"));
}

#[test]
fn nonsense_in_a_status_does_not_panic() {
    for status in [json!(null), json!("x"), json!({"conditions": "x"}), json!({"conditions": [1]})]
    {
        for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
            let _ = assess(&object("apps/v1", kind, json!({"status": status})));
        }
    }
}
