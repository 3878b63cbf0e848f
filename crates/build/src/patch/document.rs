use capstan_yaml::{Document as Read, Value, set_field};
use serde_json::Value as Json;

use crate::error::Place;
use crate::resource::rewrite;

/// The fields that a patch with a target has as texts.
pub(super) const COPIED: [&str; 2] = ["labels", "annotations"];

/// What a patch holds.
pub(super) enum Content {
    /// Operations of JSON 6902.
    Operations(Vec<Json>),
    /// Patches of objects.
    Objects(Vec<Document>),
}

/// One document of a patch.
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) place: Place,
}

impl Document {
    pub(super) fn of(document: Read<Value>, place: Place) -> Self {
        Self { value: document.value, place }
    }

    /// With labels and annotations that are texts, also those that are a null, and without empty ones: kustomize copies them
    /// so before it merges a patch into what a target selects.
    pub(super) fn with_texts(mut self, fields: &[&str]) -> Self {
        let Some(Value::Object(metadata)) = self.value.get_mut("metadata") else { return self };
        for field in fields {
            let Some(Value::Object(mut entries)) = metadata.remove(*field) else { continue };
            if !entries.is_empty() {
                entries.is_flow = false;
                entries.values_mut().for_each(rewrite);
                metadata.insert((*field).to_owned(), entries.into());
            }
        }
        for field in ["name", "namespace"] {
            match metadata.get(field).and_then(Value::text).map(str::to_owned) {
                Some(text) if text.is_empty() => drop(metadata.remove(field)),
                Some(text) => set_field(metadata, field, Value::bare(text)),
                None => {}
            }
        }
        self
    }
}
