//! The kinds that the agent reconciles, sources apart, and how their objects are read.

use capstan_api::flux::{KUSTOMIZE_GROUP, NOTIFICATION_GROUP};
use capstan_model::{GroupVersionKind, Manifest};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Kustomization, in the version that is stored.
pub(crate) fn kustomization() -> GroupVersionKind {
    GroupVersionKind::new(KUSTOMIZE_GROUP, "v1", "Kustomization")
}

/// Receiver, in the version that is stored.
pub(crate) fn receiver() -> GroupVersionKind {
    GroupVersionKind::new(NOTIFICATION_GROUP, "v1", "Receiver")
}

/// ConfigMap.
pub(crate) fn config_map() -> GroupVersionKind {
    GroupVersionKind::new("", "v1", "ConfigMap")
}

/// ServiceAccount.
pub(crate) fn service_account() -> GroupVersionKind {
    GroupVersionKind::new("", "v1", "ServiceAccount")
}

/// Secret.
pub(crate) fn secret() -> GroupVersionKind {
    GroupVersionKind::new("", "v1", "Secret")
}

/// The spec of an object. An object that the API server accepted has one that parses, unless its CRD is not ours.
pub(crate) fn spec<T: DeserializeOwned>(object: &Manifest) -> Result<T, String> {
    let spec = object.value().get("spec").cloned().unwrap_or(Value::Null);
    serde_json::from_value(spec).map_err(|error| format!("spec is invalid: {error}"))
}

/// The status of an object; empty before the first report.
pub(crate) fn status(object: &Manifest) -> Value {
    object.value().get("status").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}

/// Does the condition Ready hold?
pub(crate) fn is_ready(object: &Manifest) -> bool {
    let conditions = object.value().pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .is_some_and(|list| list.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}
