use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};

use capstan_model::Manifest;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Api;
use kube::api::PostParams;

use crate::Cluster;

/// `Normal` or `Warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Things go as they should.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Normal or Warning.
    pub type_: EventType,
    /// CamelCase word for programs.
    pub reason: String,
    /// Sentence for people.
    pub message: String,
    /// Annotations of the event, such as `<group>/revision`.
    pub annotations: BTreeMap<String, String>,
}

/// The API server refuses longer messages.
const LONGEST_MESSAGE: usize = 1024;

impl Cluster {
    /// Records an event of an object. Events are best effort: a failure is logged and changes nothing else.
    pub async fn record(&self, object: &Manifest, component: &str, note: Note, now: Timestamp) {
        let namespace = if object.namespace().is_empty() { "default" } else { object.namespace() };
        let api: Api<Event> = Api::namespaced(self.client().clone(), namespace);
        let event = event(object, namespace, component, note, now);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            tracing::warn!(object = %object.id(), %error, "failed to record an event");
        }
    }
}

/// The longest name of an object that an event's own name repeats; what is added to it makes it unique.
const LONGEST_NAME: usize = 200;

/// A name that no other event has: two events of one moment differ in what they say.
fn event_name(object: &str, note: &Note, now: Timestamp) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    (&note.reason, &note.message).hash(&mut hasher);
    let object = object.get(..LONGEST_NAME).unwrap_or(object).trim_end_matches(['.', '-']);
    format!("{object}.{:x}.{:08x}", now.as_nanosecond(), hasher.finish() & 0xffff_ffff)
}

fn event(object: &Manifest, namespace: &str, component: &str, note: Note, now: Timestamp) -> Event {
    let name = event_name(object.name(), &note, now);
    let mut message = note.message;
    if message.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE - 3).rev().find(|&at| message.is_char_boundary(at));
        message.truncate(end.expect("0 is a boundary"));
        message.push_str("...");
    }
    let type_ = match note.type_ {
        EventType::Normal => "Normal",
        EventType::Warning => "Warning",
    };
    Event {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace.to_owned()),
            annotations: (!note.annotations.is_empty()).then_some(note.annotations),
            ..Default::default()
        },
        involved_object: ObjectReference {
            api_version: Some(object.api_version().to_owned()),
            kind: Some(object.kind().to_owned()),
            name: Some(object.name().to_owned()),
            namespace: Some(object.namespace().to_owned()).filter(|text| !text.is_empty()),
            uid: Some(object.uid().to_owned()),
            resource_version: Some(object.resource_version().to_owned()),
            ..Default::default()
        },
        reason: Some(note.reason),
        message: Some(message),
        type_: Some(type_.to_owned()),
        source: Some(EventSource { component: Some(component.to_owned()), host: None }),
        reporting_component: Some(component.to_owned()),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: &str) -> Note {
        Note {
            type_: EventType::Warning,
            reason: "DroppedField".into(),
            message: message.into(),
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn two_events_of_one_moment_have_two_names() {
        let now = Timestamp::UNIX_EPOCH;
        let first = event_name("x", &note("a"), now);
        assert_ne!(first, event_name("x", &note("b"), now));
        assert_eq!(first, event_name("x", &note("a"), now), "the same event is told once");
    }

    #[test]
    fn the_name_of_an_event_fits() {
        let name = event_name(&"n".repeat(253), &note("a"), Timestamp::MAX);
        assert!(name.len() <= 253, "{} characters", name.len());
    }
}
