//! Which node a pod goes to. Pure, and much simpler than a scheduler: resources do not count.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Taint};

/// Chooses the node with the fewest pods among those that the pod may run on.
///
/// # Errors
/// With the scheduler's kind of message when there is none.
pub(super) fn choose<'a>(
    pod: &Pod,
    nodes: &'a BTreeMap<String, Node>,
    pods_on: impl Fn(&str) -> usize,
) -> Result<&'a str, String> {
    let fitting = nodes.iter().filter(|(name, node)| fits(pod, name, node));
    match fitting.map(|(name, _)| name.as_str()).min_by_key(|name| pods_on(name)) {
        Some(name) => Ok(name),
        None if nodes.is_empty() => Err("no nodes available to schedule pods".into()),
        None => Err(format!(
            "0/{} nodes are available: none is ready and matches the pod's selector and tolerations",
            nodes.len()
        )),
    }
}

fn fits(pod: &Pod, name: &str, node: &Node) -> bool {
    is_ready(node) && matches_selector(pod, node) && affine(pod, name, node) && tolerates(pod, node)
}

fn is_ready(node: &Node) -> bool {
    let cordoned = node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions
        .is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
    ready && !cordoned && node.metadata.deletion_timestamp.is_none()
}

fn matches_selector(pod: &Pod, node: &Node) -> bool {
    let selector = pod.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
    selector.is_none_or(|wanted| wanted.iter().all(|(key, value)| label(node, key) == Some(value)))
}

fn label<'a>(node: &'a Node, key: &str) -> Option<&'a String> {
    node.metadata.labels.as_ref().and_then(|labels| labels.get(key))
}

/// Required node affinity: any of the terms. A DaemonSet names its node this way.
fn affine(pod: &Pod, name: &str, node: &Node) -> bool {
    let affinity = pod.spec.as_ref().and_then(|spec| spec.affinity.as_ref());
    let required = affinity
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|node| node.required_during_scheduling_ignored_during_execution.as_ref());
    required.is_none_or(|selector| {
        selector.node_selector_terms.iter().any(|term| term_matches(term, name, node))
    })
}

fn term_matches(term: &NodeSelectorTerm, name: &str, node: &Node) -> bool {
    let expressions = term.match_expressions.iter().flatten();
    let fields = term.match_fields.iter().flatten();
    expressions.clone().all(|one| holds(one, label(node, &one.key).map(String::as_str)))
        && fields.clone().all(|one| one.key == "metadata.name" && holds(one, Some(name)))
        && (expressions.count() > 0 || fields.count() > 0)
}

fn holds(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let listed =
        value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

fn tolerates(pod: &Pod, node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().filter(|taint| repels(taint)).all(|taint| {
        let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_ref());
        tolerations.into_iter().flatten().any(|toleration| {
            let key = toleration.key.as_deref();
            let effect = toleration.effect.as_deref();
            let exists = toleration.operator.as_deref() == Some("Exists");
            key.is_none_or(|key| key.is_empty() || key == taint.key)
                && effect.is_none_or(|effect| effect.is_empty() || effect == taint.effect)
                && (exists || toleration.value.as_deref() == taint.value.as_deref())
        })
    })
}

/// The taint of a node that is not ready yet goes seconds after it is; its readiness is asked above.
fn repels(taint: &Taint) -> bool {
    taint.effect != "PreferNoSchedule" && taint.key != "node.kubernetes.io/not-ready"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(spec: &Value, labels: &Value, ready: &str) -> Node {
        serde_json::from_value(json!({
            "metadata": { "labels": labels },
            "spec": spec,
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        }))
        .unwrap()
    }

    fn pod(spec: Value) -> Pod {
        let mut pod: Pod = serde_json::from_value(json!({ "spec": { "containers": [] } })).unwrap();
        if !spec.is_null() {
            let mut spec = spec;
            spec["containers"] = json!([]);
            pod.spec = serde_json::from_value(spec).unwrap();
        }
        pod
    }

    fn chosen(pod: &Pod, nodes: &[(&str, Node)]) -> Result<String, String> {
        let nodes = nodes.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect();
        choose(pod, &nodes, |name| if name == "busy" { 5 } else { 1 }).map(str::to_owned)
    }

    #[test]
    fn prefers_the_node_with_fewer_pods() {
        let plain = || node(&json!({}), &json!({}), "True");
        assert_eq!(
            chosen(&pod(json!({})), &[("busy", plain()), ("idle", plain())]).unwrap(),
            "idle"
        );
    }

    #[test]
    fn says_why_there_is_none() {
        let error = chosen(&pod(json!({})), &[]).unwrap_err();
        assert_eq!(error, "no nodes available to schedule pods");
        let down = node(&json!({}), &json!({}), "False");
        let cordoned = node(&json!({ "unschedulable": true }), &json!({}), "True");
        let error = chosen(&pod(json!({})), &[("a", down), ("b", cordoned)]).unwrap_err();
        assert!(error.starts_with("0/2 nodes are available"), "{error}");
    }

    #[test]
    fn selectors_and_taints_count() {
        let tainted = || {
            let taint = json!([{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }]);
            node(&json!({ "taints": taint }), &json!({ "pool": "gpu" }), "True")
        };
        let wanted = json!({ "nodeSelector": { "pool": "gpu" } });
        assert!(chosen(&pod(wanted), &[("a", tainted())]).is_err());
        let tolerant = json!({
            "nodeSelector": { "pool": "gpu" },
            "tolerations": [{ "key": "gpu", "value": "yes" }],
        });
        assert_eq!(chosen(&pod(tolerant), &[("a", tainted())]).unwrap(), "a");
    }

    #[test]
    fn a_daemon_set_names_its_node() {
        let spec = json!({ "affinity": { "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
                { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["busy"] }] },
            ]},
        }}});
        let plain = || node(&json!({}), &json!({}), "True");
        assert_eq!(chosen(&pod(spec), &[("busy", plain()), ("idle", plain())]).unwrap(), "busy");
    }
}
