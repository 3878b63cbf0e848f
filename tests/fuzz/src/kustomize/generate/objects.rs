//! Objects of many kinds, with names that refer to each other.

use serde_json::{Value, json};

use super::pods;
use super::scalars::{ANY, TEXT};
use super::{Feature, Maker};

pub(crate) const NAMES: [&str; 6] = ["app", "web", "db", "conf", "app-2", "creds"];
pub(crate) const NAMESPACES: [&str; 4] = ["default", "prod", "dev", "ns1"];

/// What the rest of a case has to know of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    /// As it was made; what layers did to it since is not in it.
    pub(crate) document: Value,
}

impl Object {
    /// Does it have something at a JSON pointer, or a parent of it for something new?
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.document.pointer(pointer).is_some()
    }
}

const KINDS: [(&str, &str); 35] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Namespace"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("example.com/v1", "Widget"),
    ("example.com/v1", "Widget"),
    ("example.com/v1beta1", "Gadget"),
    ("cert-manager.io/v1", "Certificate"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
];

pub(crate) fn name(maker: &mut Maker<'_>) -> &'static str {
    maker.random.pick(&NAMES)
}

/// A new object that differs from those, and its document.
pub(crate) fn object(maker: &mut Maker<'_>, others: &[Object]) -> Option<(Object, Value)> {
    let (version, kind) = maker.random.pick(&KINDS);
    let called = name(maker).to_owned();
    let namespace = maker.random.one_in(3).then(|| maker.random.pick(&NAMESPACES).to_owned());
    let mut object = Object { version, kind, name: called, namespace, document: Value::Null };
    // Equal ids are refused, which is seldom of interest.
    let is_taken =
        others.iter().any(|other| other.kind == object.kind && other.name == object.name);
    if is_taken && !maker.random.one_in(20) {
        return None;
    }
    let mut document =
        json!({"apiVersion": version, "kind": kind, "metadata": metadata(maker, &object)});
    if let (Value::Object(into), Value::Object(from)) = (&mut document, body(maker, kind)) {
        into.extend(from);
    }
    object.document = document.clone();
    Some((object, document))
}

fn metadata(maker: &mut Maker<'_>, object: &Object) -> Value {
    let mut metadata = json!({"name": object.name});
    let random = &mut *maker.random;
    if let Some(namespace) = &object.namespace {
        metadata["namespace"] = json!(namespace);
    }
    if random.one_in(3) {
        metadata["labels"] =
            json!({"app": random.pick(&NAMES), "tier": random.pick(&["front", "back"])});
    }
    if random.one_in(4) {
        metadata["annotations"] = json!({"note": TEXT, "example.com/key": TEXT});
    }
    if random.one_in(30) {
        metadata["annotations"] = json!({"config.kubernetes.io/local-config": "true"});
    }
    if random.one_in(30) {
        metadata["creationTimestamp"] = Value::Null;
    }
    metadata
}

/// Everything beside kind and metadata.
fn body(maker: &mut Maker<'_>, kind: &str) -> Value {
    let template = |maker: &mut Maker<'_>| {
        let mut template = json!({"metadata": {"labels": {"app": "x"}}, "spec": pods::spec(maker)});
        if maker.random.one_in(4) {
            template["metadata"]["annotations"] = json!({"note": "plain"});
        }
        template
    };
    let selector = json!({"matchLabels": {"app": "x"}});
    match kind {
        "Deployment" | "ReplicaSet" => {
            json!({"spec": {"replicas": 1, "selector": selector, "template": template(maker)}})
        }
        "StatefulSet" => {
            json!({"spec": {"serviceName": name(maker), "replicas": 2, "selector": selector, "template": template(maker),
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": name(maker)}}]}})
        }
        "DaemonSet" => json!({"spec": {"selector": selector, "template": template(maker)}}),
        "Job" => json!({"spec": {"template": template(maker), "backoffLimit": ANY}}),
        "CronJob" => {
            json!({"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": template(maker)}}}})
        }
        "Pod" => json!({"spec": pods::spec(maker)}),
        "Service" => {
            json!({"spec": {"selector": {"app": "x"}, "ports": [{"port": 80, "targetPort": "http", "name": "http"}, {"port": 443, "protocol": "TCP"}]}})
        }
        "ConfigMap" => json!({"data": {"k": TEXT, "key.txt": TEXT, "n": ANY}}),
        "Secret" => json!({"type": "Opaque", "data": {"k": "YWJj"}, "stringData": {"s": TEXT}}),
        "ServiceAccount" => {
            json!({"secrets": [{"name": name(maker)}], "imagePullSecrets": [{"name": name(maker)}]})
        }
        "PersistentVolumeClaim" => {
            json!({"spec": {"storageClassName": name(maker), "volumeName": name(maker), "resources": {"requests": {"storage": ANY}}}})
        }
        "PersistentVolume" => {
            json!({"spec": {"storageClassName": name(maker), "claimRef": {"name": name(maker), "namespace": "prod"}}})
        }
        "Ingress" => {
            json!({"spec": {"ingressClassName": name(maker), "tls": [{"secretName": name(maker), "hosts": ["a.example.com"]}], "rules": [{"host": "a.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name(maker), "port": {"number": 80}}}}]}}]}})
        }
        "NetworkPolicy" => {
            json!({"spec": {"podSelector": selector, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "y"}}}, {"namespaceSelector": {}}]}]}})
        }
        "HorizontalPodAutoscaler" => {
            json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": maker.random.pick(&["Deployment", "StatefulSet"]), "name": name(maker)}, "minReplicas": 1, "maxReplicas": 3}})
        }
        "PodDisruptionBudget" => json!({"spec": {"minAvailable": ANY, "selector": selector}}),
        "Role" | "ClusterRole" => {
            json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name(maker)], "verbs": ["get"]}]})
        }
        "RoleBinding" | "ClusterRoleBinding" => json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": maker.random.pick(&["Role", "ClusterRole"]), "name": name(maker)},
            "subjects": [{"kind": "ServiceAccount", "name": name(maker), "namespace": maker.random.pick(&["default", "prod", "dev"])}, {"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "default"}]}),
        "ValidatingWebhookConfiguration" => {
            json!({"webhooks": [{"name": "a.example.com", "clientConfig": {"service": {"name": name(maker), "namespace": maker.random.pick(&NAMESPACES), "path": "/v"}}}]})
        }
        "APIService" => {
            json!({"spec": {"service": {"name": name(maker), "namespace": maker.random.pick(&NAMESPACES)}, "group": "g", "version": "v1"}})
        }
        "CustomResourceDefinition" => {
            json!({"spec": {"group": "example.com", "scope": maker.random.pick(&["Namespaced", "Cluster"]), "names": {"kind": "Widget", "plural": "widgets"}, "versions": [{"name": "v1", "served": true, "storage": true}],
            "conversion": {"webhook": {"clientConfig": {"service": {"name": name(maker), "namespace": "default"}}}}}})
        }
        "Certificate" => {
            json!({"spec": {"secretName": name(maker), "dnsNames": ["$(SERVICE).$(NS).svc", TEXT], "issuerRef": {"name": name(maker)}}})
        }
        "StorageClass" => json!({"provisioner": "example.com/p"}),
        "PriorityClass" => json!({"value": ANY}),
        "Namespace" => json!({}),
        _ => custom(maker),
    }
}

/// The body of an object without a schema.
fn custom(maker: &mut Maker<'_>) -> Value {
    let mut spec = json!({
        "text": ANY, "other": ANY, "ref": {"name": name(maker), "kind": "ConfigMap"}, "image": "nginx:1.2",
        "list": [{"name": "a", "value": ANY}, {"name": "b", "value": ANY}], "plain": ["x", ANY, "y"],
        "deep": {"er": {"still": ANY}}, "containers": [{"name": "main", "image": "nginx:1.2"}],
    });
    let random = &mut *maker.random;
    if let Value::Object(map) = &mut spec {
        map.retain(|_, _| !random.one_in(3));
    }
    if random.one_in(4) {
        spec["selector"] = json!({"matchLabels": {"app": "x"}});
        spec["replicas"] = json!(1);
    }
    if random.one_in(4) {
        spec["template"] = json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "nginx:1.2"}]}});
    }
    json!({ "spec": spec })
}

/// Documents as one that lists them, when the case has lists.
pub(crate) fn listed(maker: &mut Maker<'_>, documents: Vec<Value>) -> Vec<Value> {
    if documents.len() > 1 && maker.shows(Feature::Lists) {
        let kind = maker.random.pick(&["List", "ConfigMapList", "DeploymentList"]);
        return vec![json!({"apiVersion": "v1", "kind": kind, "items": documents})];
    }
    documents
}
