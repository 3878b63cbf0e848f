use serde_json::{Value, json};

use crate::Attempt;
use crate::ready::{self, Failure};

/// What became of a Receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverOutcome {
    /// It listens at a path.
    Listens(String),
    /// It does not. When only an edit of the spec helps, the path stays as it was, as in Flux.
    Failed(Failure),
}

/// The status of a Receiver.
pub fn receiver_status(previous: &Value, outcome: &ReceiverOutcome, attempt: Attempt<'_>) -> Value {
    let mut conditions = ready::conditions(previous);
    let (path, observed) = match outcome {
        ReceiverOutcome::Listens(path) => {
            let message = format!("Receiver initialized for path: {path}");
            ready::succeeded(&mut conditions, "Succeeded", &message, attempt);
            (Some(json!(path)), true)
        }
        ReceiverOutcome::Failed(failure) => {
            ready::failed(&mut conditions, failure, attempt);
            (Some(Value::Null).filter(|_| !failure.stalled), failure.stalled)
        }
    };
    let mut status = ready::common(&conditions, attempt, observed);
    if let Some(path) = path {
        status.insert("webhookPath".to_owned(), path);
    }
    Value::Object(status)
}

#[cfg(test)]
mod tests {
    use super::{ReceiverOutcome, receiver_status};
    use crate::{Attempt, Failure};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn status(outcome: &ReceiverOutcome) -> Value {
        let now = Timestamp::from_second(5).expect("valid");
        let attempt = Attempt { generation: 2, requested_at: Some("t"), now };
        receiver_status(&json!({"webhookPath": "/hook/old"}), outcome, attempt)
    }

    fn failed(stalled: bool) -> ReceiverOutcome {
        let (reason, message) = ("TokenNotFound".to_owned(), "m".to_owned());
        ReceiverOutcome::Failed(Failure { reason, message, stalled })
    }

    #[test]
    fn a_receiver_that_listens_says_where() {
        let status = status(&ReceiverOutcome::Listens("/hook/x".to_owned()));
        let ready = &status["conditions"][0];
        assert_eq!((&ready["reason"], &ready["status"]), (&json!("Succeeded"), &json!("True")));
        assert_eq!(ready["message"], "Receiver initialized for path: /hook/x");
        assert_eq!(status["webhookPath"], "/hook/x");
        assert_eq!(
            (&status["observedGeneration"], &status["lastHandledReconcileAt"]),
            (&json!(2), &json!("t"))
        );
    }

    #[test]
    fn without_a_token_there_is_no_path() {
        let status = status(&failed(false));
        assert_eq!(status.get("webhookPath"), Some(&Value::Null));
        assert_eq!(status.get("observedGeneration"), None);
        assert_eq!(status["conditions"][1]["reason"], "ProgressingWithRetry");
    }

    #[test]
    fn what_only_an_edit_helps_is_stalled() {
        let status = status(&failed(true));
        assert_eq!(status.get("webhookPath"), None);
        assert_eq!(status["observedGeneration"], 2);
        assert_eq!(status["conditions"][1]["type"], "Stalled");
    }
}
