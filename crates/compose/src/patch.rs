//! Patches: one value from one object to another.

mod merge;

use std::fmt;

use serde_json::Value;

use crate::fieldpath::{self, Path, PathError};
use crate::go;
use crate::transform::{self, TransformError};
use crate::validate::{self, FieldError};
use crate::wire::{MergeOptions, Origin, Patch, PatchSet};

pub(crate) use merge::function_merge;
use merge::merged;

/// The forms of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// Composite field → child field; the default.
    FromComposite,
    /// Child field → composite field.
    ToComposite,
    /// Composite fields → child field.
    CombineFromComposite,
    /// Child fields → composite field.
    CombineToComposite,
    /// Environment field → child field.
    FromEnvironment,
    /// Child field → environment field.
    ToEnvironment,
    /// Environment fields → child field.
    CombineFromEnvironment,
    /// Child fields → environment field.
    CombineToEnvironment,
    /// Stands for the patches of a set.
    PatchSet,
}

/// An end of a patch in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The composite.
    Composite,
    /// The composed object.
    Child,
    /// The environment.
    Environment,
}

impl PatchKind {
    pub(crate) const NAMES: &'static str = "FromCompositeFieldPath, ToCompositeFieldPath, \
        CombineFromComposite, CombineToComposite, FromEnvironmentFieldPath, \
        ToEnvironmentFieldPath, CombineFromEnvironment, CombineToEnvironment, PatchSet";

    const ALL: [Self; 9] = [
        Self::FromComposite,
        Self::ToComposite,
        Self::CombineFromComposite,
        Self::CombineToComposite,
        Self::FromEnvironment,
        Self::ToEnvironment,
        Self::CombineFromEnvironment,
        Self::CombineToEnvironment,
        Self::PatchSet,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromComposite => "FromCompositeFieldPath",
            Self::ToComposite => "ToCompositeFieldPath",
            Self::CombineFromComposite => "CombineFromComposite",
            Self::CombineToComposite => "CombineToComposite",
            Self::FromEnvironment => "FromEnvironmentFieldPath",
            Self::ToEnvironment => "ToEnvironmentFieldPath",
            Self::CombineFromEnvironment => "CombineFromEnvironment",
            Self::CombineToEnvironment => "CombineToEnvironment",
            Self::PatchSet => "PatchSet",
        }
    }

    /// Does it combine several fields?
    pub const fn is_combine(self) -> bool {
        matches!(
            self,
            Self::CombineFromComposite
                | Self::CombineToComposite
                | Self::CombineFromEnvironment
                | Self::CombineToEnvironment
        )
    }

    /// Source and target of the patch in a template; a set has neither.
    pub const fn ends(self) -> Option<(End, End)> {
        match self {
            Self::FromComposite | Self::CombineFromComposite => Some((End::Composite, End::Child)),
            Self::ToComposite | Self::CombineToComposite => Some((End::Child, End::Composite)),
            Self::FromEnvironment | Self::CombineFromEnvironment => {
                Some((End::Environment, End::Child))
            }
            Self::ToEnvironment | Self::CombineToEnvironment => {
                Some((End::Child, End::Environment))
            }
            Self::PatchSet => None,
        }
    }
}

impl Patch {
    /// Its form; `None` when the type is unknown.
    pub fn kind(&self) -> Option<PatchKind> {
        if self.type_.is_empty() {
            return Some(PatchKind::FromComposite);
        }
        PatchKind::ALL.into_iter().find(|kind| kind.name() == self.type_)
    }

    /// Must the source exist?
    pub fn is_required(&self) -> bool {
        let policy = self.policy.as_ref().and_then(|policy| policy.from_field_path.as_deref());
        policy == Some("Required")
    }

    /// The target as written: the source where none is given.
    pub fn target(&self) -> &str {
        let own = self.to_field_path.as_deref().filter(|path| !path.is_empty());
        own.or(self.from_field_path.as_deref()).unwrap_or_default()
    }

    /// The sources as written.
    pub fn sources(&self) -> Vec<&str> {
        match (&self.combine, self.kind().is_some_and(PatchKind::is_combine)) {
            (Some(combine), true) => {
                combine.variables.iter().map(|v| v.from_field_path.as_str()).collect()
            }
            _ => self.from_field_path.as_deref().into_iter().collect(),
        }
    }

    fn merge_options(&self) -> Result<Option<MergeOptions>, PatchFault> {
        let Some(policy) = &self.policy else { return Ok(None) };
        match policy.to_field_path.as_deref() {
            Some(name) => function_merge(name)
                .ok_or_else(|| PatchFault::Unsupported(format!("invalid patch policy {name}"))),
            None => Ok(policy.merge_options),
        }
    }
}

/// What is wrong with one patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchFault {
    /// A path is absent, wrong or leads through the wrong type.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A transform failed.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// The patch itself is incomplete.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Something that this patch cannot do.
    #[error("{0}")]
    Unsupported(String),
}

impl PatchFault {
    /// Is the *source* merely absent? Only this may be optional.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Path(error) if error.is_not_found())
    }
}

/// A fault with its place: template, patch and paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    /// The template's name.
    pub template: String,
    /// Where the patch stands.
    pub origin: Origin,
    /// Its type.
    pub type_: String,
    /// Its sources.
    pub from: Vec<String>,
    /// Its target.
    pub to: String,
    /// Is the source required?
    pub required: bool,
    /// What is wrong.
    pub fault: PatchFault,
}

impl PatchError {
    pub(crate) fn new(template: &str, patch: &Patch, fault: PatchFault) -> Self {
        Self {
            template: template.to_owned(),
            origin: patch.origin.clone(),
            type_: patch.kind().map_or_else(|| patch.type_.clone(), |kind| kind.name().to_owned()),
            from: patch.sources().into_iter().map(str::to_owned).collect(),
            to: patch.target().to_owned(),
            required: patch.is_required(),
            fault,
        }
    }

    /// Does it only wait for a required field that nobody has filled yet?
    pub const fn is_waiting(&self) -> bool {
        self.required && self.fault.is_not_found()
    }
}

impl std::error::Error for PatchError {}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template `{}`, patch {}", self.template, self.origin.index)?;
        if let Some((set, index)) = &self.origin.set {
            write!(f, " (PatchSet `{set}`, patch {index})")?;
        }
        let (type_, from, to) = (&self.type_, self.from.join("`, `"), &self.to);
        write!(f, ", {type_} `{from}` to `{to}`: {}", self.fault)?;
        if self.is_waiting() {
            f.write_str(" (required, waiting for it)")?;
        }
        Ok(())
    }
}

/// Replaces every patch of type `PatchSet` by the patches of its set, and notes where each stood.
pub fn inline(patches: &[Patch], sets: &[PatchSet]) -> Result<Vec<Patch>, PatchFault> {
    let mut inlined = Vec::new();
    for (index, patch) in patches.iter().enumerate() {
        if patch.kind() != Some(PatchKind::PatchSet) {
            let origin = Origin { index, set: None };
            inlined.push(Patch { origin, ..patch.clone() });
            continue;
        }
        let missing =
            || validate::required("patchSetName", "type PatchSet needs the name of a set");
        let name = patch.patch_set_name.as_deref().ok_or_else(missing)?;
        let unknown = || PatchFault::Unsupported(format!("cannot find PatchSet by name {name}"));
        // Crossplane keys sets by name: the last one of a name counts.
        let set = sets.iter().rev().find(|set| set.name == name).ok_or_else(unknown)?;
        for (place, inner) in set.patches.iter().enumerate() {
            if inner.kind() == Some(PatchKind::PatchSet) {
                let nested = "a patch in a PatchSet cannot be of type PatchSet";
                return Err(PatchFault::Unsupported(nested.to_owned()));
            }
            let origin = Origin { index, set: Some((name.to_owned(), place)) };
            inlined.push(Patch { origin, ..inner.clone() });
        }
    }
    Ok(inlined)
}

/// Applies a patch: reads from one object, transforms, writes to the other.
///
/// `to` is unchanged after an error. An absent source is an error that
/// [`PatchFault::is_not_found`]; whether it is forgiven is the caller's matter.
pub fn apply(patch: &Patch, from: &Value, to: &mut Value) -> Result<(), PatchFault> {
    let kind = patch.kind().ok_or_else(|| {
        PatchFault::Unsupported(format!("patch type {} is not supported", patch.type_))
    })?;
    let value = if kind.is_combine() { combined(patch, from)? } else { single(patch, from)? };
    let value = transform::resolve_all(&patch.transforms, &value)?;
    let options = patch.merge_options()?;
    let target = patch.target();
    let path: Path = target.parse().map_err(hard)?;
    let mut patched = to.clone();
    if !kind.is_combine() && target.contains("[*]") {
        let paths = fieldpath::expand(to, &path).map_err(hard)?;
        if paths.is_empty() {
            return Err(PathError::NoMatch(target.to_owned()).into());
        }
        for path in paths {
            write(&mut patched, &path, value.clone(), options)?;
        }
    } else {
        write(&mut patched, &path, value, options)?;
    }
    *to = patched;
    Ok(())
}

/// A fault of the target is never "not found".
fn hard(error: PathError) -> PatchFault {
    if error.is_not_found() { PatchFault::Unsupported(error.to_string()) } else { error.into() }
}

fn single(patch: &Patch, from: &Value) -> Result<Value, PatchFault> {
    let path = patch.from_field_path.as_deref().filter(|path| !path.is_empty());
    let path =
        path.ok_or_else(|| validate::required("fromFieldPath", "the patch needs a source"))?;
    Ok(fieldpath::get_str(from, path)?.clone())
}

/// One absent variable makes the whole patch "not found".
fn combined(patch: &Patch, from: &Value) -> Result<Value, PatchFault> {
    let missing = || validate::required("combine", "the patch combines variables");
    let combine = patch.combine.as_ref().ok_or_else(missing)?;
    let variables: Vec<Value> = combine
        .variables
        .iter()
        .map(|variable| fieldpath::get_str(from, &variable.from_field_path).cloned())
        .collect::<Result<_, _>>()?;
    match (combine.strategy.as_str(), &combine.string) {
        ("string", Some(string)) => Ok(go::fmt::sprintf(&string.fmt, &variables).into()),
        ("string", None) => Err(PatchFault::Unsupported(
            "given combine strategy string requires configuration".to_owned(),
        )),
        (other, _) => {
            Err(PatchFault::Unsupported(format!("combine strategy {other} is not supported")))
        }
    }
}

fn write(
    to: &mut Value,
    path: &Path,
    value: Value,
    options: Option<MergeOptions>,
) -> Result<(), PatchFault> {
    let value = match options {
        None => value,
        Some(options) => match fieldpath::get(to, path) {
            Ok(there) => merged(there.clone(), value, options)?,
            Err(error) if error.is_not_found() => value,
            Err(error) => return Err(error.into()),
        },
    };
    fieldpath::set(to, path, value).map_err(hard)
}

#[cfg(test)]
mod tests {
    use super::{Patch, apply};
    use serde_json::{Value, json};

    fn patch(value: Value) -> Patch {
        serde_json::from_value(value).expect("a patch")
    }

    #[test]
    fn a_failed_patch_changes_nothing() {
        let from = json!({"a": "x"});
        let mut to = json!({"l": [{"v": 1}, "scalar"]});
        let before = to.clone();
        let both = patch(json!({"fromFieldPath": "a", "toFieldPath": "l[*].v"}));
        assert!(apply(&both, &from, &mut to).is_err());
        assert_eq!(to, before);
    }

    #[test]
    fn only_an_absent_source_is_not_found() {
        let mut to = json!({});
        for (from, path, not_found) in [
            (json!({}), "a.b", true),
            (json!({"a": null}), "a.b", false),
            (json!({"a": "x"}), "a.b", false),
        ] {
            let error = apply(&patch(json!({"fromFieldPath": path})), &from, &mut to);
            assert_eq!(error.expect_err("fails").is_not_found(), not_found);
        }
    }
}
