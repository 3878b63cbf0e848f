use capstan_model::ConditionStatus;
use serde_json::Value;

use crate::Attempt;
use crate::ready::{self, Failure};

/// How a source fared.
#[derive(Clone, Debug)]
pub enum SourceOutcome {
    /// It is being fetched.
    Fetching,
    /// It is stored.
    Stored {
        /// `status.artifact`.
        artifact: Value,
        /// Its revision.
        revision: String,
    },
    /// It could not be fetched; the last artifact stays.
    Failed(Failure),
}

/// The status of a source after an outcome.
pub fn source_status(previous: &Value, outcome: &SourceOutcome, attempt: Attempt<'_>) -> Value {
    let mut conditions = ready::conditions(previous);
    let Attempt { generation, now, .. } = attempt;
    let holds = ConditionStatus::True;
    match outcome {
        SourceOutcome::Fetching => {
            let message = "building artifact: checking the remote for a new revision";
            ready::progressing(&mut conditions, message, attempt);
            Value::Object(ready::common(&conditions, attempt, false))
        }
        SourceOutcome::Stored { artifact, revision } => {
            let message = format!("stored artifact for revision '{revision}'");
            ready::succeeded(&mut conditions, "Succeeded", &message, attempt);
            conditions.remove("FetchFailed");
            conditions.set("ArtifactInStorage", holds, "Succeeded", message, Some(generation), now);
            let mut status = ready::common(&conditions, attempt, true);
            status.insert("artifact".to_owned(), artifact.clone());
            Value::Object(status)
        }
        SourceOutcome::Failed(failure) => {
            ready::failed(&mut conditions, failure, attempt);
            let message = ready::cut(&failure.message);
            conditions.set("FetchFailed", holds, &failure.reason, message, Some(generation), now);
            Value::Object(ready::common(&conditions, attempt, failure.stalled))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SourceOutcome, source_status};
    use crate::{Attempt, Failure};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn attempt(second: i64) -> Attempt<'static> {
        let now = Timestamp::from_second(second).expect("valid");
        Attempt { generation: 3, requested_at: Some("then"), now }
    }

    fn types(status: &Value) -> Vec<(String, String)> {
        let list = status["conditions"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        list.iter().map(|c| (text(&c["type"]), text(&c["status"]))).collect()
    }

    #[test]
    fn a_failure_keeps_the_artifact_and_says_that_it_is_tried_again() {
        let stored = SourceOutcome::Stored { artifact: json!({"url": "u"}), revision: "r".into() };
        let good = source_status(&json!({}), &stored, attempt(1));
        assert_eq!(good["observedGeneration"], 3);
        let failure =
            Failure { reason: "GitOperationFailed".into(), message: "m".into(), stalled: false };
        let bad = source_status(&good, &SourceOutcome::Failed(failure), attempt(2));
        assert!(bad.get("artifact").is_none(), "a merge leaves the artifact alone");
        assert!(bad.get("observedGeneration").is_none());
        assert_eq!(bad["lastHandledReconcileAt"], "then");
        let types = types(&bad);
        assert!(types.contains(&("Ready".into(), "False".into())));
        assert!(types.contains(&("Reconciling".into(), "True".into())));
        assert!(types.contains(&("ArtifactInStorage".into(), "True".into())));
        let again = source_status(&bad, &stored, attempt(3));
        assert!(!again["conditions"].to_string().contains("FetchFailed"));
    }
}
