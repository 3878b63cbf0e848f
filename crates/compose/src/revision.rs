//! Revisions of a Composition: an immutable copy for each content that it ever had.

use capstan_model::Manifest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::meta;
use crate::select::number;

/// A label holds this much of a digest.
const LABEL_LENGTH: usize = 63;

/// What to do so that the newest revision is what the Composition says.
#[derive(Clone, Debug, PartialEq)]
pub enum RevisionPlan {
    /// The newest revision is this one already.
    Keep(String),
    /// An old content is back: its revision becomes the newest.
    Renumber {
        /// Its name.
        name: String,
        /// Its new `spec.revision`.
        number: i64,
    },
    /// A new content: this object is to be created.
    Create(Manifest),
}

/// Digest of labels, annotations and spec, in hex. Equal digests mean equal content.
///
/// Annotations that tools write on every apply do not count.
pub fn hash(composition: &Manifest) -> String {
    let part = |pointer: &str| composition.value().pointer(pointer).cloned().unwrap_or_default();
    let mut annotations = part("/metadata/annotations");
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    let content = json!([part("/metadata/labels"), annotations, part("/spec")]);
    hex::encode(Sha256::digest(content.to_string()))
}

/// Compares a Composition with its revisions: those labelled with its name.
pub fn plan(composition: &Manifest, revisions: &[Manifest]) -> RevisionPlan {
    let hash = hash(composition);
    let newest = revisions.iter().map(number).max().unwrap_or(0);
    let label = &hash[..LABEL_LENGTH];
    let same = revisions.iter().find(|r| r.label(meta::LABEL_COMPOSITION_HASH) == Some(label));
    match same {
        Some(same) if number(same) == newest => RevisionPlan::Keep(same.name().to_owned()),
        Some(same) => RevisionPlan::Renumber { name: same.name().to_owned(), number: newest + 1 },
        None => RevisionPlan::Create(make(composition, &hash, newest + 1)),
    }
}

fn make(composition: &Manifest, hash: &str, number: i64) -> Manifest {
    let mut labels = composition.value().pointer("/metadata/labels").cloned().unwrap_or_default();
    if !labels.is_object() {
        labels = json!({});
    }
    labels[meta::LABEL_COMPOSITION_NAME] = composition.name().into();
    labels[meta::LABEL_COMPOSITION_HASH] = hash[..LABEL_LENGTH].into();
    let mut spec = composition.value().get("spec").cloned().unwrap_or_else(|| json!({}));
    spec["revision"] = number.into();
    let revision: Value = json!({
        "apiVersion": "apiextensions.crossplane.io/v1",
        "kind": "CompositionRevision",
        "metadata": {
            "name": format!("{}-{}", composition.name(), &hash[..7]),
            "labels": labels,
            "ownerReferences": [{
                "apiVersion": composition.api_version(),
                "kind": composition.kind(),
                "name": composition.name(),
                "uid": composition.uid(),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": spec,
    });
    Manifest::try_from(revision).expect("it has apiVersion, kind and a name, as written above")
}

#[cfg(test)]
mod tests {
    use super::{RevisionPlan, plan};
    use capstan_model::Manifest;
    use serde_json::json;

    fn composition(region: &str) -> Manifest {
        let value = json!({
            "apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
            "metadata": {"name": "net", "uid": "u", "labels": {"a": "b"}},
            "spec": {"compositeTypeRef": {"kind": region}},
        });
        Manifest::try_from(value).expect("an object")
    }

    fn created(plan: RevisionPlan) -> Manifest {
        match plan {
            RevisionPlan::Create(revision) => revision,
            other => panic!("expected a new revision, got {other:?}"),
        }
    }

    #[test]
    fn content_decides() {
        let first = created(plan(&composition("one"), &[]));
        assert!(first.name().starts_with("net-") && first.name().len() == "net-".len() + 7);
        assert_eq!(first.value()["spec"]["revision"], 1);
        assert_eq!(first.label("a"), Some("b"));
        let known = [first.clone()];
        let keep = RevisionPlan::Keep(first.name().to_owned());
        assert_eq!(plan(&composition("one"), &known), keep);

        let second = created(plan(&composition("two"), &known));
        assert_eq!(second.value()["spec"]["revision"], 2);
        let back = RevisionPlan::Renumber { name: first.name().to_owned(), number: 3 };
        assert_eq!(plan(&composition("one"), &[first, second]), back);
    }
}
