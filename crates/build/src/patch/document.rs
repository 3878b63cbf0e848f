use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Place;
use crate::fields::escaped;
use crate::transform::names::scalar;

/// The fields that a patch with a target has as texts.
pub(super) const COPIED: [&str; 2] = ["labels", "annotations"];

/// One document of a patch.
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) place: Place,
    /// How labels and annotations are written that are no texts.
    texts: BTreeMap<String, String>,
    /// Where it has folded texts.
    pub(super) folded: Vec<String>,
}

impl Document {
    pub(super) fn of(document: capstan_yaml::Document, place: Place) -> Self {
        Self { value: document.value, place, texts: document.texts, folded: document.folded }
    }

    /// With labels and annotations that are texts, also those that are a null, and without empty ones: kustomize copies them
    /// so before it merges a patch into what a target selects.
    pub(super) fn with_texts(mut self, fields: &[&str]) -> Self {
        for field in fields {
            let below = format!("/metadata/{field}/");
            self.folded.retain(|pointer| !pointer.starts_with(&below));
            let Some(Value::Object(metadata)) = self.value.get_mut("metadata") else { break };
            let Some(entries) = metadata.remove(*field) else { continue };
            let entries = texts(entries, &format!("/metadata/{field}"), &self.texts);
            if !entries.is_empty() {
                metadata.insert((*field).to_owned(), Value::Object(entries));
            }
        }
        self
    }
}

/// A patch with the folded texts that an object gets anew as kustomize writes them; those that replace another are written
/// as the other was.
pub(super) fn with_new_folds(patch: &Value, folded: &[String], object: &Value) -> Value {
    let mut patch = patch.clone();
    for field in folded.iter().filter(|field| object.pointer(field).is_none()) {
        if let Some(Value::String(text)) = patch.pointer_mut(field) {
            *text = capstan_yaml::rewritten(text);
        }
    }
    patch
}

fn texts(entries: Value, at: &str, written: &BTreeMap<String, String>) -> Map<String, Value> {
    let Value::Object(entries) = entries else { return Map::new() };
    let text = |(key, value): (String, Value)| {
        let written = written.get(&format!("{at}/{}", escaped(&key))).cloned();
        let text = written.unwrap_or_else(|| scalar(&value).unwrap_or_default());
        (key, text.into())
    };
    entries.into_iter().map(text).collect()
}
