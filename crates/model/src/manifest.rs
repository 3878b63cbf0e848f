use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{GroupVersionKind, ObjectId};

/// One Kubernetes object as data. The keys of its maps are sorted, as Go prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(Value);

/// What is missing from a document that should be an object.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The document is a list, a string or a number.
    #[error("a manifest must be a map")]
    NotAMap,
    /// A field that every object has is absent or not a string.
    #[error("missing `{0}`: every object needs apiVersion, kind and metadata.name")]
    Missing(&'static str),
}

impl TryFrom<Value> for Manifest {
    type Error = ManifestError;

    fn try_from(value: Value) -> Result<Self, ManifestError> {
        if !value.is_object() {
            return Err(ManifestError::NotAMap);
        }
        for (pointer, field) in [("/apiVersion", "apiVersion"), ("/kind", "kind")] {
            if value.pointer(pointer).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(ManifestError::Missing(field));
            }
        }
        let named = |key| value.pointer(key).and_then(Value::as_str).is_some_and(|n| !n.is_empty());
        if !named("/metadata/name") && !named("/metadata/generateName") {
            return Err(ManifestError::Missing("metadata.name"));
        }
        Ok(Self(value))
    }
}

impl Manifest {
    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::from_api_version(self.text("/apiVersion"), self.text("/kind"))
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// `metadata.name`; empty when only `generateName` is given.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.namespace`; empty when absent.
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// `metadata.uid`; empty before the object is stored.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// `metadata.resourceVersion`; empty before the object is stored.
    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// `metadata.generation`.
    pub fn generation(&self) -> Option<i64> {
        self.0.pointer("/metadata/generation").and_then(Value::as_i64)
    }

    /// Is it being deleted?
    pub fn is_deleting(&self) -> bool {
        !self.text("/metadata/deletionTimestamp").is_empty()
    }

    /// The object with nothing but what tells it from others, for those who only speak of it.
    #[must_use]
    pub fn identity(&self) -> Self {
        let mut metadata = Map::new();
        for key in ["name", "namespace", "uid", "resourceVersion", "generateName"] {
            if let Some(value) = self.0.pointer("/metadata").and_then(|all| all.get(key)) {
                metadata.insert(key.to_owned(), value.clone());
            }
        }
        let (api_version, kind) = (self.0["apiVersion"].clone(), self.0["kind"].clone());
        Self(serde_json::json!({"apiVersion": api_version, "kind": kind, "metadata": metadata}))
    }

    /// The id without the version.
    pub fn id(&self) -> ObjectId {
        let gvk = self.gvk();
        ObjectId {
            group: gvk.group,
            kind: gvk.kind,
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.pointer("/metadata/labels")?.get(key)?.as_str()
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0.pointer("/metadata/annotations")?.get(key)?.as_str()
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.metadata_map("labels").insert(key.to_owned(), value.into());
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.metadata_map("annotations").insert(key.to_owned(), value.into());
    }

    /// Sets the namespace; an empty one removes the field.
    pub fn set_namespace(&mut self, namespace: &str) {
        let metadata = child_map(self.root(), "metadata");
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: &str) {
        child_map(self.root(), "metadata").insert("name".to_owned(), name.into());
    }

    /// The data.
    pub const fn value(&self) -> &Value {
        &self.0
    }

    /// The data, to change. Whoever removes apiVersion, kind or name breaks the type's promise.
    pub const fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The data, owned.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// SHA-256 of the canonical JSON (sorted keys), in hex: equal digests mean equal content.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.0.to_string()))
    }

    fn root(&mut self) -> &mut Map<String, Value> {
        self.0.as_object_mut().expect("a manifest is a map by construction")
    }

    fn metadata_map(&mut self, key: &str) -> &mut Map<String, Value> {
        child_map(child_map(self.root(), "metadata"), key)
    }
}

/// The map under a key, made when it is absent or not a map.
fn child_map<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let child = parent.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    child.as_object_mut().expect("made a map above")
}

#[cfg(test)]
mod tests {
    use super::{Manifest, ManifestError};
    use serde_json::json;

    #[test]
    fn names_what_is_missing() {
        for (value, error) in [
            (json!([]), ManifestError::NotAMap),
            (json!({"kind": "A"}), ManifestError::Missing("apiVersion")),
            (json!({"apiVersion": "v1"}), ManifestError::Missing("kind")),
            (json!({"apiVersion": "v1", "kind": "A"}), ManifestError::Missing("metadata.name")),
        ] {
            assert_eq!(Manifest::try_from(value).expect_err("invalid"), error);
        }
    }

    #[test]
    fn labels_are_made_where_there_is_no_map() {
        let value =
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": null}});
        let mut manifest = Manifest::try_from(value).expect("valid");
        manifest.set_label("k", "v");
        assert_eq!(manifest.label("k"), Some("v"));
    }
}
