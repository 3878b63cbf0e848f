use capstan_model::{ConditionStatus, Conditions};
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
        /// What the conditions say.
        message: String,
        /// Fields of the status that only this kind has, such as `observedIgnore`; null removes one.
        observed: Value,
        /// What became of `spec.verify`.
        verification: Verification,
    },
    /// It is not; the last artifact stays.
    Failed(SourceFailure),
}

/// What became of a signature that was to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nobody asked.
    Unwanted,
    /// It is good; how, in a sentence.
    Verified(String),
    /// The revision is the same as before, and was not looked at again.
    AsBefore,
}

/// Where a source failed: Flux has a condition for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing came from the origin: `FetchFailed`.
    Fetch,
    /// A source that is to be included is not there: `IncludeUnavailable`.
    Include,
    /// What came has no good signature: `SourceVerified` is false.
    Verify,
    /// The artifact could not be made or kept: `StorageOperationFailed`.
    Storage,
}

impl Trouble {
    const ALL: [Self; 4] = [Self::Fetch, Self::Include, Self::Verify, Self::Storage];

    const fn condition(self) -> (&'static str, ConditionStatus) {
        match self {
            Self::Fetch => ("FetchFailed", ConditionStatus::True),
            Self::Include => ("IncludeUnavailable", ConditionStatus::True),
            Self::Verify => ("SourceVerified", ConditionStatus::False),
            Self::Storage => ("StorageOperationFailed", ConditionStatus::True),
        }
    }
}

/// Why a source is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure {
    /// Where.
    pub trouble: Trouble,
    /// Why.
    pub failure: Failure,
    /// That the origin has a revision which the artifact has not, in a sentence, if it came to that.
    pub outdated: Option<String>,
}

impl From<Failure> for SourceFailure {
    fn from(failure: Failure) -> Self {
        Self { trouble: Trouble::Fetch, failure, outdated: None }
    }
}

/// The status of a source after an outcome.
pub fn source_status(previous: &Value, outcome: &SourceOutcome, attempt: Attempt<'_>) -> Value {
    let mut conditions = ready::conditions(previous);
    match outcome {
        SourceOutcome::Fetching => {
            let message = "building artifact: checking the remote for a new revision";
            ready::progressing(&mut conditions, message, attempt);
            Value::Object(ready::common(&conditions, attempt, false))
        }
        SourceOutcome::Stored { artifact, message, observed, verification } => {
            stored(&mut conditions, message, verification, attempt);
            let mut status = ready::common(&conditions, attempt, true);
            status.insert("artifact".to_owned(), artifact.clone());
            status.extend(observed.as_object().cloned().into_iter().flatten());
            Value::Object(status)
        }
        SourceOutcome::Failed(failure) => {
            failed(&mut conditions, failure, attempt);
            Value::Object(ready::common(&conditions, attempt, failure.failure.stalled))
        }
    }
}

fn stored(
    conditions: &mut Conditions,
    message: &str,
    verification: &Verification,
    attempt: Attempt<'_>,
) {
    let (generation, now, holds) = (Some(attempt.generation), attempt.now, ConditionStatus::True);
    ready::succeeded(conditions, "Succeeded", message, attempt);
    for trouble in [Trouble::Fetch, Trouble::Include, Trouble::Storage] {
        conditions.remove(trouble.condition().0);
    }
    conditions.remove("ArtifactOutdated");
    conditions.set("ArtifactInStorage", holds, "Succeeded", message, generation, now);
    match verification {
        Verification::Unwanted => conditions.remove("SourceVerified"),
        Verification::Verified(how) => {
            conditions.set("SourceVerified", holds, "Succeeded", how, generation, now);
        }
        Verification::AsBefore => {}
    }
}

fn failed(conditions: &mut Conditions, failed: &SourceFailure, attempt: Attempt<'_>) {
    let SourceFailure { trouble, failure, outdated } = failed;
    let (generation, now) = (Some(attempt.generation), attempt.now);
    ready::failed(conditions, failure, attempt);
    // Whoever came so far has done what stands before.
    for done in Trouble::ALL.into_iter().take_while(|done| done != trouble) {
        if done != Trouble::Verify {
            conditions.remove(done.condition().0);
        }
    }
    let (type_, status) = trouble.condition();
    let message = ready::cut(&failure.message);
    conditions.set(type_, status, &failure.reason, message, generation, now);
    if let Some(message) = outdated {
        let holds = ConditionStatus::True;
        conditions.set("ArtifactOutdated", holds, "NewRevision", message, generation, now);
    }
}

#[cfg(test)]
mod tests {
    use super::{SourceFailure, SourceOutcome, Trouble, Verification, source_status};
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

    fn stored(revision: &str, verification: Verification) -> SourceOutcome {
        let artifact = json!({"url": "u", "revision": revision});
        let (message, observed) = ("stored".to_owned(), json!({"observedIgnore": null}));
        SourceOutcome::Stored { artifact, message, observed, verification }
    }

    fn failure(trouble: Trouble) -> SourceOutcome {
        let failure = Failure { reason: "Broken".into(), message: "m".into(), stalled: false };
        let outdated = (trouble != Trouble::Fetch).then(|| "new revision 'r2'".to_owned());
        SourceOutcome::Failed(SourceFailure { trouble, failure, outdated })
    }

    fn has(status: &Value, type_: &str, holds: &str) -> bool {
        types(status).contains(&(type_.into(), holds.into()))
    }

    #[test]
    fn a_failure_keeps_the_artifact_and_says_that_it_is_tried_again() {
        let good = source_status(&json!({}), &stored("r", Verification::Unwanted), attempt(1));
        assert_eq!(good["observedGeneration"], 3);
        assert_eq!(good["observedIgnore"], Value::Null);
        let bad = source_status(&good, &failure(Trouble::Fetch), attempt(2));
        assert!(bad.get("artifact").is_none(), "a merge leaves the artifact alone");
        assert!(bad.get("observedGeneration").is_none());
        assert_eq!(bad["lastHandledReconcileAt"], "then");
        assert!(has(&bad, "Ready", "False") && has(&bad, "Reconciling", "True"));
        assert!(has(&bad, "ArtifactInStorage", "True"));
        let again = source_status(&bad, &stored("r", Verification::Unwanted), attempt(3));
        assert!(!again["conditions"].to_string().contains("FetchFailed"));
    }

    #[test]
    fn each_trouble_has_its_condition_and_ends_those_before_it() {
        let unfetched = source_status(&json!({}), &failure(Trouble::Fetch), attempt(1));
        let unstored = source_status(&unfetched, &failure(Trouble::Storage), attempt(2));
        assert!(has(&unstored, "StorageOperationFailed", "True"));
        assert!(has(&unstored, "ArtifactOutdated", "True"));
        assert!(!unstored["conditions"].to_string().contains("FetchFailed"));
        let good = source_status(&unstored, &stored("r2", Verification::Unwanted), attempt(3));
        let rest = types(&good).into_iter().map(|(type_, _)| type_).collect::<Vec<_>>();
        assert_eq!(rest, ["Ready", "ArtifactInStorage"]);
    }

    #[test]
    fn a_signature_is_said_to_be_good_as_long_as_it_is_wanted() {
        let unsigned = source_status(&json!({}), &failure(Trouble::Verify), attempt(1));
        assert!(has(&unsigned, "SourceVerified", "False"));
        let verified = stored("r", Verification::Verified("verified".into()));
        let good = source_status(&unsigned, &verified, attempt(2));
        assert!(has(&good, "SourceVerified", "True"));
        let held = source_status(&good, &stored("r", Verification::AsBefore), attempt(3));
        assert!(has(&held, "SourceVerified", "True"));
        let free = source_status(&held, &stored("r", Verification::Unwanted), attempt(4));
        assert!(!free["conditions"].to_string().contains("SourceVerified"));
    }
}
