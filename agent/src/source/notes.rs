use std::collections::BTreeMap;

use capstan_api::flux::SOURCE_GROUP;
use capstan_cluster::{EventType, Note};
use capstan_model::Manifest;
use capstan_report::Failure;
use jiff::Timestamp;
use serde_json::Value;

use crate::kinds;
use crate::world::World;

/// Flux's component name in events.
const COMPONENT: &str = "source-controller";

/// Tells of an artifact that is new, and of one that is stored again after a failure. `before` is the status then.
pub(super) async fn stored(world: &World, object: &Manifest, before: &Value, summary: &str) {
    let status = kinds::status(object);
    let digest = |status: &Value| status.pointer("/artifact/digest").cloned();
    let reason = if digest(before) != digest(&status) {
        "NewArtifact"
    } else if has_failed(before) {
        "Succeeded"
    } else {
        return;
    };
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str);
    let fields = ["revision", "digest"].into_iter();
    let annotations = fields.filter_map(|field| {
        let value = text(&format!("/artifact/{field}"))?;
        Some((format!("{SOURCE_GROUP}/{field}"), value.to_owned()))
    });
    let note = Note {
        type_: EventType::Normal,
        reason: reason.to_owned(),
        message: summary.to_owned(),
        annotations: annotations.collect(),
    };
    world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
}

/// Tells of a failure.
pub(super) async fn failed(world: &World, object: &Manifest, failure: &Failure) {
    let note = Note {
        type_: EventType::Warning,
        reason: failure.reason.clone(),
        message: failure.message.clone(),
        annotations: BTreeMap::new(),
    };
    world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
}

fn has_failed(status: &Value) -> bool {
    let list = status.get("conditions").and_then(Value::as_array);
    let failed = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "False";
    list.is_some_and(|list| list.iter().any(failed))
}
