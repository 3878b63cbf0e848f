use std::collections::BTreeMap;

use capstan_model::Manifest;

use capstan_yaml::Schema;

use crate::error::ManifestSubstError;
use crate::eval::expand;

/// Label or annotation of an object whose dollars are its own.
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Expands the variables in an object.
///
/// The object is printed as YAML, expanded and read back: quotes do not survive, so `"${n}"` with
/// the value 5 becomes a number, and an empty value becomes null. Newlines in values are dropped.
/// Without variables nothing happens, so `$$` stays; see [`expand_manifest_always`]. An object
/// labelled or annotated `kustomize.toolkit.fluxcd.io/substitute: disabled` stays as it is.
///
/// # Errors
/// A variable's name that is no identifier, a text that does not expand, or one that is not an
/// object afterwards; each names the object.
pub fn expand_manifest(
    manifest: &Manifest,
    variables: &BTreeMap<String, String>,
    strict: bool,
) -> Result<Manifest, ManifestSubstError> {
    if variables.is_empty() {
        return Ok(manifest.clone());
    }
    expand_manifest_always(manifest, variables, strict)
}

/// As [`expand_manifest`], without variables too: `postBuild.substituteStrategy: Always`.
///
/// # Errors
/// Those of [`expand_manifest`].
pub fn expand_manifest_always(
    manifest: &Manifest,
    variables: &BTreeMap<String, String>,
    strict: bool,
) -> Result<Manifest, ManifestSubstError> {
    let disabled = [manifest.label(SUBSTITUTE), manifest.annotation(SUBSTITUTE)];
    if disabled.contains(&Some("disabled")) {
        return Ok(manifest.clone());
    }
    if let Some(name) = variables.keys().find(|name| !is_identifier(name)) {
        return Err(ManifestSubstError::VariableName(name.clone()));
    }
    let object = Box::new(manifest.id());
    let lookup = |name: &str| variables.get(name).map(|value| value.replace('\n', ""));
    let text = capstan_yaml::emit(manifest.value());
    let text = match expand(&text, &lookup, strict) {
        Ok(text) => text,
        Err(source) => return Err(ManifestSubstError::Expand { object, source }),
    };
    let file = object.to_string();
    // Flux reads it as YAML 1.1: a `yes` that a variable left without quotes is true.
    let mut documents = match capstan_yaml::read_documents(&text, &file, Schema::Config) {
        Ok(documents) => documents,
        Err(source) => return Err(ManifestSubstError::Yaml { object, source }),
    };
    let value = match (documents.len(), documents.pop()) {
        (1, Some(document)) => document.value,
        (count, _) => {
            let reason = format!("it has {count} documents");
            return Err(ManifestSubstError::NotAnObject { object, reason });
        }
    };
    Manifest::try_from(value)
        .map_err(|error| ManifestSubstError::NotAnObject { object, reason: error.to_string() })
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b == b'_' || b.is_ascii_alphabetic())
        && bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric())
}
