//! A claim and its composite: what users write goes down, what they may see comes up.

use capstan_model::{Manifest, NamespacedName};
use serde_json::{Map, Value, json};

use crate::meta;
use crate::xrd::Xrd;

/// Fields of a claim's spec that are its own, and not the user's schema.
const CLAIM_FIELDS: [&str; 9] = [
    "compositionRef",
    "compositionSelector",
    "compositionRevisionRef",
    "compositionRevisionSelector",
    "compositionUpdatePolicy",
    "compositeDeletePolicy",
    "resourceRef",
    "writeConnectionSecretToRef",
    "publishConnectionDetailsTo",
];

/// Fields of a composite's spec that a claim must leave alone.
const COMPOSITE_FIELDS: [&str; 10] = [
    "compositionRef",
    "compositionSelector",
    "compositionRevisionRef",
    "compositionRevisionSelector",
    "compositionUpdatePolicy",
    "claimRef",
    "environmentConfigRefs",
    "resourceRefs",
    "writeConnectionSecretToRef",
    "publishConnectionDetailsTo",
];

/// Choices that a claim hands to its composite where it makes them.
const DOWN: [&str; 4] = [
    "compositionRef",
    "compositionSelector",
    "compositionRevisionSelector",
    "compositionUpdatePolicy",
];

/// Claim and composite as they should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Synced {
    /// The claim, with `spec.resourceRef`. It is stored **before** the composite is created, or a
    /// crash between the two would leak a composite.
    pub claim: Manifest,
    /// Does the claim differ from what is stored?
    pub claim_changed: bool,
    /// The composite to create or update.
    pub composite: Manifest,
    /// Does it differ from what is stored, or not exist?
    pub composite_changed: bool,
}

/// Why a claim cannot have its composite.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The composite belongs to another claim.
    #[error("composite `{composite}` is bound to claim `{other}`")]
    Bound {
        /// The composite.
        composite: String,
        /// `namespace/name` of the other claim.
        other: NamespacedName,
    },
    /// The XRD has no version for composites, or no claim.
    #[error("XRD `{0}` offers no claim")]
    NotOffered(String),
}

/// The name of the composite that a claim is bound to.
pub fn bound_to(claim: &Manifest) -> Option<&str> {
    let name = claim.value().pointer("/spec/resourceRef/name")?.as_str()?;
    if name.is_empty() { None } else { Some(name) }
}

/// Where a claim wants its connection Secret.
pub fn connection_secret(claim: &Manifest) -> Option<NamespacedName> {
    let name = claim.value().pointer("/spec/writeConnectionSecretToRef/name")?.as_str()?;
    (!name.is_empty()).then(|| NamespacedName::new(claim.namespace(), name))
}

/// Synchronises a claim with its composite, which may not exist yet.
///
/// `new_name` makes `<prefix>` and something random into a free name.
pub fn sync(
    claim: &Manifest,
    composite: Option<&Manifest>,
    xrd: &Xrd,
    new_name: &mut dyn FnMut(&str) -> String,
) -> Result<Synced, ClaimError> {
    if xrd.claim_names.is_none() {
        return Err(ClaimError::NotOffered(xrd.name.clone()));
    }
    if let Some(composite) = composite {
        check_bound(claim, composite)?;
    }
    let gvk = xrd.composite_gvk();
    let name = match (composite, bound_to(claim)) {
        (Some(composite), _) => composite.name().to_owned(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => new_name(&format!("{}-", claim.name())),
    };
    let desired = composite_of(claim, composite, &gvk.api_version(), &gvk.kind, &name);
    let mut bound = claim.clone();
    let reference = json!({"apiVersion": gvk.api_version(), "kind": gvk.kind, "name": name});
    spec_of(&mut bound).insert("resourceRef".to_owned(), reference);
    if let Some(composite) = composite {
        up(&mut bound, composite);
    }
    Ok(Synced {
        claim_changed: bound != *claim,
        claim: bound,
        composite_changed: composite != Some(&desired),
        composite: desired,
    })
}

fn check_bound(claim: &Manifest, composite: &Manifest) -> Result<(), ClaimError> {
    let Some(reference) = composite.value().pointer("/spec/claimRef") else { return Ok(()) };
    let text = |key| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let other = NamespacedName::new(text("namespace"), text("name"));
    if other == NamespacedName::new(claim.namespace(), claim.name()) {
        return Ok(());
    }
    Err(ClaimError::Bound { composite: composite.name().to_owned(), other })
}

fn composite_of(
    claim: &Manifest,
    stored: Option<&Manifest>,
    api_version: &str,
    kind: &str,
    name: &str,
) -> Manifest {
    let value = match stored {
        Some(stored) => stored.value().clone(),
        None => json!({"metadata": {"name": name}, "spec": {}}),
    };
    let mut object = value;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    let mut composite = Manifest::try_from(object).expect("it has apiVersion, kind and a name");
    for (key, value) in texts(claim, "labels") {
        composite.set_label(&key, &value);
    }
    for (key, value) in texts(claim, "annotations") {
        // The outside object's name is the composite's once it has one.
        if key != meta::ANNOTATION_EXTERNAL_NAME || composite.annotation(&key).is_none() {
            composite.set_annotation(&key, &value);
        }
    }
    composite.set_label(meta::LABEL_CLAIM_NAME, claim.name());
    composite.set_label(meta::LABEL_CLAIM_NAMESPACE, claim.namespace());
    let spec = composite_spec(claim, stored);
    *spec_of(&mut composite) = spec;
    composite
}

fn composite_spec(claim: &Manifest, stored: Option<&Manifest>) -> Map<String, Value> {
    let empty = Map::new();
    let theirs = claim.value().get("spec").and_then(Value::as_object).unwrap_or(&empty);
    let ours = stored.and_then(|s| s.value().get("spec")?.as_object()).unwrap_or(&empty);
    let copy = |from: &Map<String, Value>, keep: &dyn Fn(&str) -> bool| {
        from.iter().filter(|(key, _)| keep(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let mut spec: Map<String, Value> = copy(theirs, &|key| !CLAIM_FIELDS.contains(&key));
    spec.extend::<Map<String, Value>>(copy(ours, &|key| COMPOSITE_FIELDS.contains(&key)));
    spec.extend::<Map<String, Value>>(copy(theirs, &|key| DOWN.contains(&key)));
    // With Automatic the composite moves on its own and tells its claim.
    if theirs.get("compositionUpdatePolicy").and_then(Value::as_str) == Some("Manual")
        && let Some(pinned) = theirs.get("compositionRevisionRef")
    {
        spec.insert("compositionRevisionRef".to_owned(), pinned.clone());
    }
    let reference = json!({
        "apiVersion": claim.api_version(),
        "kind": claim.kind(),
        "namespace": claim.namespace(),
        "name": claim.name(),
    });
    spec.insert("claimRef".to_owned(), reference);
    spec
}

/// What a claim learns from its composite.
fn up(claim: &mut Manifest, composite: &Manifest) {
    if let Some(name) = composite.annotation(meta::ANNOTATION_EXTERNAL_NAME) {
        claim.set_annotation(meta::ANNOTATION_EXTERNAL_NAME, name);
    }
    let spec = composite.value().get("spec").and_then(Value::as_object).cloned();
    let spec = spec.unwrap_or_default();
    let manual = spec.get("compositionUpdatePolicy").and_then(Value::as_str) == Some("Manual");
    let ours = spec_of(claim);
    for key in ["compositionRef", "compositionSelector", "compositionRevisionRef"] {
        let follows = key == "compositionRevisionRef" && !manual;
        if let Some(value) = spec.get(key)
            && (follows || !ours.contains_key(key))
        {
            ours.insert(key.to_owned(), value.clone());
        }
    }
}

/// The claim's status: the user's fields of the composite, and the claim's own conditions.
pub fn status(claim: &Manifest, composite: &Manifest) -> Value {
    let own = |key: &str| matches!(key, "conditions" | "connectionDetails" | "claimConditionTypes");
    let read = |object: &Manifest| {
        object.value().get("status").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut status = read(composite);
    status.retain(|key, _| !own(key));
    status.extend(read(claim).into_iter().filter(|(key, _)| own(key)));
    Value::Object(status)
}

/// Labels or annotations of the user: not those of Kubernetes and its tools.
fn texts(object: &Manifest, field: &str) -> Vec<(String, String)> {
    let map = object.value().pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
    let own = |key: &str| {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        domain == "kubernetes.io"
            || domain.ends_with(".kubernetes.io")
            || domain.contains("kubectl")
    };
    map.into_iter()
        .flatten()
        .filter(|(key, _)| !own(key))
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn spec_of(object: &mut Manifest) -> &mut Map<String, Value> {
    let root = object.value_mut().as_object_mut().expect("a manifest is a map");
    let spec = root.entry("spec").or_insert_with(|| Value::Object(Map::new()));
    if !spec.is_object() {
        *spec = Value::Object(Map::new());
    }
    spec.as_object_mut().expect("made a map above")
}

#[cfg(test)]
mod tests;
