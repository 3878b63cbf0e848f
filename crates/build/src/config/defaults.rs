//! kustomize's own lists of fields.

use super::{Config, Referral};
use crate::fields::Field;

/// Group, version, kind and path of a field.
type Row = (&'static str, &'static str, &'static str, &'static str);

pub(super) fn config() -> Config {
    let name = vec![Field::everywhere("metadata/name").existing()];
    let template_labels = metadata("labels");
    Config {
        name_prefix: name.clone(),
        name_suffix: name,
        namespace: namespace(),
        common_labels: common_labels(&template_labels),
        labels: Vec::new(),
        template_labels,
        common_annotations: metadata("annotations"),
        name_reference: name_references(),
        var_reference: var_references(),
        images: images(),
        replicas: replicas(),
    }
}

fn fields(rows: &[Row], create: bool) -> impl Iterator<Item = Field> {
    rows.iter().map(move |(group, version, kind, path)| Field {
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        kind: (*kind).to_owned(),
        path: (*path).to_owned(),
        create,
    })
}

/// `metadata.<field>` of objects and of the templates in them.
fn metadata(field: &str) -> Vec<Field> {
    let of = |group, version: &str, kind, path: &str| Field {
        version: version.to_owned(),
        ..Field::of(group, kind, &format!("{path}/metadata/{field}"))
    };
    let apps = if field == "labels" { "apps" } else { "" };
    let mut fields = vec![
        Field::everywhere(&format!("metadata/{field}")),
        of("", "v1", "ReplicationController", "spec/template"),
        of("", "", "Deployment", "spec/template"),
        of("", "", "ReplicaSet", "spec/template"),
        of("", "", "DaemonSet", "spec/template"),
        of(apps, "", "StatefulSet", "spec/template"),
    ];
    if field == "labels" {
        fields.push(of("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]"));
    }
    fields.extend([
        of("batch", "", "Job", "spec/template"),
        of("batch", "", "CronJob", "spec/jobTemplate"),
        of("batch", "", "CronJob", "spec/jobTemplate/spec/template"),
    ]);
    fields
}

/// Every place where a common label goes, selectors included.
fn common_labels(template_labels: &[Field]) -> Vec<Field> {
    const SELECTORS: [Row; 6] = [
        ("", "v1", "Service", "spec/selector"),
        ("", "v1", "ReplicationController", "spec/selector"),
        ("", "", "Deployment", "spec/selector/matchLabels"),
        ("", "", "ReplicaSet", "spec/selector/matchLabels"),
        ("", "", "DaemonSet", "spec/selector/matchLabels"),
        ("apps", "", "StatefulSet", "spec/selector/matchLabels"),
    ];
    const EXISTING: [Row; 6] = [
        ("batch", "", "Job", "spec/selector/matchLabels"),
        ("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
        ("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels"),
        ("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels"),
        ("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
        ("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
    ];
    let mut all: Vec<Field> = fields(&SELECTORS, true).collect();
    for kind in ["Deployment", "StatefulSet"] {
        let pod = |path: &str| {
            let path = format!("spec/template/spec/{path}/labelSelector/matchLabels");
            Field::of("apps", kind, &path).existing()
        };
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let preferred = "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm";
            let required = "requiredDuringSchedulingIgnoredDuringExecution";
            all.push(pod(&format!("affinity/{affinity}/{preferred}")));
            all.push(pod(&format!("affinity/{affinity}/{required}")));
        }
        all.push(pod("topologySpreadConstraints"));
    }
    all.extend(fields(&EXISTING, false));
    all.extend(template_labels.iter().cloned());
    all
}

fn namespace() -> Vec<Field> {
    let webhook = "spec/conversion/webhook/clientConfig/service/namespace";
    vec![
        Field::of("", "Namespace", "metadata/name"),
        Field::of("apiregistration.k8s.io", "APIService", "spec/service/namespace"),
        Field::of("apiextensions.k8s.io", "CustomResourceDefinition", webhook).existing(),
    ]
}

fn images() -> Vec<Field> {
    let paths = ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"];
    let specs = ["spec", "spec/template/spec"].into_iter();
    let all = specs.flat_map(|spec| paths.map(|path| format!("{spec}/{path}")));
    all.map(|path| Field::everywhere(&path)).collect()
}

fn replicas() -> Vec<Field> {
    let kinds = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"];
    kinds.map(|kind| Field::of("", kind, "spec/replicas")).into()
}

/// Where the kinds that make pods keep the pod's spec, and the version that the field asks for.
const PODS: [(&str, &str); 9] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

const CONFIG_MAP: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const SECRET: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

/// Pods' fields that name a ConfigMap or a Secret.
fn in_pods_data(paths: &[&str]) -> Vec<Field> {
    let kinds = PODS.iter().filter(|(kind, _)| *kind != "ReplicationController");
    let one = |(kind, spec): &(&str, &str), path: &str| Field {
        version: if *kind == "Pod" { "v1".to_owned() } else { String::new() },
        ..Field::of("", kind, &format!("{spec}/{path}")).existing()
    };
    kinds.flat_map(|pod| paths.iter().map(move |path| one(pod, path))).collect()
}

/// Pods' field that names something of the cluster.
fn in_pods(path: &str) -> Vec<Field> {
    let kinds = PODS.iter().filter(|(kind, _)| !matches!(*kind, "PodTemplate" | "ReplicaSet"));
    kinds.map(|(kind, spec)| Field::of("", kind, &format!("{spec}/{path}")).existing()).collect()
}

const RBAC: &str = "rbac.authorization.k8s.io";
const WEBHOOKS: &str = "admissionregistration.k8s.io";

const CONFIG_MAP_ELSEWHERE: [Row; 4] = [
    ("", "", "Node", "spec/configSource/configMap"),
    ("", "", "Role", "rules/resourceNames"),
    ("", "", "ClusterRole", "rules/resourceNames"),
    (
        "",
        "",
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap",
    ),
];

const SECRET_ELSEWHERE: [Row; 13] = [
    ("", "", "Ingress", "spec/tls/secretName"),
    ("", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
    ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
    ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
    ("", "", "ServiceAccount", "imagePullSecrets/name"),
    ("", "", "StorageClass", "parameters/secretName"),
    ("", "", "StorageClass", "parameters/adminSecretName"),
    ("", "", "StorageClass", "parameters/userSecretName"),
    ("", "", "StorageClass", "parameters/secretRef"),
    ("", "", "Role", "rules/resourceNames"),
    ("", "", "ClusterRole", "rules/resourceNames"),
    (
        "serving.knative.dev",
        "v1",
        "Service",
        "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
    ),
    ("", "", "PersistentVolume", "spec/azureFile/secretName"),
];

const SERVICE: [Row; 8] = [
    ("apps", "", "StatefulSet", "spec/serviceName"),
    ("", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
    ("", "", "Ingress", "spec/backend/serviceName"),
    ("", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
    ("", "", "Ingress", "spec/defaultBackend/service/name"),
    ("apiregistration.k8s.io", "", "APIService", "spec/service/name"),
    (WEBHOOKS, "", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
    (WEBHOOKS, "", "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
];

fn name_references() -> Vec<Referral> {
    let to = |group: &str, version: &str, kind: &str, fields: Vec<Field>| Referral {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        fields,
    };
    let rows = |rows: &[Row]| fields(rows, false).collect::<Vec<_>>();
    let with = |mut list: Vec<Field>, more: Vec<Field>| {
        list.extend(more);
        list
    };
    let scaled = rows(&[("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]);
    let subjects = rows(&[
        (RBAC, "", "RoleBinding", "subjects"),
        (RBAC, "", "ClusterRoleBinding", "subjects"),
    ]);
    let role = (RBAC, "", "RoleBinding", "roleRef/name");
    vec![
        to("", "", "Deployment", scaled.clone()),
        to("", "", "ReplicationController", scaled.clone()),
        to("", "", "ReplicaSet", scaled.clone()),
        to("", "", "StatefulSet", scaled),
        to("", "v1", "ConfigMap", with(in_pods_data(&CONFIG_MAP), rows(&CONFIG_MAP_ELSEWHERE))),
        to("", "v1", "Secret", with(in_pods_data(&SECRET), rows(&SECRET_ELSEWHERE))),
        to("", "v1", "Service", rows(&SERVICE)),
        to(RBAC, "", "Role", rows(&[role])),
        to(
            RBAC,
            "",
            "ClusterRole",
            rows(&[role, (RBAC, "", "ClusterRoleBinding", "roleRef/name")]),
        ),
        to("", "v1", "ServiceAccount", with(subjects, in_pods("serviceAccountName"))),
        to("", "v1", "PersistentVolumeClaim", in_pods("volumes/persistentVolumeClaim/claimName")),
        to(
            "",
            "v1",
            "PersistentVolume",
            rows(&[
                ("", "", "PersistentVolumeClaim", "spec/volumeName"),
                ("", "", "ClusterRole", "rules/resourceNames"),
            ]),
        ),
        to(
            "storage.k8s.io",
            "v1",
            "StorageClass",
            rows(&[
                ("", "", "PersistentVolume", "spec/storageClassName"),
                ("", "", "PersistentVolumeClaim", "spec/storageClassName"),
                ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
            ]),
        ),
        to("scheduling.k8s.io", "v1", "PriorityClass", in_pods("priorityClassName")),
        // The group is kustomize's own slip; with it the rule admits no object, as there.
        to(
            "networking.k8s.io/v1",
            "v1",
            "IngressClass",
            rows(&[("", "", "Ingress", "spec/ingressClassName")]),
        ),
        to(
            WEBHOOKS,
            "",
            "ValidatingAdmissionPolicy",
            rows(&[(WEBHOOKS, "", "ValidatingAdmissionPolicyBinding", "spec/policyName")]),
        ),
    ]
}

fn var_references() -> Vec<Field> {
    const IN_PODS: [&str; 8] = [
        "containers/args",
        "containers/command",
        "containers/env/value",
        "containers/volumeMounts/mountPath",
        "initContainers/args",
        "initContainers/command",
        "initContainers/env/value",
        "initContainers/volumeMounts/mountPath",
    ];
    const ELSEWHERE: [Row; 15] = [
        ("", "", "CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
        ("", "", "DaemonSet", "spec/template/spec/volumes/nfs/server"),
        ("", "", "Deployment", "spec/template/spec/volumes/nfs/server"),
        ("", "", "Job", "spec/template/spec/volumes/nfs/server"),
        ("", "", "ReplicaSet", "spec/template/spec/volumes/nfs/server"),
        ("", "", "Pod", "spec/volumes/nfs/server"),
        ("", "", "PersistentVolume", "spec/nfs/server"),
        ("", "", "Service", "spec/ports/port"),
        ("", "", "Service", "spec/ports/targetPort"),
        ("", "", "Ingress", "spec/rules/host"),
        ("", "", "Deployment", "spec/template/metadata/annotations"),
        ("", "", "Ingress", "spec/tls/hosts"),
        ("", "", "Ingress", "spec/tls/secretName"),
        ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
        ("", "", "", "metadata/labels"),
    ];
    let kinds =
        PODS.iter().filter(|(kind, _)| !matches!(*kind, "PodTemplate" | "ReplicationController"));
    let mut all: Vec<Field> = kinds
        .flat_map(|(kind, spec)| IN_PODS.iter().map(move |path| (*kind, format!("{spec}/{path}"))))
        .map(|(kind, path)| Field::of("", kind, &path).existing())
        .collect();
    all.extend(fields(&ELSEWHERE, false));
    all.push(Field::everywhere("metadata/annotations").existing());
    all
}
