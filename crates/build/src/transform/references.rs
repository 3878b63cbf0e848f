//! Name references: fields that hold the name of another object follow its new name.

use std::collections::HashMap;
use std::sync::LazyLock;

use capstan_model::GroupVersionKind;
use serde_json::Value;

use crate::error::BuildError;
use crate::fields::Field;
use crate::resource::{Id, Resource};
use crate::resources::Resources;

/// What a field refers to; empty parts admit all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct To {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
}

impl To {
    fn admits(&self, gvk: &GroupVersionKind) -> bool {
        let admits = |want: &str, have: &str| want.is_empty() || want == have;
        admits(self.group, &gvk.group)
            && admits(self.version, &gvk.version)
            && admits(self.kind, &gvk.kind)
    }
}

/// The fields that refer, by the kind that has them.
type Rules = HashMap<String, Vec<(To, Field)>>;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules::new();
    for (to, kind, path) in specs() {
        let field = Field::of("", kind, &path).existing();
        rules.entry(kind.to_owned()).or_default().push((to, field));
    }
    rules
});

/// Where the kinds that make pods keep the pod's spec.
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

const fn core(kind: &'static str) -> To {
    To { group: "", version: "v1", kind }
}

const fn grouped(group: &'static str, kind: &'static str) -> To {
    To { group, version: "", kind }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Every reference that kustomize follows by default.
fn specs() -> Vec<(To, &'static str, String)> {
    let mut specs = Vec::new();
    for (kind, spec) in PODS {
        let mut add = |to: To, path: &str| specs.push((to, kind, format!("{spec}/{path}")));
        if kind != "ReplicationController" {
            CONFIG_MAP.iter().for_each(|path| add(core("ConfigMap"), path));
            SECRET.iter().for_each(|path| add(core("Secret"), path));
        }
        if !matches!(kind, "PodTemplate" | "ReplicaSet") {
            add(core("ServiceAccount"), "serviceAccountName");
            add(core("PersistentVolumeClaim"), "volumes/persistentVolumeClaim/claimName");
            add(
                To { group: "scheduling.k8s.io", version: "v1", kind: "PriorityClass" },
                "priorityClassName",
            );
        }
    }
    specs.extend(OTHERS.iter().map(|(to, kind, path)| (*to, *kind, (*path).to_owned())));
    specs
}

const STORAGE_CLASS: To = To { group: "storage.k8s.io", version: "v1", kind: "StorageClass" };

const OTHERS: [(To, &str, &str); 46] = [
    (grouped("", "Deployment"), "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    (grouped("", "ReplicationController"), "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    (grouped("", "ReplicaSet"), "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    (grouped("", "StatefulSet"), "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    (core("ConfigMap"), "Node", "spec/configSource/configMap"),
    (core("ConfigMap"), "Role", "rules/resourceNames"),
    (core("ConfigMap"), "ClusterRole", "rules/resourceNames"),
    (
        core("ConfigMap"),
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap",
    ),
    (core("Secret"), "Ingress", "spec/tls/secretName"),
    (core("Secret"), "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
    (core("Secret"), "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
    (
        core("Secret"),
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret",
    ),
    (core("Secret"), "ServiceAccount", "imagePullSecrets/name"),
    (core("Secret"), "StorageClass", "parameters/secretName"),
    (core("Secret"), "StorageClass", "parameters/adminSecretName"),
    (core("Secret"), "StorageClass", "parameters/userSecretName"),
    (core("Secret"), "StorageClass", "parameters/secretRef"),
    (core("Secret"), "Role", "rules/resourceNames"),
    (core("Secret"), "ClusterRole", "rules/resourceNames"),
    (core("Secret"), "PersistentVolume", "spec/azureFile/secretName"),
    (core("Service"), "StatefulSet", "spec/serviceName"),
    (core("Service"), "Ingress", "spec/rules/http/paths/backend/serviceName"),
    (core("Service"), "Ingress", "spec/backend/serviceName"),
    (core("Service"), "Ingress", "spec/rules/http/paths/backend/service/name"),
    (core("Service"), "Ingress", "spec/defaultBackend/service/name"),
    (core("Service"), "APIService", "spec/service/name"),
    (core("Service"), "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
    (core("Service"), "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
    (core("Service"), "HTTPRoute", "spec/rules/backendRefs/name"),
    (core("Service"), "GRPCRoute", "spec/rules/backendRefs/name"),
    (core("Service"), "TCPRoute", "spec/rules/backendRefs/name"),
    (core("Service"), "TLSRoute", "spec/rules/backendRefs/name"),
    (core("Service"), "UDPRoute", "spec/rules/backendRefs/name"),
    (grouped(RBAC, "Role"), "RoleBinding", "roleRef/name"),
    (grouped(RBAC, "ClusterRole"), "RoleBinding", "roleRef/name"),
    (grouped(RBAC, "ClusterRole"), "ClusterRoleBinding", "roleRef/name"),
    (core("ServiceAccount"), "RoleBinding", "subjects"),
    (core("ServiceAccount"), "ClusterRoleBinding", "subjects"),
    (core("PersistentVolume"), "PersistentVolumeClaim", "spec/volumeName"),
    (core("PersistentVolume"), "ClusterRole", "rules/resourceNames"),
    (STORAGE_CLASS, "PersistentVolume", "spec/storageClassName"),
    (STORAGE_CLASS, "PersistentVolumeClaim", "spec/storageClassName"),
    (STORAGE_CLASS, "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
    (
        To { group: "networking.k8s.io", version: "v1", kind: "IngressClass" },
        "Ingress",
        "spec/ingressClassName",
    ),
    (
        To {
            group: "admissionregistration.k8s.io",
            version: "",
            kind: "ValidatingAdmissionPolicy",
        },
        "ValidatingAdmissionPolicyBinding",
        "spec/policyName",
    ),
    (core("Secret"), "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
];

/// Follows the references of every object.
pub(crate) fn fix(resources: &mut Resources) -> Result<(), BuildError> {
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    let mut current = Vec::new();
    for (index, resource) in resources.iter().enumerate() {
        current.push(resource.id());
        for id in resource.previous_ids() {
            let named = by_name.entry(id.name.clone()).or_default();
            if named.last() != Some(&index) {
                named.push(index);
            }
        }
    }
    if by_name.is_empty() {
        return Ok(());
    }
    for index in 0..current.len() {
        let kind = resources.get_mut(index).original_id().gvk.kind;
        let Some(rules) = RULES.get(&kind) else { continue };
        let mut value = std::mem::take(&mut resources.get_mut(index).value);
        let mut failed = None;
        let all: Vec<&Resource> = resources.iter().collect();
        let scene = Scene { all: &all, current: &current, by_name: &by_name, referrer: index };
        for (to, field) in rules {
            let role = (field.path == "roleRef/name").then(|| role_ref(&value)).flatten();
            let binding = bound_namespaces(&current[index], &value);
            let query = Query { to: *to, role, binding };
            field.visit(&mut value, &Value::Null, &mut |found| {
                if let Err(error) = scene.rename(&query, found) {
                    failed.get_or_insert(error);
                }
            });
        }
        let resource = resources.get_mut(index);
        resource.value = value;
        if let Some(error) = failed {
            return Err(error.at(&resource.place));
        }
    }
    Ok(())
}

struct Query {
    to: To,
    role: Option<(String, String)>,
    binding: Vec<String>,
}

struct Scene<'a> {
    all: &'a [&'a Resource],
    current: &'a [Id],
    by_name: &'a HashMap<String, Vec<usize>>,
    referrer: usize,
}

impl Scene<'_> {
    fn rename(&self, query: &Query, found: &mut Value) -> Result<(), BuildError> {
        match found {
            Value::String(name) => {
                let any = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
                if let Some(index) = self.select(query, name, any.to_vec(), false)? {
                    name.clone_from(&self.current[index].name);
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.rename(query, item)),
            Value::Object(_) => self.rename_map(query, found),
            _ => Ok(()),
        }
    }

    /// A map with a name and perhaps a namespace, such as a subject or a webhook's service.
    fn rename_map(&self, query: &Query, map: &mut Value) -> Result<(), BuildError> {
        let Some(name) = map.get("name").and_then(Value::as_str).map(str::to_owned) else {
            return Ok(());
        };
        let mut candidates = self.by_name.get(&name).cloned().unwrap_or_default();
        if let Some(namespace) = map.get("namespace").and_then(Value::as_str) {
            let originally: Vec<usize> =
                candidates.iter().copied().filter(|i| self.all_original(*i) == namespace).collect();
            if originally.is_empty() {
                candidates.retain(|i| self.current[*i].effective_namespace() == namespace);
            } else {
                candidates = originally;
            }
        }
        if let Some(index) = self.select(query, &name, candidates, true)? {
            let id = &self.current[index];
            map["name"] = id.name.as_str().into();
            if !id.namespace.is_empty() {
                map["namespace"] = id.namespace.as_str().into();
            }
        }
        Ok(())
    }

    fn all_original(&self, index: usize) -> String {
        let first = self.all[index].previous_ids().first();
        first.unwrap_or(&self.current[index]).effective_namespace().to_owned()
    }

    /// The one object that the old name means here.
    fn select(
        &self,
        query: &Query,
        name: &str,
        mut candidates: Vec<usize>,
        with_namespace: bool,
    ) -> Result<Option<usize>, BuildError> {
        candidates.retain(|i| self.fits(query, *i));
        let referrer = self.all[self.referrer];
        for lenient in [true, false] {
            if candidates.len() > 1 {
                let agreeing: Vec<usize> = candidates
                    .iter()
                    .copied()
                    .filter(|i| referrer.same_affixes(self.all[*i], lenient))
                    .collect();
                if !lenient && agreeing.is_empty() {
                    break;
                }
                candidates = agreeing;
            }
        }
        let [first, rest @ ..] = candidates.as_slice() else { return Ok(None) };
        let same = |i: &usize| {
            let (a, b) = (&self.current[*i], &self.current[*first]);
            a.name == b.name && (!with_namespace || a.namespace == b.namespace)
        };
        if rest.iter().all(same) {
            return Ok(Some(*first));
        }
        let names: Vec<String> = candidates.iter().map(|i| self.current[*i].to_string()).collect();
        Err(BuildError::new(format!(
            "{} refers to `{name}`, which may be any of {}",
            self.current[self.referrer],
            names.join(", ")
        ))
        .hint("give the objects different names, or refer to the final name"))
    }

    fn fits(&self, query: &Query, index: usize) -> bool {
        let previous = self.all[index].previous_ids();
        let (referrer, candidate) = (&self.current[self.referrer], &self.current[index]);
        let in_role = |id: &Id| {
            query.role.as_ref().is_none_or(|(group, kind)| {
                (group.is_empty() || *group == id.gvk.group) && *kind == id.gvk.kind
            })
        };
        let reachable = referrer.effective_namespace().is_empty()
            || candidate.effective_namespace().is_empty()
            || referrer.effective_namespace() == candidate.effective_namespace()
            || (candidate.gvk.kind == "ServiceAccount"
                && query.binding.contains(&candidate.namespace));
        previous.iter().any(|id| query.to.admits(&id.gvk))
            && previous.iter().any(in_role)
            && reachable
    }
}

fn role_ref(binding: &Value) -> Option<(String, String)> {
    let part = |field| binding.pointer(field).and_then(Value::as_str).map(str::to_owned);
    Some((part("/roleRef/apiGroup")?, part("/roleRef/kind")?))
}

/// The namespaces whose service accounts a RoleBinding names.
fn bound_namespaces(id: &Id, binding: &Value) -> Vec<String> {
    if id.gvk.kind != "RoleBinding" {
        return Vec::new();
    }
    let subjects = binding.get("subjects").and_then(Value::as_array);
    let namespaces = subjects.into_iter().flatten().filter_map(|s| s.get("namespace")?.as_str());
    namespaces.map(str::to_owned).collect()
}
