use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use capstan_model::{Manifest, NamespacedName};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::Mirrored;

/// What is to be known of a live object without reading it whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Tells it from a namesake that came later.
    pub uid: String,
    /// Changes with every write.
    pub resource_version: String,
    /// Changes with every write of what is wanted. Not every kind has one.
    pub generation: Option<i64>,
    /// Is it being deleted?
    pub is_deleting: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations; of kubectl's copy of the object only that it is there.
    pub annotations: BTreeMap<String, String>,
    /// Who wrote it.
    pub managers: Vec<Manager>,
}

/// A state of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Of the object.
    pub uid: String,
    /// Of what is wanted, where the kind counts it.
    pub generation: Option<i64>,
    /// Of the whole.
    pub resource_version: String,
    /// Of labels and annotations.
    pub marks: u64,
}

/// Who wrote fields of an object, by `metadata.managedFields`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manager {
    /// Name.
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// `status` and the like; empty for the object itself.
    pub subresource: String,
    /// When it wrote last.
    pub time: Option<Timestamp>,
}

/// kubectl keeps a copy of the whole object here.
const COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Sight {
    pub(crate) fn of(metadata: ObjectMeta) -> Self {
        let managers = metadata.managed_fields.into_iter().flatten().map(|entry| Manager {
            name: entry.manager.unwrap_or_default(),
            operation: entry.operation.unwrap_or_default(),
            subresource: entry.subresource.unwrap_or_default(),
            time: entry.time.map(|time| time.0),
        });
        let mut annotations = metadata.annotations.unwrap_or_default();
        if let Some(copy) = annotations.get_mut(COPY) {
            *copy = String::new();
        }
        Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            generation: metadata.generation.filter(|generation| *generation > 0),
            is_deleting: metadata.deletion_timestamp.is_some(),
            labels: metadata.labels.unwrap_or_default(),
            annotations,
            managers: managers.collect(),
        }
    }

    /// Of an object that was read or written.
    pub fn of_object(object: &Manifest) -> Self {
        let metadata = object.value().get("metadata").cloned().unwrap_or_default();
        // What an API server sent is metadata.
        Self::of(serde_json::from_value(metadata).unwrap_or_default())
    }

    /// Which state of the object it is.
    pub fn version(&self) -> Version {
        let mut marks = DefaultHasher::new();
        (&self.labels, &self.annotations).hash(&mut marks);
        Version {
            uid: self.uid.clone(),
            generation: self.generation,
            resource_version: self.resource_version.clone(),
            marks: marks.finish(),
        }
    }

    /// Is it the same object, and was nothing written since that could be a change of what is wanted? The status is not looked
    /// at where the kind counts generations; labels and annotations are not either.
    pub fn is_unchanged_since(&self, then: &Version) -> bool {
        let same = match (self.generation, then.generation) {
            (Some(now), Some(then)) => now == then,
            _ => self.resource_version == then.resource_version,
        };
        same && self.uid == then.uid && !self.is_deleting
    }

    /// Who wrote last, apart from `own` and from status.
    pub fn last_writer(&self, own: &str) -> Option<&Manager> {
        let others = self.managers.iter().filter(|m| m.name != own && m.subresource.is_empty());
        others.max_by_key(|manager| manager.time)
    }
}

impl Mirrored for Sight {
    fn key(&self) -> NamespacedName {
        NamespacedName::new(&*self.namespace, &*self.name)
    }

    fn uid(&self) -> &str {
        &self.uid
    }

    fn resource_version(&self) -> &str {
        &self.resource_version
    }
}

#[cfg(test)]
mod tests {
    use super::Sight;
    use capstan_model::Manifest;
    use serde_json::{Value, json};

    fn sight(metadata: &Value) -> Sight {
        let mut all = json!({"name": "x", "namespace": "n", "uid": "u", "resourceVersion": "1"});
        all.as_object_mut().expect("a map").extend(metadata.as_object().expect("a map").clone());
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": all});
        Sight::of_object(&Manifest::try_from(object).expect("valid"))
    }

    #[test]
    fn a_status_is_no_change_where_generations_are_counted() {
        let before = sight(&json!({"generation": 3}));
        let reported = sight(&json!({"generation": 3, "resourceVersion": "2"}));
        assert!(reported.is_unchanged_since(&before.version()));
        assert!(!sight(&json!({"generation": 4})).is_unchanged_since(&before.version()));
        let plain = sight(&json!({}));
        assert!(plain.is_unchanged_since(&plain.version()));
        assert!(!sight(&json!({"resourceVersion": "2"})).is_unchanged_since(&plain.version()));
        assert!(!sight(&json!({"uid": "other"})).is_unchanged_since(&plain.version()));
        let going = sight(&json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}));
        assert!(!going.is_unchanged_since(&plain.version()));
    }

    #[test]
    fn the_last_writer_is_somebody_else_who_wrote_no_status() {
        let entry = |manager: &str, time: &str, subresource: &str| {
            json!({"manager": manager, "operation": "Update", "time": time,
                "subresource": subresource})
        };
        let found = sight(&json!({"managedFields": [
            entry("us", "2026-01-04T00:00:00Z", ""),
            entry("kubectl-edit", "2026-01-02T00:00:00Z", ""),
            entry("early", "2026-01-01T00:00:00Z", ""),
            entry("controller", "2026-01-03T00:00:00Z", "status"),
        ]}));
        assert_eq!(found.last_writer("us").map(|m| m.name.as_str()), Some("kubectl-edit"));
    }
}
