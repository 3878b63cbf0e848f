use capstan_model::{ConditionStatus, Conditions};
use serde_json::{Map, Value};

use crate::Attempt;
use crate::history::{Built, history};
use crate::ready::{self, Failure};

/// How the health checks of a unit stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// None are asked for.
    NotChecked,
    /// They run.
    Checking {
        /// What is not healthy yet.
        waiting_for: String,
        /// Bound, in Go's form.
        timeout: String,
    },
    /// They passed.
    Passed {
        /// How long it took, in Go's form.
        after: String,
    },
}

/// How a unit fared.
#[derive(Clone, Debug)]
pub enum UnitOutcome {
    /// Work goes on.
    Progressing {
        /// What is being done, for which revision.
        message: String,
        /// The revision, for the status.
        revision: String,
        /// Everything that will have been applied, when that is about to begin: it is written before the first change.
        inventory: Option<Value>,
    },
    /// The attempt failed.
    Failed {
        /// Why.
        failure: Failure,
        /// The revision that was tried, when there was one.
        revision: Option<String>,
        /// Did it fail in the health checks?
        unhealthy: bool,
        /// What was built; nothing when it failed before.
        built: Option<Built>,
    },
    /// Everything was applied.
    Applied {
        /// The revision.
        revision: String,
        /// What is owned now.
        inventory: Value,
        /// Health, as far as it was checked.
        health: Health,
        /// What was built.
        built: Option<Built>,
        /// Objects that belong to other units and were left to them, one line each.
        left: Vec<String>,
    },
}

/// The status of a unit after an outcome.
pub fn unit_status(previous: &Value, outcome: &UnitOutcome, attempt: Attempt<'_>) -> Value {
    let mut conditions = ready::conditions(previous);
    let Attempt { generation, now, .. } = attempt;
    let observed = Some(generation);
    match outcome {
        UnitOutcome::Progressing { message, revision, inventory } => {
            ready::progressing(&mut conditions, message, attempt);
            let mut status = ready::common(&conditions, attempt, false);
            insert_attempted(&mut status, Some(revision));
            if let Some(inventory) = inventory {
                status.insert("inventory".to_owned(), inventory.clone());
            }
            Value::Object(status)
        }
        UnitOutcome::Failed { failure, revision, unhealthy, built } => {
            ready::failed(&mut conditions, failure, attempt);
            if *unhealthy {
                let (no, message) = (ConditionStatus::False, ready::cut(&failure.message));
                conditions.set("Healthy", no, &failure.reason, message, observed, now);
            }
            let mut status = ready::common(&conditions, attempt, failure.stalled);
            // A revision without the path of the unit was not attempted.
            let attempted = revision.as_deref().filter(|_| failure.reason != "ArtifactFailed");
            insert_attempted(&mut status, attempted);
            let end = (&*failure.reason, revision.as_deref());
            insert_history(&mut status, previous, built.as_ref(), (end, now));
            Value::Object(status)
        }
        UnitOutcome::Applied { revision, inventory, health, built, left } => {
            set_shared(&mut conditions, left, attempt);
            let mut status = match health {
                Health::Checking { waiting_for, timeout } => {
                    let unknown = ConditionStatus::Unknown;
                    let message = format!(
                        "Running health checks for revision {revision} with a timeout of {timeout}"
                    );
                    ready::progressing(&mut conditions, &message, attempt);
                    let waiting = format!("waiting for: {waiting_for}");
                    conditions.set("Healthy", unknown, "Progressing", waiting, observed, now);
                    ready::common(&conditions, attempt, false)
                }
                _ => {
                    set_healthy(&mut conditions, health, attempt);
                    let message = format!("Applied revision: {revision}");
                    let reason = "ReconciliationSucceeded";
                    ready::succeeded(&mut conditions, reason, &message, attempt);
                    let mut status = ready::common(&conditions, attempt, true);
                    status.insert("lastAppliedRevision".to_owned(), revision.clone().into());
                    let end = (reason, Some(&**revision));
                    insert_history(&mut status, previous, built.as_ref(), (end, now));
                    status
                }
            };
            insert_attempted(&mut status, Some(revision));
            status.insert("inventory".to_owned(), inventory.clone());
            Value::Object(status)
        }
    }
}

fn set_healthy(conditions: &mut Conditions, health: &Health, attempt: Attempt<'_>) {
    match health {
        Health::Passed { after } => {
            let message = format!("Health check passed in {after}");
            let (yes, observed) = (ConditionStatus::True, Some(attempt.generation));
            conditions.set("Healthy", yes, "Succeeded", message, observed, attempt.now);
        }
        _ => conditions.remove("Healthy"),
    }
}

/// Two units may want the same object: who came second is told so, and is ready all the same.
fn set_shared(conditions: &mut Conditions, left: &[String], attempt: Attempt<'_>) {
    if left.is_empty() {
        return conditions.remove("Shared");
    }
    let message = ready::cut(&left.join("\n"));
    let (yes, observed) = (ConditionStatus::True, Some(attempt.generation));
    conditions.set("Shared", yes, "OwnedByAnother", message, observed, attempt.now);
}

fn insert_attempted(status: &mut Map<String, Value>, revision: Option<&str>) {
    if let Some(revision) = revision {
        status.insert("lastAttemptedRevision".to_owned(), revision.into());
    }
}

/// A run that failed before it had manifests leaves no trace in the history.
fn insert_history(
    status: &mut Map<String, Value>,
    previous: &Value,
    built: Option<&Built>,
    (end, now): ((&str, Option<&str>), jiff::Timestamp),
) {
    if let Some(built) = built {
        status.insert("history".to_owned(), history(previous, built, end, now));
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, UnitOutcome, unit_status};
    use crate::{Attempt, Built, Failure};
    use jiff::Timestamp;
    use serde_json::json;

    fn attempt() -> Attempt<'static> {
        let now = Timestamp::from_second(5).expect("valid");
        Attempt { generation: 2, requested_at: None, now }
    }

    fn applied(health: Health) -> UnitOutcome {
        let (revision, inventory) = ("main@sha1:a".into(), json!({}));
        let left = Vec::new();
        UnitOutcome::Applied { revision, inventory, health, built: Some(built()), left }
    }

    fn built() -> Built {
        Built { digest: "sha256:d".into(), took: "1s".into(), origin: None }
    }

    #[test]
    fn a_unit_is_ready_only_after_its_health_checks() {
        let checking =
            Health::Checking { waiting_for: "Deployment/a/b".into(), timeout: "1m0s".into() };
        let status = unit_status(&json!({}), &applied(checking), attempt());
        assert!(status.get("lastAppliedRevision").is_none());
        assert!(status.get("observedGeneration").is_none());
        assert!(status.get("history").is_none(), "a run that has not ended is no history");
        let passed = Health::Passed { after: "2s".into() };
        let status = unit_status(&status, &applied(passed), attempt());
        assert_eq!(status["lastAppliedRevision"], "main@sha1:a");
        let ready = &status["conditions"].as_array().expect("a list")[0];
        assert_eq!((&ready["type"], &ready["status"]), (&json!("Ready"), &json!("True")));
        assert_eq!(ready["message"], "Applied revision: main@sha1:a");
    }

    #[test]
    fn what_is_left_to_others_is_told_as_long_as_it_is() {
        let mut shares = applied(Health::NotChecked);
        if let UnitOutcome::Applied { left, .. } = &mut shares {
            left.push("ConfigMap/a/b belongs to n/other".into());
        }
        let status = unit_status(&json!({}), &shares, attempt());
        let conditions = status["conditions"].to_string();
        assert!(conditions.contains("ConfigMap/a/b belongs to n/other"), "{conditions}");
        let status = unit_status(&status, &applied(Health::NotChecked), attempt());
        assert!(!status["conditions"].to_string().contains("Shared"));
    }

    #[test]
    fn a_stalled_unit_has_been_observed() {
        let failure = Failure { reason: "BuildFailed".into(), message: "m".into(), stalled: true };
        let outcome =
            UnitOutcome::Failed { failure, revision: None, unhealthy: false, built: None };
        let status = unit_status(&json!({}), &outcome, attempt());
        assert_eq!(status["observedGeneration"], 2);
        assert!(status["conditions"].to_string().contains("Stalled"));
    }

    #[test]
    fn the_end_of_a_run_is_remembered_by_its_reason() {
        let failure =
            Failure { reason: "HealthCheckFailed".into(), message: "m".into(), stalled: false };
        let (revision, built) = (Some("main@sha1:a".to_owned()), Some(built()));
        let outcome = UnitOutcome::Failed { failure, revision, unhealthy: true, built };
        let failed = unit_status(&json!({}), &outcome, attempt());
        assert_eq!(failed["history"][0]["lastReconciledStatus"], "HealthCheckFailed");
        let good = unit_status(&failed, &applied(Health::NotChecked), attempt());
        assert_eq!(good["history"][0]["lastReconciledStatus"], "ReconciliationSucceeded");
        assert_eq!(good["history"][0]["metadata"]["revision"], "main@sha1:a");
        assert_eq!(good["history"][1]["lastReconciledStatus"], "HealthCheckFailed");
    }
}
