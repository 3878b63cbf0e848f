//! What an object says about others: reading only, no graph.

use capstan_model::{Manifest, ObjectId};
use serde_json::Value;

use crate::types::Scope;

/// A kind that an object brings into being.
pub(crate) struct Definition {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) scope: Scope,
    /// The claim kind of an XRD.
    pub(crate) claim: bool,
}

/// A string at a JSON pointer; empty when it is absent.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Is it a CRD?
pub(crate) fn is_crd(id: &ObjectId) -> bool {
    id.group == "apiextensions.k8s.io" && id.kind == "CustomResourceDefinition"
}

/// Is it an XRD of Crossplane?
pub(crate) fn is_xrd(id: &ObjectId) -> bool {
    id.group == "apiextensions.crossplane.io" && id.kind == "CompositeResourceDefinition"
}

/// The kinds that a CRD or an XRD defines.
pub(crate) fn definitions(object: &Manifest) -> Vec<Definition> {
    let (id, value) = (object.id(), object.value());
    let defined = |names: &str, scope, claim| {
        let kind = text(value, &format!("/spec/{names}/kind")).to_owned();
        let group = text(value, "/spec/group").to_owned();
        (!kind.is_empty()).then_some(Definition { group, kind, scope, claim })
    };
    if is_crd(&id) {
        let cluster = text(value, "/spec/scope") == "Cluster";
        let scope = if cluster { Scope::Cluster } else { Scope::Namespaced };
        defined("names", scope, false).into_iter().collect()
    } else if is_xrd(&id) {
        let composite = defined("names", Scope::Cluster, false);
        composite.into_iter().chain(defined("claimNames", Scope::Namespaced, true)).collect()
    } else {
        Vec::new()
    }
}

/// The pod spec that the object holds: its own, or that of its template.
pub(crate) fn pod_spec(object: &Manifest) -> Option<&Value> {
    let value = object.value();
    if object.kind() == "Pod" && object.api_version() == "v1" {
        return value.pointer("/spec");
    }
    ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"]
        .into_iter()
        .find_map(|pointer| value.pointer(pointer))
        .filter(|spec| spec.get("containers").is_some())
}

/// Group and kind of an object referred to, and whether its namespace is the referrer's.
struct Target {
    group: &'static str,
    kind: &'static str,
    namespaced: bool,
}

const CONFIG_MAP: Target = Target { group: "", kind: "ConfigMap", namespaced: true };
const SECRET: Target = Target { group: "", kind: "Secret", namespaced: true };
const CLAIM: Target = Target { group: "", kind: "PersistentVolumeClaim", namespaced: true };
const ACCOUNT: Target = Target { group: "", kind: "ServiceAccount", namespaced: true };
const SERVICE: Target = Target { group: "", kind: "Service", namespaced: true };
const PRIORITY: Target =
    Target { group: "scheduling.k8s.io", kind: "PriorityClass", namespaced: false };
const RUNTIME: Target = Target { group: "node.k8s.io", kind: "RuntimeClass", namespaced: false };
const STORAGE: Target = Target { group: "storage.k8s.io", kind: "StorageClass", namespaced: false };
const INGRESS: Target =
    Target { group: "networking.k8s.io", kind: "IngressClass", namespaced: false };
const GATEWAY: Target =
    Target { group: "gateway.networking.k8s.io", kind: "GatewayClass", namespaced: false };

/// Collects ids; empty names are dropped.
struct Found<'a> {
    namespace: &'a str,
    ids: Vec<ObjectId>,
}

impl Found<'_> {
    fn add(&mut self, target: &Target, name: &str) {
        let namespace = if target.namespaced { self.namespace } else { "" };
        self.add_in(target.group, target.kind, namespace, name);
    }

    fn add_in(&mut self, group: &str, kind: &str, namespace: &str, name: &str) {
        if !name.is_empty() {
            self.ids.push(ObjectId {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            });
        }
    }
}

/// The objects that an object names in its spec, whether they are desired or not.
pub(crate) fn used(object: &Manifest) -> Vec<ObjectId> {
    let id = object.id();
    let mut found = Found { namespace: &id.namespace, ids: Vec::new() };
    let value = object.value();
    if let Some(pod) = pod_spec(object) {
        of_pod(pod, &mut found);
    }
    if id.group.ends_with(".toolkit.fluxcd.io") {
        of_flux(value, &mut found);
    }
    match (&*id.group, &*id.kind) {
        ("", "ServiceAccount") => {
            for secret in items(value, "/secrets").chain(items(value, "/imagePullSecrets")) {
                found.add(&SECRET, text(secret, "/name"));
            }
        }
        ("", "PersistentVolumeClaim") => {
            found.add(&STORAGE, text(value, "/spec/storageClassName"));
        }
        ("apps", "StatefulSet") => {
            found.add(&SERVICE, text(value, "/spec/serviceName"));
            for claim in items(value, "/spec/volumeClaimTemplates") {
                found.add(&STORAGE, text(claim, "/spec/storageClassName"));
            }
        }
        ("networking.k8s.io", "Ingress") => {
            found.add(&INGRESS, text(value, "/spec/ingressClassName"));
            for tls in items(value, "/spec/tls") {
                found.add(&SECRET, text(tls, "/secretName"));
            }
        }
        ("gateway.networking.k8s.io", "Gateway") => {
            found.add(&GATEWAY, text(value, "/spec/gatewayClassName"));
        }
        (_, "ProviderConfig") => {
            let secret = "/spec/credentials/secretRef";
            let namespace = text(value, &format!("{secret}/namespace"));
            found.add_in("", "Secret", namespace, text(value, &format!("{secret}/name")));
        }
        _ => {}
    }
    found.ids
}

fn of_pod(pod: &Value, found: &mut Found<'_>) {
    found.add(&ACCOUNT, service_account(pod));
    found.add(&PRIORITY, text(pod, "/priorityClassName"));
    found.add(&RUNTIME, text(pod, "/runtimeClassName"));
    for secret in items(pod, "/imagePullSecrets") {
        found.add(&SECRET, text(secret, "/name"));
    }
    for volume in items(pod, "/volumes") {
        found.add(&CONFIG_MAP, text(volume, "/configMap/name"));
        found.add(&SECRET, text(volume, "/secret/secretName"));
        found.add(&CLAIM, text(volume, "/persistentVolumeClaim/claimName"));
        found.add(&SECRET, text(volume, "/csi/nodePublishSecretRef/name"));
        for source in items(volume, "/projected/sources") {
            found.add(&CONFIG_MAP, text(source, "/configMap/name"));
            found.add(&SECRET, text(source, "/secret/name"));
        }
    }
    for container in items(pod, "/initContainers").chain(items(pod, "/containers")) {
        for variable in items(container, "/env") {
            found.add(&CONFIG_MAP, text(variable, "/valueFrom/configMapKeyRef/name"));
            found.add(&SECRET, text(variable, "/valueFrom/secretKeyRef/name"));
        }
        for source in items(container, "/envFrom") {
            found.add(&CONFIG_MAP, text(source, "/configMapRef/name"));
            found.add(&SECRET, text(source, "/secretRef/name"));
        }
    }
}

/// Flux's own kinds: source, credentials and variables.
fn of_flux(value: &Value, found: &mut Found<'_>) {
    found.add(&ACCOUNT, text(value, "/spec/serviceAccountName"));
    for secret in ["", "/decryption", "/kubeConfig", "/verify"] {
        found.add(&SECRET, text(value, &format!("/spec{secret}/secretRef/name")));
    }
    for secret in ["certSecretRef", "proxySecretRef"] {
        found.add(&SECRET, text(value, &format!("/spec/{secret}/name")));
    }
    for source in
        items(value, "/spec/postBuild/substituteFrom").chain(items(value, "/spec/valuesFrom"))
    {
        match text(source, "/kind") {
            "ConfigMap" => found.add(&CONFIG_MAP, text(source, "/name")),
            "Secret" => found.add(&SECRET, text(source, "/name")),
            _ => {}
        }
    }
    for source in ["/spec/sourceRef", "/spec/chartRef", "/spec/chart/spec/sourceRef"] {
        let namespace = match text(value, &format!("{source}/namespace")) {
            "" => found.namespace,
            named => named,
        };
        let kind = text(value, &format!("{source}/kind"));
        let name = text(value, &format!("{source}/name"));
        found.add_in("source.toolkit.fluxcd.io", kind, namespace, name);
    }
}

/// The ServiceAccount of a pod spec; empty for the default one.
fn service_account(pod: &Value) -> &str {
    match text(pod, "/serviceAccountName") {
        "" => text(pod, "/serviceAccount"),
        name => name,
    }
}

/// The ServiceAccount under whose rights the object works, as namespace and name.
pub(crate) fn runs_as(object: &Manifest) -> Option<(String, String)> {
    let name = match pod_spec(object) {
        Some(pod) => service_account(pod),
        None if object.gvk().group.ends_with(".toolkit.fluxcd.io") => {
            text(object.value(), "/spec/serviceAccountName")
        }
        None => "",
    };
    (!name.is_empty()).then(|| (object.namespace().to_owned(), name.to_owned()))
}

/// The role of a binding, and the ServiceAccounts that it grants to, as namespace and name.
pub(crate) fn binding(object: &Manifest) -> Option<(ObjectId, Vec<(String, String)>)> {
    let id = object.id();
    let of_rbac = id.group == "rbac.authorization.k8s.io";
    if !of_rbac || !matches!(&*id.kind, "RoleBinding" | "ClusterRoleBinding") {
        return None;
    }
    let value = object.value();
    let kind = text(value, "/roleRef/kind");
    let role = ObjectId {
        group: id.group,
        kind: kind.to_owned(),
        namespace: if kind == "Role" { id.namespace } else { String::new() },
        name: text(value, "/roleRef/name").to_owned(),
    };
    let accounts = items(value, "/subjects")
        .filter(|subject| text(subject, "/kind") == "ServiceAccount")
        .map(|subject| (text(subject, "/namespace").to_owned(), text(subject, "/name").to_owned()))
        .collect();
    Some((role, accounts))
}

/// Namespaces that the object needs: its own, and where it writes its connection Secret.
pub(crate) fn namespaces(object: &Manifest) -> impl Iterator<Item = &str> {
    let connection = text(object.value(), "/spec/writeConnectionSecretToRef/namespace");
    [object.namespace(), connection].into_iter().filter(|namespace| !namespace.is_empty())
}
