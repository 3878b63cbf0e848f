use std::collections::BTreeMap;

use capstan_apply::{Action, Outcome, Pruned};
use capstan_cluster::{EventType, Note};
use capstan_model::Manifest;
use serde_json::Value;

use crate::world::World;

/// Flux's component name in events.
const COMPONENT: &str = "kustomize-controller";

/// Lines of Flux's change set, for what really changed.
pub(super) fn change_set(outcome: &Outcome, pruned: &Pruned) -> Vec<String> {
    let changed = outcome
        .applied
        .iter()
        .filter(|applied| !matches!(applied.action, Action::Unchanged | Action::Skipped))
        .map(|applied| format!("{} {}", applied.id, applied.action.word()));
    changed.chain(pruned.deleted.iter().map(|id| format!("{id} deleted"))).collect()
}

/// Annotations with this prefix go into every event of their object (Flux's RFC 8).
const METADATA: &str = "event.toolkit.fluxcd.io/";

fn own_metadata(unit: &Manifest) -> BTreeMap<String, String> {
    let all = unit.value().pointer("/metadata/annotations").and_then(Value::as_object);
    let own = all.into_iter().flatten().filter(|(key, _)| key.starts_with(METADATA));
    own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Records an event of a unit. Nothing waits for it.
pub(super) fn record(
    world: &World,
    unit: &Manifest,
    (type_, reason): (EventType, &str),
    message: String,
    revision: Option<&str>,
) {
    let mut annotations = own_metadata(unit);
    if let Some(revision) = revision {
        let key = format!("{}/revision", capstan_api::flux::KUSTOMIZE_GROUP);
        annotations.insert(key, revision.to_owned());
    }
    let note = Note { type_, reason: reason.to_owned(), message, annotations };
    world.announce(unit, COMPONENT, note);
}
