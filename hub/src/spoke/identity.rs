//! Who the agent of a spoke is in the management cluster: a ServiceAccount that may write the status of its own Spoke and
//! renew its own Lease, and nothing else. Its token lives an hour and is renewed after two thirds.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_api::fleet::{
    GROUP, HUB_SECRET, HUB_SECRET_NAMESPACE, LEASE_NAMESPACE, SPOKES, spoke_identity,
};
use capstan_cluster::{ApplyOptions, BearerToken, Cluster, ClusterError, DeleteOptions};
use capstan_model::{GroupVersionKind, Manifest, Secret};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{APPLY, FIELD_MANAGER};

/// Life of a token, in seconds: long enough that a hub which is away for a quarter of an hour breaks nothing.
const LIFE: i64 = 3600;
const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// How spokes reach the management cluster.
#[derive(Clone, Debug)]
pub(crate) struct HubEndpoint {
    /// URL of the API server.
    pub(crate) url: String,
    /// Certificates that it is verified with, as PEM; the system's when absent.
    pub(crate) ca_pem: Option<String>,
}

/// When a token should be replaced: at two thirds of what is left of it.
pub(crate) fn renew_after(token: &BearerToken, now: Timestamp) -> Duration {
    let left = token.expires.duration_since(now).as_secs().max(0).unsigned_abs();
    Duration::from_secs(left * 2 / 3)
}

/// The objects of the identity. `namespace` is the hub's own. None of them is ever bound to more than this one spoke.
pub(crate) fn objects(namespace: &str, spoke: &str) -> Vec<Value> {
    let name = spoke_identity(spoke);
    let labels = json!({"app.kubernetes.io/part-of": "capstan", "fleet.capstan.dev/spoke": spoke});
    let meta = |namespace: Option<&str>| {
        let mut meta = json!({"name": name, "labels": labels});
        if let Some(namespace) = namespace {
            meta["namespace"] = namespace.into();
        }
        meta
    };
    let cluster_meta = {
        let mut meta = meta(None);
        meta["name"] = cluster_role(spoke).into();
        meta
    };
    let subjects = json!([{"kind": "ServiceAccount", "name": name, "namespace": namespace}]);
    let role_ref = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(Some(namespace)),
            "automountServiceAccountToken": false}),
        json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": cluster_meta, "rules": [
            {"apiGroups": [GROUP], "resources": [SPOKES], "resourceNames": [spoke], "verbs": ["get"]},
            {"apiGroups": [GROUP], "resources": [format!("{SPOKES}/status")],
                "resourceNames": [spoke], "verbs": ["get", "patch"]},
        ]}),
        json!({"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": cluster_meta,
            "roleRef": role_ref("ClusterRole", &cluster_role(spoke)), "subjects": subjects}),
        json!({"apiVersion": RBAC, "kind": "Role", "metadata": meta(Some(LEASE_NAMESPACE)), "rules": [
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                "resourceNames": [name], "verbs": ["get", "update", "patch"]},
        ]}),
        json!({"apiVersion": RBAC, "kind": "RoleBinding", "metadata": meta(Some(LEASE_NAMESPACE)),
            "roleRef": role_ref("Role", &name), "subjects": subjects}),
        // The agent may renew its Lease but not make one: a rule by name cannot allow a create.
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": meta(Some(LEASE_NAMESPACE)), "spec": {}}),
    ]
}

/// Cluster-scoped names are shared with everybody, so they carry our name.
fn cluster_role(spoke: &str) -> String {
    format!("capstan-{}", spoke_identity(spoke))
}

/// Makes the identity and gives a token of it.
pub(crate) async fn establish(
    cluster: &Cluster,
    namespace: &str,
    spoke: &str,
) -> Result<BearerToken, ClusterError> {
    for object in objects(namespace, spoke) {
        let object = Manifest::try_from(object).expect("an object of ours is complete");
        cluster.apply(&object, APPLY).await?;
    }
    cluster.service_account_token(namespace, &spoke_identity(spoke), "", LIFE).await
}

/// Removes the identity. With the ServiceAccount every token of it ends.
pub(crate) async fn remove(
    cluster: &Cluster,
    namespace: &str,
    spoke: &str,
) -> Result<(), ClusterError> {
    for object in objects(namespace, spoke) {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let gvk = GroupVersionKind::from_api_version(text("/apiVersion"), text("/kind"));
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        cluster.delete(&gvk, namespace, name, &DeleteOptions::default()).await?;
    }
    Ok(())
}

/// The Secret in the spoke through which its agent reaches the hub.
pub(crate) fn secret(hub: &HubEndpoint, spoke: &str, token: &Secret<String>) -> Manifest {
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    let mut cluster = json!({"server": hub.url});
    if let Some(pem) = &hub.ca_pem {
        cluster["certificate-authority-data"] = encode(pem).into();
    }
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "hub", "cluster": cluster}],
        "users": [{"name": "agent", "user": {"token": token.expose()}}],
        "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": "agent"}}],
        "current-context": "hub",
    });
    let value = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": HUB_SECRET, "namespace": HUB_SECRET_NAMESPACE},
        "data": {"kubeconfig": encode(&kubeconfig.to_string()), "spoke": encode(spoke)},
    });
    Manifest::try_from(value).expect("an object of ours is complete")
}

/// Writes that Secret.
pub(crate) async fn hand_over(remote: &Cluster, secret: &Manifest) -> Result<(), ClusterError> {
    let options = ApplyOptions { field_manager: FIELD_MANAGER, force: true, dry_run: false };
    remote.apply(secret, options).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{HubEndpoint, objects, renew_after, secret};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use capstan_cluster::BearerToken;
    use capstan_model::Secret;
    use jiff::Timestamp;
    use serde_json::Value;

    #[test]
    fn every_rule_names_the_one_object_it_is_about() {
        for object in objects("capstan-system", "a") {
            for rule in object["rules"].as_array().into_iter().flatten() {
                let names = rule["resourceNames"].as_array().expect("named");
                assert_eq!(names.len(), 1, "{rule}");
                assert!(!rule.to_string().contains('*'), "{rule}");
            }
        }
    }

    #[test]
    fn two_spokes_share_no_object() {
        let names = |spoke| -> Vec<String> {
            let all = objects("capstan-system", spoke);
            all.iter().map(|o| format!("{}/{}", o["kind"], o["metadata"]["name"])).collect()
        };
        let (a, b) = (names("a"), names("b"));
        assert!(a.iter().all(|name| !b.contains(name)));
    }

    #[test]
    fn the_kubeconfig_holds_url_and_token() {
        let hub = HubEndpoint { url: "https://hub".to_owned(), ca_pem: Some("PEM".to_owned()) };
        let secret = secret(&hub, "a", &Secret::new("hunter2".to_owned()));
        let decode = |key: &str| {
            let encoded = secret.value()["data"][key].as_str().expect("text");
            String::from_utf8(BASE64_STANDARD.decode(encoded).expect("base64")).expect("UTF-8")
        };
        assert_eq!(decode("spoke"), "a");
        let kubeconfig: Value = serde_json::from_str(&decode("kubeconfig")).expect("JSON");
        assert_eq!(kubeconfig["clusters"][0]["cluster"]["server"], "https://hub");
        assert_eq!(kubeconfig["users"][0]["user"]["token"], "hunter2");
    }

    #[test]
    fn a_token_is_renewed_at_two_thirds() {
        let now = Timestamp::from_second(1000).expect("valid");
        let expires = Timestamp::from_second(1000 + 3600).expect("valid");
        let token = BearerToken { token: Secret::new(String::new()), expires };
        assert_eq!(renew_after(&token, now).as_secs(), 2400);
        assert_eq!(renew_after(&token, expires).as_secs(), 0);
    }
}
