use capstan_api::flux::REQUESTED_AT;
use capstan_model::{ConditionStatus, Conditions, Manifest};
use capstan_report::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds;

/// An entry of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) digest: String,
    pub(super) filename: String,
}

impl Made {
    /// Path of the archive in the store.
    pub(super) fn path(&self) -> String {
        format!("externalartifact/{}/{}/{}", self.namespace, self.name, self.filename)
    }
}

/// What was made last, by a status.
pub(super) fn inventory(generator: &Manifest) -> Vec<Made> {
    let list = kinds::status(generator).get("inventory").cloned();
    serde_json::from_value(list.unwrap_or_default()).unwrap_or_default()
}

/// Is a generator ready, for the newest spec and request, with these sources?
pub(super) fn is_settled(generator: &Manifest, sources: &str) -> bool {
    let status = kinds::status(generator);
    let ready = conditions(generator).get("Ready").cloned();
    let is_ready = ready.is_some_and(|ready| {
        ready.status == ConditionStatus::True && ready.observed_generation == generator.generation()
    });
    let text = |key: &str| status.get(key).and_then(Value::as_str);
    is_ready
        && text("observedSourcesDigest") == Some(sources)
        && text("lastHandledReconcileAt") == generator.annotation(REQUESTED_AT)
}

/// The status after everything was made.
pub(super) fn succeeded(generator: &Manifest, made: &[Made], sources: &str) -> Value {
    let mut conditions = conditions(generator);
    conditions.remove("Reconciling");
    conditions.remove("Stalled");
    let message = format!("reconciliation succeeded, generated {} artifact(s)", made.len());
    let (generation, now) = (generator.generation(), Timestamp::now());
    conditions.set("Ready", ConditionStatus::True, "Succeeded", message, generation, now);
    let mut status = common(generator, &conditions);
    status["inventory"] = json!(made);
    status["observedSourcesDigest"] = sources.into();
    status
}

/// The status after a failure; what was made before stays.
pub(super) fn failed(generator: &Manifest, failure: &Failure) -> Value {
    let mut conditions = conditions(generator);
    let (generation, now) = (generator.generation(), Timestamp::now());
    let Failure { reason, message, stalled } = failure;
    let no = ConditionStatus::False;
    conditions.set("Ready", no, reason, message, generation, now);
    let holds = ConditionStatus::True;
    if *stalled {
        conditions.remove("Reconciling");
        conditions.set("Stalled", holds, reason, message, generation, now);
    } else {
        conditions.remove("Stalled");
        conditions.set("Reconciling", holds, "ProgressingWithRetry", message, generation, now);
    }
    common(generator, &conditions)
}

fn common(generator: &Manifest, conditions: &Conditions) -> Value {
    let mut status = json!({ "conditions": conditions });
    if let Some(requested_at) = generator.annotation(REQUESTED_AT) {
        status["lastHandledReconcileAt"] = requested_at.into();
    }
    status
}

fn conditions(generator: &Manifest) -> Conditions {
    let list = kinds::status(generator).get("conditions").cloned();
    serde_json::from_value(list.unwrap_or(Value::Array(Vec::new()))).unwrap_or_default()
}
