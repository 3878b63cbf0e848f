//! What a composite says about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use capstan_cluster::{ClusterError, EventType, Note};
use capstan_compose::render::{Rendered, Warning};
use capstan_model::{Chain, ConditionStatus, Conditions, Manifest};
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::CompositeError;
use super::publish::Published;
use crate::object::conditions;
use crate::world::{CompositeKey, World};
use crate::{COMPONENT, FIELD_MANAGER};

/// What a pass came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) key: CompositeKey,
    /// As stored, with its references recorded.
    pub(super) composite: Manifest,
    pub(super) rendered: Rendered,
    /// What the cluster refused.
    pub(super) failure: Option<Failure>,
}

impl Outcome {
    /// Is there nothing left to do until something changes?
    pub(super) fn is_settled(&self) -> bool {
        self.failure.is_none() && self.rendered.is_ready()
    }
}

/// Children that could not be applied. The others were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure(String);

impl Failure {
    /// All failures of a pass as one message, if there is any.
    pub(super) fn of(failures: &[CompositeError]) -> Option<Self> {
        let texts: Vec<_> = failures.iter().map(|error| Chain(error).to_string()).collect();
        (!texts.is_empty()).then(|| Self(texts.join("; ")))
    }
}

/// Writes the status after a pass, and tells what was left out.
pub(super) async fn conclude(
    world: &World,
    outcome: &Outcome,
    published: Option<&Published>,
) -> Result<(), ClusterError> {
    let now = world.now();
    let Outcome { key, composite, rendered, failure } = outcome;
    let warnings = rendered.warnings.iter();
    let warnings = warnings.chain(rendered.children.iter().flat_map(|child| &child.warnings));
    for warning in warnings {
        let message = warning.to_string();
        if world.composites.is_news(key, &message) {
            let note = warn(reason(warning), message);
            world.cluster.record(composite, COMPONENT, note, now).await;
        }
    }
    let mut all = conditions(composite);
    set_synced(&mut all, failure.as_ref(), rendered, now);
    set_ready(&mut all, rendered, now);
    let mut status = rendered.composite.value().get("status").cloned().unwrap_or_default();
    if !status.is_object() {
        status = Value::Object(Map::new());
    }
    status["conditions"] = serde_json::to_value(all).expect("conditions are serialisable");
    if published.is_some_and(|published| published.changed) {
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        status["connectionDetails"] = json!({"lastPublishedTime": at});
    }
    write(world, composite, &status).await
}

const fn reason(warning: &Warning) -> &'static str {
    match warning {
        Warning::Dropped { .. } => "DroppedField",
        Warning::NameKept { .. } => "NameKept",
        Warning::Ignored { .. } => "IgnoredField",
    }
}

fn warn(reason: &str, message: String) -> Note {
    Note {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        message,
        annotations: BTreeMap::new(),
    }
}

fn set_synced(
    all: &mut Conditions,
    failure: Option<&Failure>,
    rendered: &Rendered,
    now: Timestamp,
) {
    let mut faults: Vec<String> = failure.iter().map(|failure| failure.0.clone()).collect();
    faults.extend(rendered.errors.iter().map(ToString::to_string));
    // Whoever only waits for a value is no fault: Ready names it.
    let blocked = rendered.children.iter().filter_map(|child| child.desired.as_ref().err());
    faults.extend(blocked.filter(|blocked| !blocked.is_waiting()).map(ToString::to_string));
    let (status, reason) = if faults.is_empty() {
        (ConditionStatus::True, "ReconcileSuccess")
    } else {
        (ConditionStatus::False, "ReconcileError")
    };
    all.set("Synced", status, reason, faults.join("; "), None, now);
}

fn set_ready(all: &mut Conditions, rendered: &Rendered, now: Timestamp) {
    if rendered.is_ready() {
        all.set("Ready", ConditionStatus::True, "Available", "", None, now);
    } else {
        let message = format!("Unready resources: {}", rendered.unready());
        all.set("Ready", ConditionStatus::False, "Creating", message, None, now);
    }
}

/// Writes the status of a composite that cannot be dealt with.
pub(super) async fn failed(world: &World, composite: &Manifest, error: &CompositeError) {
    let message = Chain(error).to_string();
    tracing::warn!(composite = %composite.id(), %message, "composite not reconciled");
    let mut all = conditions(composite);
    let now = world.now();
    all.set("Synced", ConditionStatus::False, "ReconcileError", message, None, now);
    if !composite.is_deleting() && all.get("Ready").is_none() {
        all.set("Ready", ConditionStatus::False, "Creating", "", None, now);
    }
    best_effort(write_conditions(world, composite, all).await);
}

/// Writes the status of a composite that is going.
pub(super) async fn deleting(
    world: &World,
    composite: &Manifest,
    message: &str,
) -> Result<(), ClusterError> {
    let mut all = conditions(composite);
    let now = world.now();
    all.set("Ready", ConditionStatus::False, "Deleting", message, None, now);
    all.set("Synced", ConditionStatus::True, "ReconcileSuccess", "", None, now);
    write_conditions(world, composite, all).await
}

/// Writes the status of a composite that is not to be touched.
pub(super) async fn paused(world: &World, composite: &Manifest) -> Next {
    let mut all = conditions(composite);
    let message = "annotation crossplane.io/paused is true";
    all.set("Synced", ConditionStatus::False, "ReconcilePaused", message, None, world.now());
    match write_conditions(world, composite, all).await {
        Ok(()) => Next::Wait,
        Err(_) => Next::After(Duration::from_secs(1)),
    }
}

async fn write_conditions(
    world: &World,
    composite: &Manifest,
    all: Conditions,
) -> Result<(), ClusterError> {
    write(world, composite, &json!({"conditions": all})).await
}

/// Writes what differs.
pub(crate) async fn write(
    world: &World,
    object: &Manifest,
    status: &Value,
) -> Result<(), ClusterError> {
    let before = object.value().get("status").unwrap_or(&Value::Null);
    let fields = status.as_object().into_iter().flatten();
    let changed: Map<String, Value> = fields
        .filter(|(key, value)| before.get(key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let patch = json!({"status": changed});
    let gvk = object.gvk();
    let (namespace, name) = (object.namespace(), object.name());
    match world.cluster.merge_status(&gvk, namespace, name, &patch, FIELD_MANAGER).await {
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

fn best_effort(written: Result<(), ClusterError>) {
    if let Err(error) = written {
        tracing::warn!(%error, "status not written");
    }
}
