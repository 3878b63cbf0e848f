use capstan_cloud::{Class, CloudError};
use capstan_model::{ConditionStatus, Fault};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::decide::{Look, Ready, Rest, Synced};
use crate::managed::Managed;

/// The merge patch that brings the status to what a pass ended with; nothing when it is that already.
///
/// `at_provider` is what was seen; absent where nobody looked, and the old stays.
pub(crate) fn patch(
    object: Managed<'_>,
    rest: &Rest,
    at_provider: Option<&Value>,
    now: Timestamp,
) -> Option<Value> {
    let generation = object.0.generation();
    let mut conditions = object.conditions();
    let mut set = |type_, status, reason, message: &str| {
        conditions.set(type_, status, reason, message, generation, now);
    };
    use ConditionStatus::{False, True};
    match &rest.ready {
        Ready::Available => set("Ready", True, "Available", ""),
        Ready::Creating(message) => set("Ready", False, "Creating", message),
        Ready::Deleting(message) => set("Ready", False, "Deleting", message),
        Ready::Unavailable(message) => set("Ready", False, "Unavailable", message),
        Ready::Keep if object.conditions().get("Ready").is_none() => {
            set("Ready", False, "Creating", "");
        }
        Ready::Keep => {}
    }
    match &rest.synced {
        Synced::Success => set("Synced", True, "ReconcileSuccess", ""),
        Synced::Error(message) => set("Synced", False, "ReconcileError", message),
        Synced::Paused => set("Synced", False, "ReconcilePaused", "Reconciliation is paused"),
    }
    let old = object.0.value().get("status").cloned().unwrap_or_else(|| json!({}));
    let mut new = old.clone();
    let map = new.as_object_mut()?;
    map.insert("conditions".to_owned(), serde_json::to_value(&conditions).unwrap_or_default());
    if let Some(generation) = generation {
        map.insert("observedGeneration".to_owned(), generation.into());
    }
    if let Some(seen) = at_provider {
        map.insert("atProvider".to_owned(), seen.clone());
    }
    let patch = difference(&old, &new)?;
    Some(json!({"status": patch}))
}

/// Does the cause of a failed call pass without anybody's help, and soon?
pub(crate) const fn passes(error: &CloudError) -> bool {
    matches!(error.class, Class::NotYet | Class::Throttled)
}

/// What a pass ends with after a failed call. What passes by itself is no error of the object: only `Ready` names it.
pub(crate) fn of_failure(object: Managed<'_>, error: &CloudError) -> Rest {
    let message = message(error);
    let synced = if passes(error) { Synced::Success } else { Synced::Error(message.clone()) };
    let ready = if object.0.is_deleting() {
        Ready::Deleting(message)
    } else if passes(error) && !object.is_ready() {
        Ready::Creating(message)
    } else {
        Ready::Keep
    };
    let look = if error.class == Class::NotYet { Look::Soon } else { Look::Backoff };
    Rest { ready, synced, look }
}

/// A failed call as a condition says it: operation, code and words, and what to do. Request ids go to the log: they differ
/// from try to try, and each would be a write.
pub(crate) fn message(error: &CloudError) -> String {
    let mut error = error.clone();
    error.request_id = None;
    let mut text = error.to_string();
    for hint in error.hints() {
        if !text.ends_with('.') {
            text.push('.');
        }
        text.push(' ');
        text.push_str(&hint);
    }
    text
}

/// The JSON merge patch from one value to another; nothing when they are equal.
pub(crate) fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(old) => {
                if let Some(change) = difference(old, value) {
                    patch.insert(key.clone(), change);
                }
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::{difference, message, of_failure, patch};
    use crate::decide::{Look, Ready, Rest, Synced};
    use crate::managed::Managed;
    use crate::testing::{merge, object, ready};
    use capstan_cloud::CloudError;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn a_difference_is_a_merge_patch() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
        let new = json!({"b": {"c": 3}, "e": [2], "f": {}});
        let patch = difference(&old, &new).expect("differs");
        assert_eq!(patch, json!({"a": null, "b": {"c": 3, "d": null}, "e": [2], "f": {}}));
        let mut patched = old.clone();
        merge(&mut patched, patch);
        assert_eq!(patched, new);
        assert_eq!(difference(&old, &old), None);
    }

    #[test]
    fn a_status_is_written_once() {
        let rest = Rest { ready: Ready::Available, synced: Synced::Success, look: Look::Steady };
        let object = object(json!({"status": {"atProvider": {"old": 1}}}));
        let seen = json!({"arn": "x"});
        let first =
            patch(Managed(&object), &rest, Some(&seen), Timestamp::UNIX_EPOCH).expect("differs");
        assert_eq!(first["status"]["atProvider"], json!({"arn": "x", "old": null}));
        assert_eq!(first["status"]["observedGeneration"], 1);
        assert_eq!(first["status"]["conditions"][0]["reason"], "Available");
        assert_eq!(first["status"]["conditions"][0]["observedGeneration"], 1);
        let mut value = object.into_value();
        merge(&mut value, first);
        let object = capstan_model::Manifest::try_from(value).expect("valid");
        let later = Timestamp::from_second(100).expect("valid");
        assert_eq!(patch(Managed(&object), &rest, Some(&seen), later), None);
    }

    #[test]
    fn a_throttle_is_no_error_of_the_object() {
        let error = |code| CloudError::answered("ec2", "CreateVpc", 503, code, "");
        let rest = |object, code| of_failure(Managed(&object), &error(code));
        let throttled = rest(object(json!({})), "RequestLimitExceeded");
        let Ready::Creating(message) = &throttled.ready else { panic!("{throttled:?}") };
        assert!(message.contains("ec2 CreateVpc was throttled"), "{message}");
        assert_eq!((throttled.synced, throttled.look), (Synced::Success, Look::Backoff));
        let works = rest(object(json!({"status": ready()})), "RequestLimitExceeded");
        assert_eq!((works.ready, works.synced), (Ready::Keep, Synced::Success));
        let failed = rest(object(json!({})), "InternalError");
        assert!(matches!(failed.synced, Synced::Error(_)), "{failed:?}");
    }

    #[test]
    fn an_error_says_what_next_and_no_request_id() {
        let mut error =
            CloudError::answered("iam", "CreateRole", 403, "AccessDenied", "not allowed");
        error.request_id = Some("r-1".to_owned());
        assert_eq!(
            message(&error),
            "iam CreateRole was denied: AccessDenied: not allowed. \
             Allow iam:CreateRole in the policies of the role that makes the call."
        );
    }
}
