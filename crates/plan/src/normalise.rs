use std::collections::HashMap;

use capstan_model::{GroupVersionKind, Manifest};
use serde_json::Value;

use crate::types::{ApplyMode, Owner, Scope};
use crate::{PlanError, refs};

/// Fields of `metadata` that only the API server writes.
const SERVER_METADATA: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Scopes of the kinds that desired definitions bring along, by group and kind.
pub(crate) type DefinedScopes = HashMap<(String, String), Scope>;

/// Reads the scopes out of CRDs and XRDs, for kinds that discovery cannot know yet.
pub(crate) fn defined_scopes(objects: &[Manifest]) -> DefinedScopes {
    let mut scopes = DefinedScopes::new();
    for object in objects {
        for definition in refs::definitions(object) {
            scopes.insert((definition.group, definition.kind), definition.scope);
        }
    }
    scopes
}

/// Discovery's answer, or the definitions' where discovery has none.
pub(crate) fn scope_of(
    gvk: GroupVersionKind,
    discovered: &dyn Fn(&GroupVersionKind) -> Scope,
    defined: &DefinedScopes,
) -> Scope {
    match discovered(&gvk) {
        Scope::Unknown => defined.get(&(gvk.group, gvk.kind)).copied().unwrap_or(Scope::Unknown),
        known => known,
    }
}

/// Makes the object final, all but the owner's labels.
pub(crate) fn finalise(
    mut object: Manifest,
    scope: Scope,
    group: &str,
) -> Result<Manifest, PlanError> {
    if object.name().is_empty() {
        let prefix = object.value().pointer("/metadata/generateName").and_then(Value::as_str);
        let prefix = prefix.unwrap_or_default().to_owned();
        return Err(PlanError::NoName { kind: object.kind().to_owned(), prefix });
    }
    match scope {
        Scope::Cluster => object.set_namespace(""),
        Scope::Namespaced if object.namespace().is_empty() => {
            return Err(PlanError::NoNamespace(object.id()));
        }
        Scope::Namespaced | Scope::Unknown => {}
    }
    if object.kind() == "Secret" && object.api_version() == "v1" {
        check_secret(&object, group)?;
    }
    capstan_ssa::remove_invalid_ca_bundle(object.value_mut());
    capstan_ssa::normalise_all([object.value_mut()]);
    strip_server_fields(&mut object);
    Ok(object)
}

/// Marks the object as the owner's.
pub(crate) fn set_owner(object: &mut Manifest, owner: &Owner) {
    for (key, value) in owner.labels() {
        object.set_label(&key, &value);
    }
}

fn strip_server_fields(object: &mut Manifest) {
    let root = object.value_mut().as_object_mut().expect("because a manifest is a map");
    root.remove("status");
    if let Some(metadata) = root.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVER_METADATA {
            metadata.remove(field);
        }
    }
}

/// Refuses what the API server would store as it is, or in other words refuse: a ciphertext, a number for a text.
///
/// A ciphertext that says `decrypt: disabled` is wanted, as with kustomize-controller.
fn check_secret(secret: &Manifest, group: &str) -> Result<(), PlanError> {
    let id = secret.id();
    let decrypt = secret.annotation(&format!("{group}/decrypt"));
    let is_wanted = decrypt.is_some_and(|value| value.eq_ignore_ascii_case("disabled"));
    if secret.value().get("sops").is_some() && !is_wanted {
        return Err(PlanError::Encrypted(id));
    }
    let plain = secret.value().get("stringData").and_then(Value::as_object);
    let odd = |(_, value): &(&String, &Value)| !value.is_string() && !value.is_null();
    match plain.into_iter().flatten().find(odd) {
        Some((key, _)) => Err(PlanError::StringData { id, key: key.clone() }),
        None => Ok(()),
    }
}

/// Is the key set to the value, in the labels or the annotations, whatever the case?
fn carries(object: &Manifest, key: &str, value: &str) -> bool {
    [object.label(key), object.annotation(key)]
        .into_iter()
        .flatten()
        .any(|found| found.eq_ignore_ascii_case(value))
}

/// Why an object must be left alone, as `key: value`.
pub(crate) fn skip_reason(object: &Manifest, group: &str) -> Option<String> {
    [("reconcile", "disabled"), ("ssa", "Ignore")]
        .into_iter()
        .map(|(key, value)| (format!("{group}/{key}"), value))
        .find(|(key, value)| carries(object, key, value))
        .map(|(key, value)| format!("{key}: {value}"))
}

/// The mode that the object asks for.
pub(crate) fn mode(object: &Manifest, group: &str) -> ApplyMode {
    let key = format!("{group}/ssa");
    if carries(object, &key, "IfNotPresent") {
        ApplyMode::IfNotPresent
    } else if carries(object, &key, "Merge") {
        ApplyMode::Merge
    } else {
        ApplyMode::Override
    }
}

/// Does the object ask to be recreated when a change is refused?
pub(crate) fn wants_recreation(object: &Manifest, group: &str) -> bool {
    carries(object, &format!("{group}/force"), "enabled")
}
