//! Which Composition, and which revision of it, a composite uses.

use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Map, Value};

use crate::xrd::Xrd;

/// Why no Composition can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// It is named, and not there.
    #[error(
        "Composition `{0}` does not exist: create it, or name another one in \
             spec.compositionRef"
    )]
    Missing(String),
    /// It is named, and for another kind.
    #[error("Composition `{name}` is for {makes}, not for {composite}")]
    Incompatible {
        /// Its name.
        name: String,
        /// What it is for.
        makes: String,
        /// The composite's kind.
        composite: String,
    },
    /// Nothing matches.
    #[error("no Composition for {composite} has the labels {labels}")]
    NoMatch {
        /// The composite's kind.
        composite: String,
        /// The labels asked for.
        labels: String,
    },
}

/// Selects a Composition: the XRD's enforced one, else the one that the composite names, else one
/// by its selector, else the XRD's default, else any for its kind.
///
/// `pick` chooses among several that match, given their number.
pub fn select(
    composite: &Manifest,
    xrd: &Xrd,
    compositions: &[Manifest],
    pick: &mut dyn FnMut(usize) -> usize,
) -> Result<String, SelectError> {
    let named = composite.value().pointer("/spec/compositionRef/name").and_then(Value::as_str);
    let labels = composite.value().pointer("/spec/compositionSelector/matchLabels");
    let default = xrd.default_composition.as_deref().filter(|_| labels.is_none());
    let wanted = xrd.enforced_composition.as_deref().or(named).or(default);
    let gvk = composite.gvk();
    if let Some(name) = wanted.filter(|name| !name.is_empty()) {
        let found = compositions.iter().find(|composition| composition.name() == name);
        let found = found.ok_or_else(|| SelectError::Missing(name.to_owned()))?;
        return compatible(found, &gvk);
    }
    let labels = labels.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut matching: Vec<&Manifest> = compositions
        .iter()
        .filter(|composition| makes(composition).is_some_and(|m| same_kind(&m, &gvk)))
        .filter(|composition| has_labels(composition, &labels))
        .collect();
    matching.sort_by_key(|composition| composition.name().to_owned());
    if matching.is_empty() {
        let labels = Value::Object(labels).to_string();
        return Err(SelectError::NoMatch { composite: gvk.to_string(), labels });
    }
    let at = pick(matching.len()).min(matching.len() - 1);
    Ok(matching[at].name().to_owned())
}

fn compatible(composition: &Manifest, gvk: &GroupVersionKind) -> Result<String, SelectError> {
    let makes = makes(composition);
    if makes.as_ref().is_some_and(|makes| same_kind(makes, gvk)) {
        return Ok(composition.name().to_owned());
    }
    Err(SelectError::Incompatible {
        name: composition.name().to_owned(),
        makes: makes.map_or_else(|| "no kind".to_owned(), |makes| makes.to_string()),
        composite: gvk.to_string(),
    })
}

fn makes(composition: &Manifest) -> Option<GroupVersionKind> {
    let reference = composition.value().pointer("/spec/compositeTypeRef")?;
    let text = |key| reference.get(key).and_then(Value::as_str);
    Some(GroupVersionKind::from_api_version(text("apiVersion")?, text("kind")?))
}

fn same_kind(one: &GroupVersionKind, other: &GroupVersionKind) -> bool {
    one.group == other.group && one.kind == other.kind
}

fn has_labels(object: &Manifest, labels: &Map<String, Value>) -> bool {
    labels.iter().all(|(key, value)| object.label(key) == value.as_str())
}

/// The revision that a composite uses, of those of its Composition: with update policy `Manual`
/// the one that it names; else the newest, of those that its selector matches.
pub fn revision<'a>(composite: &Manifest, revisions: &'a [Manifest]) -> Option<&'a Manifest> {
    let text = |pointer| composite.value().pointer(pointer).and_then(Value::as_str);
    let policy = text("/spec/compositionUpdatePolicy");
    if let (Some("Manual"), Some(name)) = (policy, text("/spec/compositionRevisionRef/name")) {
        return revisions.iter().find(|revision| revision.name() == name);
    }
    // The selector counts only with an explicit Automatic, as in the reference.
    let selector = composite.value().pointer("/spec/compositionRevisionSelector/matchLabels");
    let labels = match policy {
        Some("Automatic") => selector.and_then(Value::as_object).cloned().unwrap_or_default(),
        _ => Map::new(),
    };
    let fits = |revision: &&Manifest| has_labels(revision, &labels);
    revisions.iter().filter(fits).max_by_key(|revision| number(revision))
}

/// `spec.revision`.
pub fn number(revision: &Manifest) -> i64 {
    revision.value().pointer("/spec/revision").and_then(Value::as_i64).unwrap_or_default()
}
