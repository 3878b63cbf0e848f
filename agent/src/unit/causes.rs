use capstan_cluster::Cluster;
use capstan_health::{Status, assess};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::Value;

use crate::follow::Seen;

/// How many pods are named: those of one workload mostly fail alike.
const MOST: usize = 3;

/// Why workloads do not become healthy: what their pods say. Empty when nothing is known, or may not be looked at.
pub(super) async fn causes(cluster: &Cluster, seen: &[Seen]) -> String {
    let mut found = Vec::new();
    for workload in seen.iter().filter_map(|(_, object)| object.as_ref().ok()?.as_ref()) {
        if assess(workload).status == Status::Current {
            continue;
        }
        let Some(labels) = selector(workload) else { continue };
        let gvk = GroupVersionKind::new("", "v1", "Pod");
        let pods = cluster.list(&gvk, workload.namespace(), &labels).await.unwrap_or_default();
        found.extend(pods.iter().filter_map(cause).take(MOST));
    }
    found.iter().map(|cause| format!("; {cause}")).collect()
}

/// The labels by which a workload knows its pods.
fn selector(workload: &Manifest) -> Option<String> {
    let labels = workload.value().pointer("/spec/selector/matchLabels")?.as_object()?;
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
    let pairs: Vec<_> = labels.iter().filter_map(pair).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// What keeps a pod from being ready: no node takes it, or a container waits for something else than its turn.
fn cause(pod: &Manifest) -> Option<String> {
    let list = |pointer: &str| pod.value().pointer(pointer).and_then(Value::as_array);
    let unscheduled = list("/status/conditions")
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False");
    let containers = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let waiting = containers
        .into_iter()
        .filter_map(list)
        .flatten()
        .map(|container| &container["state"]["waiting"])
        .find(|waiting| {
            let reason = waiting["reason"].as_str().unwrap_or_default();
            !matches!(reason, "" | "ContainerCreating" | "PodInitializing")
        });
    let why = unscheduled.or(waiting)?;
    let text = |key: &str| why[key].as_str().unwrap_or_default();
    Some(format!("{}: {}: {}", pod.id(), text("reason"), text("message")))
}

#[cfg(test)]
mod tests {
    use super::{cause, selector};
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn pod(status: &Value) -> Manifest {
        let value = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "n"}, "status": status});
        Manifest::try_from(value).expect("valid")
    }

    fn waiting(reason: &str) -> Value {
        json!([{"state": {"waiting": {"reason": reason, "message": "because"}}}])
    }

    #[test]
    fn pods_say_what_they_wait_for() {
        let pulls = pod(&json!({"containerStatuses": waiting("ImagePullBackOff")}));
        assert_eq!(cause(&pulls).as_deref(), Some("Pod/n/p: ImagePullBackOff: because"));
        let starts = pod(&json!({"containerStatuses": waiting("ContainerCreating")}));
        assert_eq!(cause(&starts), None);
        let condition = json!({"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available"});
        let lost = pod(&json!({"conditions": [condition]}));
        let says = "Pod/n/p: Unschedulable: 0/1 nodes are available";
        assert_eq!(cause(&lost).as_deref(), Some(says));
    }

    #[test]
    fn workloads_know_their_pods_by_labels() {
        let workload = |spec: Value| {
            let value = json!({"apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "d", "namespace": "n"}, "spec": spec});
            selector(&Manifest::try_from(value).expect("valid"))
        };
        let labels = json!({"selector": {"matchLabels": {"a": "1", "b": "2"}}});
        assert_eq!(workload(labels).as_deref(), Some("a=1,b=2"));
        assert_eq!(workload(json!({"selector": {}})), None);
    }
}
