use capstan_model::{ConditionStatus, Conditions};
use serde_json::{Map, Value};

use crate::Attempt;

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Condition reason, in Flux's words.
    pub reason: String,
    /// What, where, why, what next.
    pub message: String,
    /// Only an edit of the spec helps: trying again is pointless.
    pub stalled: bool,
}

/// Conditions carry at most 32,768 bytes; Flux cuts at 20,000.
const LONGEST_MESSAGE: usize = 20_000;

pub(crate) fn cut(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = (0..=LONGEST_MESSAGE - 3).rev().find(|&at| message.is_char_boundary(at));
    format!("{}...", &message[..end.expect("0 is a boundary")])
}

pub(crate) fn conditions(previous: &Value) -> Conditions {
    let list = previous.get("conditions").cloned().unwrap_or(Value::Array(Vec::new()));
    serde_json::from_value(list).unwrap_or_default()
}

/// Work goes on: Ready is unknown unless it was decided before, and Reconciling holds.
pub(crate) fn progressing(conditions: &mut Conditions, message: &str, attempt: Attempt<'_>) {
    let Attempt { generation, now, .. } = attempt;
    conditions.remove("Stalled");
    let doing = ConditionStatus::True;
    conditions.set("Reconciling", doing, "Progressing", message, Some(generation), now);
    let unknown = ConditionStatus::Unknown;
    conditions.set(
        "Ready",
        unknown,
        "Progressing",
        "Reconciliation in progress",
        Some(generation),
        now,
    );
}

/// It failed: Ready is False, and Reconciling says that it is tried again, or Stalled that it is not.
pub(crate) fn failed(conditions: &mut Conditions, failure: &Failure, attempt: Attempt<'_>) {
    let Attempt { generation, now, .. } = attempt;
    let (message, holds) = (cut(&failure.message), ConditionStatus::True);
    let not_ready = ConditionStatus::False;
    conditions.set("Ready", not_ready, &failure.reason, &*message, Some(generation), now);
    if failure.stalled {
        conditions.remove("Reconciling");
        conditions.set("Stalled", holds, &failure.reason, message, Some(generation), now);
    } else {
        conditions.remove("Stalled");
        let again = "ProgressingWithRetry";
        conditions.set("Reconciling", holds, again, message, Some(generation), now);
    }
}

/// It is as wanted.
pub(crate) fn succeeded(
    conditions: &mut Conditions,
    reason: &str,
    message: &str,
    attempt: Attempt<'_>,
) {
    conditions.remove("Reconciling");
    conditions.remove("Stalled");
    let (holds, generation) = (ConditionStatus::True, Some(attempt.generation));
    conditions.set("Ready", holds, reason, message, generation, attempt.now);
}

/// The part of a status that every Flux kind has.
pub(crate) fn common(
    conditions: &Conditions,
    attempt: Attempt<'_>,
    observed: bool,
) -> Map<String, Value> {
    let mut status = Map::new();
    let list = serde_json::to_value(conditions).expect("conditions are plain data");
    status.insert("conditions".to_owned(), with_messages(list));
    if observed {
        status.insert("observedGeneration".to_owned(), attempt.generation.into());
    }
    if let Some(requested_at) = attempt.requested_at {
        status.insert("lastHandledReconcileAt".to_owned(), requested_at.into());
    }
    status
}

/// metav1 wants a message in every condition, an empty one too.
fn with_messages(mut list: Value) -> Value {
    for condition in list.as_array_mut().into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.entry("message").or_insert_with(|| "".into());
        }
    }
    list
}
