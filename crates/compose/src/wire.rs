//! Patches, transforms, checks and connection details as a Composition writes them.
//!
//! Type names stay text here, so that an unknown one is a named fault of its field
//! ([`crate::validate`]) and not a failure to read the whole document.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A list that may also be written as null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A patch between composite, environment and one composed object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Patch {
    /// Direction and form; `FromCompositeFieldPath` when empty.
    #[serde(rename = "type")]
    pub type_: String,
    /// Where the value is read.
    pub from_field_path: Option<String>,
    /// Several values made into one, in the Combine types.
    pub combine: Option<Combine>,
    /// Where it is written; the source path when absent.
    pub to_field_path: Option<String>,
    /// The set to put in this place, in type `PatchSet`.
    pub patch_set_name: Option<String>,
    /// Applied in order.
    #[serde(deserialize_with = "nullable")]
    pub transforms: Vec<Transform>,
    /// What to do where something is missing or already there.
    pub policy: Option<Policy>,
    /// Where it stood; filled while sets are put in place.
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a patch stood in its Composition, for messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Index in its template's `patches`.
    pub index: usize,
    /// Name of the set and index in it.
    pub set: Option<(String, usize)>,
}

/// How several values become one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Combine {
    /// The sources, in order.
    #[serde(deserialize_with = "nullable")]
    pub variables: Vec<Variable>,
    /// Only `string` exists.
    pub strategy: String,
    /// Options of `string`.
    pub string: Option<StringCombine>,
}

/// One source of a [`Combine`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Variable {
    /// Where it is read.
    pub from_field_path: String,
}

/// Options of strategy `string`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StringCombine {
    /// Go format with one verb a variable.
    pub fmt: String,
}

/// Policies of a patch, of both dialects.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    /// `Optional` (default) or `Required`.
    pub from_field_path: Option<String>,
    /// How to write over what is there, in the function's dialect; `Replace` when absent.
    pub to_field_path: Option<String>,
    /// The same in the native dialect.
    pub merge_options: Option<MergeOptions>,
}

/// How a value is merged into what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MergeOptions {
    /// Do values that exist in a map win?
    pub keep_map_values: Option<bool>,
    /// Are lists appended (without duplicates at the top) instead of replaced?
    pub append_slice: Option<bool>,
}

/// A named list of patches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PatchSet {
    /// Its name.
    pub name: String,
    /// Its patches; none may be of type `PatchSet`.
    #[serde(deserialize_with = "nullable")]
    pub patches: Vec<Patch>,
}

/// One transform: `type_` says which of the options counts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Transform {
    /// `math`, `map`, `match`, `string` or `convert`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Options of `math`.
    pub math: Option<Math>,
    /// Options of `map`: what each input becomes.
    pub map: Option<BTreeMap<String, Value>>,
    /// Options of `match`.
    #[serde(rename = "match")]
    pub match_: Option<Match>,
    /// Options of `string`.
    pub string: Option<Strings>,
    /// Options of `convert`.
    pub convert: Option<Convert>,
}

/// Options of `math`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Math {
    /// `Multiply`, `ClampMin` or `ClampMax`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Factor.
    pub multiply: Option<i64>,
    /// Lower bound.
    pub clamp_min: Option<i64>,
    /// Upper bound.
    pub clamp_max: Option<i64>,
}

/// Options of `match`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Match {
    /// The first that matches decides.
    #[serde(deserialize_with = "nullable")]
    pub patterns: Vec<Pattern>,
    /// The result when none matches; null when absent.
    pub fallback_value: Option<Value>,
    /// `Value` (default) or `Input`.
    pub fallback_to: String,
}

/// One pattern of a `match`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pattern {
    /// `literal` or `regexp`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The whole input.
    pub literal: Option<String>,
    /// Matches anywhere in the input.
    pub regexp: Option<String>,
    /// The output.
    pub result: Value,
}

/// Options of `string`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strings {
    /// `Format`, `Convert`, `TrimPrefix`, `TrimSuffix`, `Regexp`, `Join` or `Replace`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Go format with one verb.
    pub fmt: Option<String>,
    /// `ToUpper`, `ToBase64`, `ToSha256` and so on.
    pub convert: Option<String>,
    /// What is trimmed.
    pub trim: Option<String>,
    /// Options of `Regexp`.
    pub regexp: Option<Regexp>,
    /// Options of `Join`.
    pub join: Option<Join>,
    /// Options of `Replace`.
    pub replace: Option<Replace>,
}

/// Options of string `Regexp`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Regexp {
    /// The expression, in Go's syntax.
    #[serde(rename = "match")]
    pub match_: String,
    /// The group that is the result; the whole match when absent.
    pub group: Option<usize>,
}

/// Options of string `Join`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Join {
    /// Between two elements.
    pub separator: String,
}

/// Options of string `Replace`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Replace {
    /// Every occurrence of this…
    pub search: String,
    /// …becomes this.
    pub replace: String,
}

/// Options of `convert`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Convert {
    /// `string`, `int`, `int64`, `bool`, `float64`, `object` or `array`.
    pub to_type: String,
    /// `none` (default), `quantity` or `json`.
    pub format: Option<String>,
}

/// One check of a child's readiness.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadinessCheck {
    /// `MatchString`, `MatchInteger`, `MatchTrue`, `MatchFalse`, `MatchCondition`, `NonEmpty`, `None`.
    #[serde(rename = "type")]
    pub type_: String,
    /// What is looked at.
    pub field_path: Option<String>,
    /// What it must be.
    pub match_string: Option<String>,
    /// What it must be.
    pub match_integer: Option<i64>,
    /// The condition that it must have.
    pub match_condition: Option<MatchCondition>,
}

/// A condition that an object must have.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct MatchCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

/// One key of the composite's connection details.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionDetail {
    /// The key; by default the key that is copied.
    pub name: Option<String>,
    /// `FromConnectionSecretKey`, `FromFieldPath` or `FromValue`; inferred in the native dialect.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// Key of the child's own connection details.
    pub from_connection_secret_key: Option<String>,
    /// Path into the child.
    pub from_field_path: Option<String>,
    /// The value itself.
    pub value: Option<String>,
}
