//! Which lists of the built-in kinds are merged, by Kubernetes' own API conventions (`x-kubernetes-patch-strategy`,
//! `x-kubernetes-patch-merge-key`, `x-kubernetes-list-map-keys`) of version 1.21, whose schema kustomize carries.
//! Every other list is replaced.

use capstan_model::GroupVersionKind;

/// The kinds of that schema: group, version, kinds.
const KINDS: &[(&str, &str, &[&str])] = &[
    (
        "",
        "v1",
        &[
            "Binding",
            "ComponentStatus",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    ("apiextensions.k8s.io", "v1", &["CustomResourceDefinition"]),
    ("apiextensions.k8s.io", "v1beta1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", "v1", &["APIService"]),
    ("apiregistration.k8s.io", "v1beta1", &["APIService"]),
    ("apps", "v1", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("authentication.k8s.io", "v1", &["TokenRequest", "TokenReview"]),
    ("authentication.k8s.io", "v1beta1", &["TokenReview"]),
    (
        "authorization.k8s.io",
        "v1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    (
        "authorization.k8s.io",
        "v1beta1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("autoscaling", "v1", &["HorizontalPodAutoscaler", "Scale"]),
    ("autoscaling", "v2beta1", &["HorizontalPodAutoscaler"]),
    ("autoscaling", "v2beta2", &["HorizontalPodAutoscaler"]),
    ("batch", "v1", &["CronJob", "Job"]),
    ("batch", "v1beta1", &["CronJob"]),
    ("certificates.k8s.io", "v1", &["CertificateSigningRequest"]),
    ("certificates.k8s.io", "v1beta1", &["CertificateSigningRequest"]),
    ("coordination.k8s.io", "v1", &["Lease"]),
    ("coordination.k8s.io", "v1beta1", &["Lease"]),
    ("discovery.k8s.io", "v1", &["EndpointSlice"]),
    ("discovery.k8s.io", "v1beta1", &["EndpointSlice"]),
    ("events.k8s.io", "v1", &["Event"]),
    ("events.k8s.io", "v1beta1", &["Event"]),
    ("extensions", "v1beta1", &["Ingress"]),
    ("flowcontrol.apiserver.k8s.io", "v1beta1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", "v1", &["Ingress", "IngressClass", "NetworkPolicy"]),
    ("networking.k8s.io", "v1beta1", &["Ingress", "IngressClass"]),
    ("node.k8s.io", "v1", &["RuntimeClass"]),
    ("node.k8s.io", "v1beta1", &["RuntimeClass"]),
    ("policy", "v1", &["PodDisruptionBudget"]),
    ("policy", "v1beta1", &["Eviction", "PodDisruptionBudget", "PodSecurityPolicy"]),
    (
        "rbac.authorization.k8s.io",
        "v1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (
        "rbac.authorization.k8s.io",
        "v1beta1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    ("scheduling.k8s.io", "v1", &["PriorityClass"]),
    ("scheduling.k8s.io", "v1beta1", &["PriorityClass"]),
    ("storage.k8s.io", "v1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    (
        "storage.k8s.io",
        "v1beta1",
        &["CSIDriver", "CSINode", "CSIStorageCapacity", "StorageClass", "VolumeAttachment"],
    ),
];

/// The kinds whose conditions are merged by type.
const CONDITIONS: &[&str] = &[
    "APIService",
    "DaemonSet",
    "Deployment",
    "Job",
    "Namespace",
    "Node",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "ReplicationController",
    "Service",
    "StatefulSet",
];

/// How a list takes a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListMerge<'a> {
    /// The patch replaces it.
    Replace,
    /// Items with equal keys are merged.
    ByKeys(Vec<&'a str>),
    /// Plain values are united.
    Union,
}

type Lists = [(&'static str, &'static [&'static str])];

const POD_LISTS: &Lists = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
];

const CONTAINER_LISTS: &Lists = &[
    ("ports", &["containerPort", "protocol"]),
    ("env", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
];

/// Is it a kind whose lists are known?
pub(crate) fn knows(gvk: &GroupVersionKind) -> bool {
    let of = |(group, version, kinds): &(&str, &str, &[&str])| {
        gvk.group == *group && gvk.version == *version && kinds.contains(&gvk.kind.as_str())
    };
    KINDS.iter().any(of)
}

/// The rule for the list at a path: the keys that lead to it, without list positions.
pub(crate) fn rule(gvk: &GroupVersionKind, path: &[String]) -> ListMerge<'static> {
    if !knows(gvk) {
        return ListMerge::Replace;
    }
    let path = path.join("/");
    let keys = match (gvk.kind.as_str(), path.as_str()) {
        // Metadata is the same wherever a template has its own.
        (_, path) if ends(path, "metadata/finalizers") => return ListMerge::Union,
        (_, path) if ends(path, "metadata/ownerReferences") => Some(&["uid"][..]),
        ("Node", "spec/podCIDRs") => return ListMerge::Union,
        ("Node", "status/addresses") | ("ComponentStatus", "conditions") => Some(&["type"][..]),
        (kind, "status/conditions") if has_conditions(kind) => Some(&["type"][..]),
        ("Pod", "status/podIPs") => Some(&["ip"][..]),
        ("Service", "spec/ports") => Some(&["port", "protocol"][..]),
        ("ServiceAccount", "secrets") | ("CSINode", "spec/drivers") => Some(&["name"][..]),
        ("ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration", "webhooks") => {
            Some(&["name"][..])
        }
        _ => pod_spec(gvk).and_then(|at| in_pod(path.strip_prefix(at)?.strip_prefix('/')?)),
    };
    keys.map_or(ListMerge::Replace, |keys| ListMerge::ByKeys(keys.to_vec()))
}

/// The types of that schema which hold merged lists: their names, and where a kind has them.
const TYPES: &[(&str, [&str; 3], &str)] = &[
    ("apimachinery.pkg.apis.meta.v1.ObjectMeta", ["", "v1", "Pod"], "metadata"),
    ("api.core.v1.Container", ["", "v1", "Pod"], "spec/containers"),
    ("api.core.v1.EphemeralContainer", ["", "v1", "Pod"], "spec/ephemeralContainers"),
    ("api.core.v1.NodeSpec", ["", "v1", "Node"], "spec"),
    ("api.core.v1.PodSpec", ["", "v1", "Pod"], "spec"),
    ("api.core.v1.PodTemplateSpec", ["", "v1", "PodTemplate"], "template"),
    ("api.core.v1.ReplicationControllerSpec", ["", "v1", "ReplicationController"], "spec"),
    ("api.core.v1.ServiceSpec", ["", "v1", "Service"], "spec"),
    ("api.apps.v1.DaemonSetSpec", ["apps", "v1", "DaemonSet"], "spec"),
    ("api.apps.v1.DeploymentSpec", ["apps", "v1", "Deployment"], "spec"),
    ("api.apps.v1.ReplicaSetSpec", ["apps", "v1", "ReplicaSet"], "spec"),
    ("api.apps.v1.StatefulSetSpec", ["apps", "v1", "StatefulSet"], "spec"),
    ("api.batch.v1.CronJobSpec", ["batch", "v1", "CronJob"], "spec"),
    ("api.batch.v1.JobSpec", ["batch", "v1", "Job"], "spec"),
    ("api.batch.v1.JobTemplateSpec", ["batch", "v1", "CronJob"], "spec/jobTemplate"),
];

/// As [`rule`], for a path in one of the schema's types, which is named as in its definitions.
pub(crate) fn rule_of_type(name: &str, path: &[String]) -> ListMerge<'static> {
    let name = name.strip_prefix("io.k8s.").unwrap_or_default();
    let Some((_, [group, version, kind], at)) = TYPES.iter().find(|(known, ..)| *known == name)
    else {
        return ListMerge::Replace;
    };
    let at = at.split('/').map(str::to_owned).chain(path.iter().cloned());
    rule(&GroupVersionKind::new(*group, *version, *kind), &at.collect::<Vec<_>>())
}

fn ends(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with('/'))
}

fn has_conditions(kind: &str) -> bool {
    CONDITIONS.contains(&kind)
}

fn in_pod(path: &str) -> Option<&'static [&'static str]> {
    let find = |lists: &Lists, name: &str| {
        lists.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys)
    };
    match path.split_once('/') {
        None => find(POD_LISTS, path),
        Some(("ephemeralContainers", "ports")) => None,
        Some(("containers" | "initContainers" | "ephemeralContainers", list)) => {
            find(CONTAINER_LISTS, list)
        }
        Some(_) => None,
    }
}

/// The path of the pod spec in a kind that has one.
fn pod_spec(gvk: &GroupVersionKind) -> Option<&'static str> {
    match gvk.kind.as_str() {
        "Pod" => Some("spec"),
        "PodTemplate" => Some("template/spec"),
        "CronJob" => Some("spec/jobTemplate/spec/template/spec"),
        "ReplicationController"
        | "DaemonSet"
        | "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "Job" => Some("spec/template/spec"),
        _ => None,
    }
}
