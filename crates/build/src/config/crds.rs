//! Fields that CRDs' schemas mark for kustomize.

use serde_json::Value;

use super::{Config, Referral, add};
use crate::error::BuildError;
use crate::fields::Field;

/// What the definitions of one `crds` file mark: a map from type names to `{Schema: {properties: …}}`.
pub(crate) fn from_crds(document: &Value) -> Result<Config, BuildError> {
    let mut config = Config::default();
    for (name, _) in document.as_object().into_iter().flatten() {
        if looks_like_an_object(properties(document, name)) {
            let kind = name.rsplit('.').next().unwrap_or_default();
            collect(document, kind, name, &mut Vec::new(), &mut config)?;
        }
    }
    Ok(config)
}

/// The properties of a type; Go's JSON reader does not look at upper and lower case.
fn properties<'a>(document: &'a Value, name: &str) -> Option<&'a serde_json::Map<String, Value>> {
    let definition = document.get(name)?.as_object()?;
    let schema = definition.iter().find(|(key, _)| key.eq_ignore_ascii_case("schema"))?.1;
    schema.get("properties")?.as_object()
}

fn looks_like_an_object(properties: Option<&serde_json::Map<String, Value>>) -> bool {
    let has = |key: &str| properties.is_some_and(|properties| properties.contains_key(key));
    has("kind") && has("apiVersion") && has("metadata")
}

fn collect(
    document: &Value,
    kind: &str,
    name: &str,
    path: &mut Vec<String>,
    config: &mut Config,
) -> Result<(), BuildError> {
    for (key, property) in properties(document, name).into_iter().flatten() {
        path.push(key.clone());
        one(document, kind, property, path, config)?;
        path.pop();
    }
    Ok(())
}

fn one(
    document: &Value,
    kind: &str,
    property: &Value,
    path: &mut Vec<String>,
    config: &mut Config,
) -> Result<(), BuildError> {
    let mark = |name: &str| property.get(name).and_then(Value::as_str);
    let field = |path: &[String]| Field::of("", kind, &path.join("/")).existing();
    if mark("x-kubernetes-annotation").is_some() {
        add(&mut config.common_annotations, &field(path))?;
    }
    if mark("x-kubernetes-label-selector").is_some() {
        add(&mut config.common_labels, &field(path))?;
    }
    if mark("x-kubernetes-identity").is_some() {
        add(&mut config.name_prefix, &field(path))?;
    }
    let version = mark("x-kubernetes-object-ref-api-version");
    if let Some((version, to)) = version.zip(mark("x-kubernetes-object-ref-kind")) {
        path.push(mark("x-kubernetes-object-ref-name-key").unwrap_or("name").to_owned());
        config.add_referral(&Referral {
            group: String::new(),
            version: version.to_owned(),
            kind: to.to_owned(),
            fields: vec![field(path)],
        })?;
        path.pop();
    }
    match mark("$ref") {
        // A type that holds itself would never end.
        Some(reference) if path.len() < 64 => collect(document, kind, reference, path, config),
        _ => Ok(()),
    }
}
