//! Connection Secrets: what a managed resource tells others about how to reach it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_cloud::{Class, CloudError};
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{GroupVersionKind, Manifest, Secret};
use serde_json::{Map, Value, json};

use crate::managed::{Controller, Managed};
use crate::names::{CONNECTION_SECRET_TYPE, FIELD_MANAGER};

/// What a connection Secret holds.
pub(crate) type Connection = BTreeMap<String, Secret<Vec<u8>>>;

fn kind() -> GroupVersionKind {
    GroupVersionKind::new("", "v1", "Secret")
}

/// Writes the connection Secret that an object asks for, where it differs. True when it was written.
///
/// Without keys there is no Secret: an empty one would pass for a ready one.
pub(crate) async fn publish(
    cluster: &Cluster,
    object: &Manifest,
    connection: &Connection,
) -> Result<bool, CloudError> {
    let Some((namespace, name)) = Managed(object).connection_secret() else { return Ok(false) };
    if connection.is_empty() {
        return Ok(false);
    }
    let live = cluster.get(&kind(), namespace, name).await.map_err(|cause| fault(&cause))?;
    let desired = desired(object, namespace, name, connection);
    let Some(live) = live else {
        let manifest = Manifest::try_from(desired).map_err(|cause| {
            CloudError::invalid("kubernetes", "create Secret", cause.to_string())
        })?;
        cluster.create(&manifest, FIELD_MANAGER).await.map_err(|cause| fault(&cause))?;
        return Ok(true);
    };
    if let Some(owner) = foreign_owner(&live, object) {
        let message = format!(
            "Secret {namespace}/{name} belongs to {}/{}: name another one in spec.writeConnectionSecretToRef",
            owner.kind, owner.name
        );
        return Err(CloudError::new("kubernetes", "patch Secret", Class::Exists, message));
    }
    let Some(patch) = change(&live, &desired) else { return Ok(false) };
    cluster
        .merge(&kind(), namespace, name, &patch, FIELD_MANAGER)
        .await
        .map_err(|cause| fault(&cause))?;
    Ok(true)
}

/// The owner of a live Secret that is somebody else. A former object of our name is not: its Secret is ours to take over
/// before the garbage collector finds it.
fn foreign_owner<'a>(live: &'a Manifest, object: &Manifest) -> Option<Controller<'a>> {
    let same_name =
        |owner: &Controller<'_>| owner.kind == object.kind() && owner.name == object.name();
    Managed(live).controller().filter(|owner| owner.uid != object.uid() && !same_name(owner))
}

fn desired(object: &Manifest, namespace: &str, name: &str, connection: &Connection) -> Value {
    let data: Map<String, Value> = connection
        .iter()
        .map(|(key, value)| (key.clone(), BASE64_STANDARD.encode(value.expose()).into()))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": CONNECTION_SECRET_TYPE,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "ownerReferences": [{
                "apiVersion": object.api_version(),
                "kind": object.kind(),
                "name": object.name(),
                "uid": object.uid(),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "data": data,
    })
}

/// The merge patch from a live Secret to the desired one: owner and data; keys that we do not know stay.
fn change(live: &Manifest, desired: &Value) -> Option<Value> {
    let mut patch = json!({});
    let data = desired["data"].as_object()?;
    let is_live = |key: &str, value: &Value| {
        live.value().get("data").and_then(|data| data.get(key)) == Some(value)
    };
    if data.iter().any(|(key, value)| !is_live(key, value)) {
        patch["data"] = desired["data"].clone();
    }
    let owners = &desired["metadata"]["ownerReferences"];
    let owner = owners[0]["uid"].as_str();
    if Managed(live).controller().map(|controller| controller.uid) != owner {
        patch["metadata"] = json!({"ownerReferences": owners});
    }
    patch.as_object().is_some_and(|map| !map.is_empty()).then_some(patch)
}

/// A key of a Secret, by `{namespace, name, key}`.
pub(crate) async fn read_key(
    cluster: &Cluster,
    reference: &Value,
) -> Result<Secret<String>, CloudError> {
    let part = |field: &str| reference[field].as_str().unwrap_or_default();
    let (namespace, name, key) = (part("namespace"), part("name"), part("key"));
    let absent = |what: &str| {
        let message = format!("Secret {namespace}/{name} {what}");
        CloudError::new("kubernetes", "get Secret", Class::NotFound, message)
    };
    let secret = cluster.get(&kind(), namespace, name).await.map_err(|cause| fault(&cause))?;
    let secret = secret.ok_or_else(|| absent("does not exist"))?;
    let data = secret.value().get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
    let data = data.ok_or_else(|| absent(&format!("has no key `{key}`")))?;
    let bytes = BASE64_STANDARD.decode(data).unwrap_or_default();
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| absent(&format!("key `{key}` is no text")))
}

/// An error of the API server in the form of a cloud's.
pub fn fault(error: &ClusterError) -> CloudError {
    let (operation, code, message) = match error {
        ClusterError::Api { operation, subject, fault } => {
            (*operation, fault.reason.clone(), format!("{subject}: {}", fault.message))
        }
        other => ("call", String::new(), capstan_model::Chain(other).to_string()),
    };
    let class = if error.is_not_found() || matches!(error, ClusterError::NoSuchKind(_)) {
        Class::NotFound
    } else if error.is_already_exists() {
        Class::Exists
    } else if error.is_forbidden() {
        Class::Denied
    } else if error.is_invalid() {
        Class::Invalid
    } else if error.is_conflict() {
        Class::NotYet
    } else {
        match error.api().map(|fault| fault.code) {
            Some(429) => Class::Throttled,
            Some(400..=499) => Class::Invalid,
            _ => Class::Unanswered,
        }
    };
    let mut fault = CloudError::new("kubernetes", operation, class, message);
    fault.code = code;
    fault
}

#[cfg(test)]
mod tests {
    use super::{Connection, change, desired, foreign_owner};
    use crate::testing::object;
    use capstan_model::{Manifest, Secret};
    use serde_json::json;

    #[test]
    fn a_secret_is_rewritten_only_when_bytes_differ() {
        let connection: Connection =
            [("endpoint".to_owned(), Secret::new(b"https://x".to_vec()))].into();
        let wanted = desired(&object(json!({})), "ns", "conn", &connection);
        assert_eq!(wanted["type"], "connection.crossplane.io/v1alpha1");
        assert_eq!(wanted["data"]["endpoint"], "aHR0cHM6Ly94");
        let live = |data| {
            let mut value = wanted.clone();
            value["data"] = data;
            Manifest::try_from(value).expect("valid")
        };
        assert_eq!(
            change(&live(json!({"endpoint": "aHR0cHM6Ly94", "more": "eA=="})), &wanted),
            None
        );
        let patch = change(&live(json!({"endpoint": "b2xk"})), &wanted).expect("differs");
        assert_eq!(patch, json!({"data": {"endpoint": "aHR0cHM6Ly94"}}));
        let mut orphan = wanted.clone();
        orphan["metadata"]["ownerReferences"] = json!([]);
        let orphan = Manifest::try_from(orphan).expect("valid");
        assert!(change(&orphan, &wanted).expect("no owner").get("metadata").is_some());
    }

    #[test]
    fn only_a_former_self_loses_its_secret() {
        let owned = |kind: &str, uid: &str| {
            object(json!({"metadata": {"ownerReferences":
                [{"apiVersion": "x/v1", "kind": kind, "name": "a", "uid": uid, "controller": true}]}}))
        };
        let me = object(json!({}));
        assert!(foreign_owner(&owned("Thing", "uid-a"), &me).is_none());
        assert!(foreign_owner(&owned("Thing", "uid-of-a-former-a"), &me).is_none());
        assert!(foreign_owner(&owned("Other", "uid-b"), &me).is_some());
    }
}
