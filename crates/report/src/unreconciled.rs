use serde_json::Value;

use crate::Attempt;
use crate::ready::{self, Failure};

/// The reason of Ready and Stalled on an object that nothing reconciles.
pub const NOT_SUPPORTED: &str = "NotSupported";

/// The status of an object of a kind that is served and that nothing of ours reconciles: stalled, so that whoever waits
/// for it learns why. Nothing when the status says so already, or when somebody else's controller has reported.
pub fn unreconciled_status(previous: &Value, message: &str, attempt: Attempt<'_>) -> Option<Value> {
    let mut conditions = ready::conditions(previous);
    if conditions.get("Ready").is_some_and(|ready| ready.reason != NOT_SUPPORTED) {
        return None;
    }
    let failure =
        Failure { reason: NOT_SUPPORTED.to_owned(), message: message.to_owned(), stalled: true };
    ready::failed(&mut conditions, &failure, attempt);
    let status = Value::Object(ready::common(&conditions, attempt, true));
    let is_new = status
        .as_object()
        .is_some_and(|status| status.iter().any(|(key, value)| previous.get(key) != Some(value)));
    is_new.then_some(status)
}

#[cfg(test)]
mod tests {
    use super::unreconciled_status;
    use crate::Attempt;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn status(previous: &Value, generation: i64, requested_at: Option<&str>) -> Option<Value> {
        let now = Timestamp::from_second(5).expect("valid");
        let attempt = Attempt { generation, requested_at, now };
        unreconciled_status(previous, "m", attempt)
    }

    fn condition<'a>(status: &'a Value, type_: &str) -> &'a Value {
        let list = status["conditions"].as_array().expect("a list");
        list.iter().find(|condition| condition["type"] == type_).expect("the condition")
    }

    #[test]
    fn it_is_stalled_and_seen() {
        let status = status(&json!({"observedGeneration": -1}), 1, Some("t")).expect("news");
        assert_eq!(condition(&status, "Ready")["status"], "False");
        assert_eq!(condition(&status, "Stalled")["status"], "True");
        assert_eq!(condition(&status, "Stalled")["reason"], "NotSupported");
        assert_eq!(status["observedGeneration"], 1);
        assert_eq!(status["lastHandledReconcileAt"], "t");
    }

    #[test]
    fn it_is_said_once_a_generation_and_request() {
        let first = status(&json!({}), 1, None).expect("news");
        assert_eq!(status(&first, 1, None), None);
        assert_eq!(status(&first, 2, None).expect("news")["observedGeneration"], 2);
        assert_eq!(status(&first, 1, Some("t")).expect("news")["lastHandledReconcileAt"], "t");
    }

    #[test]
    fn what_another_controller_reports_stays() {
        let theirs = json!({"observedGeneration": 1, "conditions": [{"type": "Ready",
            "status": "True", "reason": "UpgradeSucceeded", "message": "done",
            "lastTransitionTime": "2024-01-01T00:00:00Z"}]});
        assert_eq!(status(&theirs, 1, None), None);
        assert_eq!(status(&theirs, 2, None), None);
    }
}
