use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watch_object};
use serde_json::Value;

use crate::failure::Failure;
use crate::rows::condition;

/// What an object says about a reconciliation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not over, and why.
    Waiting(String),
    /// Over, and well.
    Done,
    /// Over, and not well.
    Failed(String),
}

/// Judges a reconciliation: the request must be handled, when there was one, the spec seen, and
/// `Ready` decided.
pub(crate) fn judge(object: &Value, requested: Option<&str>) -> Verdict {
    let handled = object.pointer("/status/lastHandledReconcileAt").and_then(Value::as_str);
    if requested.is_some() && handled != requested {
        return Verdict::Waiting("the request has not been picked up".to_owned());
    }
    let generation = object.pointer("/metadata/generation");
    let Some(ready) = condition(object, "Ready") else {
        return Verdict::Waiting("it has no condition Ready yet".to_owned());
    };
    let message = ready["message"].as_str().unwrap_or_default().to_owned();
    let judged = ready.get("observedGeneration");
    if judged.is_some() && judged != generation {
        return Verdict::Waiting(format!("the last change has not been seen: {message}"));
    }
    match ready["status"].as_str() {
        Some("True") => Verdict::Done,
        Some("False") => Verdict::Failed(message),
        _ => Verdict::Waiting(message),
    }
}

/// Watches an object until the verdict is in. The error is the object's own message, or a timeout
/// that tells what was still missing.
pub(crate) async fn until_reconciled(
    api: Api<DynamicObject>,
    what: &str,
    name: &str,
    requested: Option<&str>,
    timeout: Duration,
) -> Result<Value, Failure> {
    let mut last = "nothing was heard of it".to_owned();
    let watched = tokio::time::timeout(timeout, watch(api, what, name, requested, &mut last)).await;
    watched.unwrap_or_else(|_| {
        Err(Failure::timeout(format!("timed out waiting for {what} {name}: {last}"))
            .hint("it goes on by itself; wait longer with --timeout"))
    })
}

async fn watch(
    api: Api<DynamicObject>,
    what: &str,
    name: &str,
    requested: Option<&str>,
    last: &mut String,
) -> Result<Value, Failure> {
    let mut seen = std::pin::pin!(watch_object(api, name).default_backoff());
    while let Some(event) = seen.next().await {
        let object = match event {
            Ok(Some(object)) => {
                serde_json::to_value(object).expect("because it was read from JSON")
            }
            Ok(None) => return Err(Failure::new(format!("{what} {name} was deleted"))),
            Err(error) if is_final(&error) => return Err(Failure::new(error.to_string())),
            Err(error) => {
                *last = error.to_string();
                continue;
            }
        };
        match judge(&object, requested) {
            Verdict::Done => return Ok(object),
            Verdict::Waiting(why) => *last = why,
            Verdict::Failed(message) => {
                return Err(Failure::new(format!("{what} reconciliation failed: '{message}'")));
            }
        }
    }
    Err(Failure::new(format!("the watch of {what} {name} ended")))
}

/// Would watching on be in vain?
fn is_final(error: &watcher::Error) -> bool {
    let source = match error {
        watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) => {
            source
        }
        _ => return false,
    };
    matches!(source, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge};
    use serde_json::{Value, json};

    fn object(handled: &str, status: &str, observed: i64) -> Value {
        json!({"metadata": {"generation": 2}, "status": {"lastHandledReconcileAt": handled,
            "conditions": [{"type": "Ready", "status": status, "message": "m",
                "observedGeneration": observed}]}})
    }

    fn is_waiting(object: &Value, requested: Option<&str>) -> bool {
        matches!(judge(object, requested), Verdict::Waiting(_))
    }

    #[test]
    fn only_the_answer_to_this_request_counts() {
        assert!(is_waiting(&object("t1", "True", 2), Some("t2")));
        assert_eq!(judge(&object("t2", "True", 2), Some("t2")), Verdict::Done);
        assert_eq!(judge(&object("t1", "True", 2), None), Verdict::Done);
    }

    #[test]
    fn only_this_spec_counts() {
        assert!(is_waiting(&object("t", "True", 1), Some("t")));
        assert!(is_waiting(&object("t", "False", 1), Some("t")));
    }

    #[test]
    fn unknown_is_waited_for_and_false_is_the_end() {
        assert!(is_waiting(&object("t", "Unknown", 2), Some("t")));
        assert_eq!(judge(&object("t", "False", 2), Some("t")), Verdict::Failed("m".to_owned()));
        assert!(is_waiting(&json!({}), None));
    }
}
