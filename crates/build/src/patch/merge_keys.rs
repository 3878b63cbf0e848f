//! Which lists of the built-in kinds are merged by key, from Kubernetes' API conventions
//! (`x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys`). Every other list is replaced.

use capstan_model::GroupVersionKind;

/// Where each built-in workload keeps its pod template: group, kind, path.
const POD_TEMPLATES: [(&str, &str, &str); 7] = [
    ("", "ReplicationController", "spec/template"),
    ("apps", "Deployment", "spec/template"),
    ("apps", "ReplicaSet", "spec/template"),
    ("apps", "DaemonSet", "spec/template"),
    ("apps", "StatefulSet", "spec/template"),
    ("batch", "Job", "spec/template"),
    ("batch", "CronJob", "spec/jobTemplate/spec/template"),
];

/// How a list takes a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListMerge {
    /// The patch replaces it.
    Replace,
    /// Items with equal keys are merged.
    ByKeys(&'static [&'static str]),
    /// Plain values are united.
    Union,
}

const POD_LISTS: [(&str, &[&str]); 9] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
];

const CONTAINER_LISTS: [(&str, &[&str]); 4] = [
    ("ports", &["containerPort", "protocol"]),
    ("env", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
];

/// The rule for the list at a path: the keys that lead to it, without list positions.
pub(super) fn rule(gvk: &GroupVersionKind, path: &[String]) -> ListMerge {
    let path = path.join("/");
    if !is_built_in(gvk) {
        return ListMerge::Replace;
    }
    match path.as_str() {
        "metadata/finalizers" => return ListMerge::Union,
        "metadata/ownerReferences" => return ListMerge::ByKeys(&["uid"]),
        "status/conditions" => return ListMerge::ByKeys(&["type"]),
        _ => {}
    }
    let special: Option<&'static [&'static str]> = match (gvk.kind.as_str(), path.as_str()) {
        ("Service", "spec/ports") => Some(&["port", "protocol"]),
        ("ServiceAccount", "secrets") => Some(&["name"]),
        ("ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration", "webhooks") => {
            Some(&["name"])
        }
        _ => pod_spec(gvk).and_then(|at| in_pod(path.strip_prefix(at)?.strip_prefix('/')?)),
    };
    special.map_or(ListMerge::Replace, ListMerge::ByKeys)
}

fn in_pod(path: &str) -> Option<&'static [&'static str]> {
    let find = |lists: &[(&str, &'static [&'static str])], name: &str| {
        lists.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys)
    };
    match path.split_once('/') {
        None => find(&POD_LISTS, path),
        Some(("containers" | "initContainers" | "ephemeralContainers", list)) => {
            find(&CONTAINER_LISTS, list)
        }
        Some(_) => None,
    }
}

/// The path of the pod spec in a kind that has one.
fn pod_spec(gvk: &GroupVersionKind) -> Option<&'static str> {
    let template = POD_TEMPLATES.iter().find(|(g, k, _)| *g == gvk.group && *k == gvk.kind);
    match (template, gvk.kind.as_str()) {
        (Some((_, _, "spec/template")), _) => Some("spec/template/spec"),
        (Some(_), _) => Some("spec/jobTemplate/spec/template/spec"),
        (None, "Pod") => Some("spec"),
        (None, "PodTemplate") => Some("template/spec"),
        (None, _) => None,
    }
}

fn is_built_in(gvk: &GroupVersionKind) -> bool {
    matches!(gvk.group.as_str(), "" | "apps" | "batch" | "autoscaling" | "policy")
        || (gvk.group.ends_with(".k8s.io")
            && !matches!(
                gvk.group.as_str(),
                "gateway.networking.k8s.io" | "snapshot.storage.k8s.io"
            ))
}
