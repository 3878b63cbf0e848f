//! Small questions to manifests, and small patches of them.

use capstan_model::{Conditions, GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// The owner that controls an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Group, version and kind.
    pub(crate) gvk: GroupVersionKind,
    /// Name.
    pub(crate) name: String,
    /// UID.
    pub(crate) uid: String,
}

/// The controller of an object, if it has one.
pub(crate) fn controller(object: &Manifest) -> Option<Owner> {
    let owners = object.value().pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let text = |key: &str| owner.get(key)?.as_str();
    Some(Owner {
        gvk: GroupVersionKind::from_api_version(text("apiVersion")?, text("kind")?),
        name: text("name")?.to_owned(),
        uid: text("uid")?.to_owned(),
    })
}

/// The conditions of an object; none when they cannot be read.
pub(crate) fn conditions(object: &Manifest) -> Conditions {
    object
        .value()
        .pointer("/status/conditions")
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .unwrap_or_default()
}

/// Does an object say that it is ready?
pub(crate) fn is_ready(object: &Manifest) -> bool {
    conditions(object).is_true("Ready")
}

/// Reason and message of the Ready condition, as `Reason: message`.
pub(crate) fn ready_text(object: &Manifest) -> String {
    match conditions(object).get("Ready") {
        Some(ready) if ready.message.is_empty() => ready.reason.clone(),
        Some(ready) => format!("{}: {}", ready.reason, ready.message),
        None => "not reconciled yet".to_owned(),
    }
}

/// The finalizers of an object.
pub(crate) fn finalizers(object: &Manifest) -> Vec<String> {
    let list = object.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// The patch that adds a finalizer; nothing when it is there. A stale object makes it a conflict, because a list can only be
/// written whole.
pub(crate) fn with_finalizer(object: &Manifest, finalizer: &str) -> Option<Value> {
    let mut list = finalizers(object);
    if list.iter().any(|known| known == finalizer) {
        return None;
    }
    list.push(finalizer.to_owned());
    Some(finalizer_patch(object, &list))
}

/// The patch that removes a finalizer; nothing when it is not there.
pub(crate) fn without_finalizer(object: &Manifest, finalizer: &str) -> Option<Value> {
    let mut list = finalizers(object);
    let before = list.len();
    list.retain(|known| known != finalizer);
    (list.len() < before).then(|| finalizer_patch(object, &list))
}

fn finalizer_patch(object: &Manifest, list: &[String]) -> Value {
    json!({"metadata": {"finalizers": list, "resourceVersion": object.resource_version()}})
}

/// Is an annotation there that pauses reconciling?
pub(crate) fn is_paused(object: &Manifest) -> bool {
    object.annotation("crossplane.io/paused") == Some("true")
}

/// Text at a JSON pointer; empty when absent.
pub(crate) fn text<'a>(object: &'a Manifest, pointer: &str) -> &'a str {
    object.value().pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{controller, finalizers, ready_text, with_finalizer, without_finalizer};
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn object(metadata: &Value, status: &Value) -> Manifest {
        let value =
            json!({"apiVersion": "v1", "kind": "A", "metadata": metadata, "status": status});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn finalizers_come_and_go_once() {
        let metadata = json!({"name": "a", "resourceVersion": "7", "finalizers": ["x"]});
        let with_x = object(&metadata, &json!({}));
        assert_eq!(finalizers(&with_x), ["x"]);
        assert!(with_finalizer(&with_x, "x").is_none());
        let patch = with_finalizer(&with_x, "y").expect("a change");
        assert_eq!(patch["metadata"], json!({"finalizers": ["x", "y"], "resourceVersion": "7"}));
        assert!(without_finalizer(&with_x, "y").is_none());
        let patch = without_finalizer(&with_x, "x").expect("a change");
        assert_eq!(patch["metadata"]["finalizers"], json!([]));
    }

    #[test]
    fn only_the_controller_counts_as_owner() {
        let owner = |name: &str, controls: bool| json!({"apiVersion": "g/v1", "kind": "K", "name": name, "uid": name, "controller": controls});
        let metadata =
            json!({"name": "a", "ownerReferences": [owner("x", false), owner("y", true)]});
        assert_eq!(controller(&object(&metadata, &json!({}))).expect("found").name, "y");
        assert!(controller(&object(&json!({"name": "a"}), &json!({}))).is_none());
    }

    #[test]
    fn what_is_not_ready_says_why() {
        let metadata = json!({"name": "a"});
        let condition = json!({"type": "Ready", "status": "False", "reason": "Creating",
            "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        assert_eq!(
            ready_text(&object(&metadata, &json!({"conditions": [condition]}))),
            "Creating: m"
        );
        assert_eq!(ready_text(&object(&metadata, &json!({}))), "not reconciled yet");
    }
}
