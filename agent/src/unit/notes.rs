use std::collections::BTreeMap;

use capstan_apply::{Outcome, Pruned};
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
        .filter(|applied| applied.action.is_change())
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

/// What a unit was brought to: the revision of its source, and the one that this was made from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Revisions<'a> {
    pub(super) revision: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
}

impl<'a> Revisions<'a> {
    /// What a unit says that it applied last.
    pub(super) fn last_applied(status: &'a Value) -> Self {
        let text = |field: &str| status.get(field).and_then(Value::as_str);
        Self { revision: text("lastAppliedRevision"), origin: text("lastAppliedOriginRevision") }
    }

    /// As annotations of an event, in Flux's names.
    fn annotations(self) -> impl Iterator<Item = (String, String)> {
        let group = capstan_api::flux::KUSTOMIZE_GROUP;
        [("revision", self.revision), ("originRevision", self.origin)]
            .into_iter()
            .filter_map(move |(key, value)| Some((format!("{group}/{key}"), value?.to_owned())))
    }
}

/// Records an event of a unit. Nothing waits for it.
pub(super) fn record(
    world: &World,
    unit: &Manifest,
    (type_, reason): (EventType, &str),
    message: String,
    revisions: Revisions<'_>,
) {
    let mut annotations = own_metadata(unit);
    annotations.extend(revisions.annotations());
    let note = Note { type_, reason: reason.to_owned(), message, annotations };
    world.announce(unit, COMPONENT, note);
}

#[cfg(test)]
mod tests {
    use super::Revisions;
    use serde_json::json;

    #[test]
    fn events_tell_what_was_applied_and_what_that_was_made_from() {
        let status = json!({"lastAppliedRevision": "v1@sha256:a",
            "lastAppliedOriginRevision": "main@sha1:b"});
        let annotations: Vec<_> = Revisions::last_applied(&status).annotations().collect();
        let expected = [
            ("kustomize.toolkit.fluxcd.io/revision", "v1@sha256:a"),
            ("kustomize.toolkit.fluxcd.io/originRevision", "main@sha1:b"),
        ];
        assert_eq!(annotations, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(Revisions::last_applied(&json!({})).annotations().count(), 0);
    }
}
