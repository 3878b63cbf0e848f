//! Which built-in kinds live outside namespaces.

const CLUSTER_SCOPED: [(&str, &[&str]); 14] = [
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["TokenReview", "SelfSubjectReview"]),
    (
        "authorization.k8s.io",
        &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
    ),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
];

/// Is this certainly a built-in kind without namespaces? Kinds of CRDs count as namespaced, and so does one without version.
pub(crate) fn is_cluster_scoped(group: &str, version: &str, kind: &str) -> bool {
    if version.is_empty() {
        return false;
    }
    (group == "policy" && kind == "PodSecurityPolicy")
        || CLUSTER_SCOPED.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind))
}
