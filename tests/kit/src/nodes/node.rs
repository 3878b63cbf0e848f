//! Node objects, as a kubelet would register them. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// A ready node. Its size is that of a mid-sized machine; the kit never runs out of it.
pub(super) fn node(
    name: &str,
    labels: &BTreeMap<String, String>,
    (address, port): (Ipv4Addr, u16),
    now: Timestamp,
) -> Node {
    let size = json!({
        "cpu": "4", "memory": "16Gi", "pods": "250", "ephemeral-storage": "100Gi",
    });
    let node = json!({
        "metadata": { "name": name, "labels": all_labels(name, labels) },
        "spec": { "providerID": format!("kit:///{name}") },
        "status": {
            "capacity": size,
            "allocatable": size,
            "conditions": conditions(now),
            "addresses": [
                { "type": "InternalIP", "address": address.to_string() },
                { "type": "Hostname", "address": name },
            ],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "capstan-kit",
                "kernelVersion": "", "containerRuntimeVersion": "kit://1",
                "kubeletVersion": "v1.36.3", "kubeProxyVersion": "",
                "machineID": name, "systemUUID": name, "bootID": name,
            },
        },
    });
    serde_json::from_value(node).expect("because the literal above is a Node")
}

fn all_labels(name: &str, labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let usual = [
        ("kubernetes.io/hostname", name),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
    ];
    let mut all: BTreeMap<_, _> =
        usual.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    all.extend(labels.clone());
    all
}

fn conditions(now: Timestamp) -> Value {
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason,
            "lastHeartbeatTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    };
    json!([
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        condition("Ready", "True", "KubeletReady"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_and_carries_labels() {
        let labels = BTreeMap::from([("pool".to_owned(), "a".to_owned())]);
        let node =
            node("n1", &labels, (Ipv4Addr::new(127, 1, 1, 1), 10_250), Timestamp::UNIX_EPOCH);
        let conditions = node.status.unwrap().conditions.unwrap();
        assert!(conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
        assert_eq!(node.metadata.labels.unwrap()["pool"], "a");
    }
}
