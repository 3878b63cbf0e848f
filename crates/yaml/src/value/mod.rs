//! Values as kustomize's tree of nodes has them: what a scalar is when it is written depends on its text, on whether it says
//! its type, and on its style. All of them change by themselves on the way through the layers of a build.

mod fields;
mod json;
mod scalar;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

pub use fields::{quote, set_field, set_scalar};
pub use json::size;
pub(crate) use scalar::{Meaning, decode};
pub use scalar::{Scalar, Tag};

use crate::emit::style::Style;

/// The bytes of a value and its place in a map or list.
const PART: usize = 64;

/// A value with the spelling of its scalars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, number, boolean or null.
    Scalar(Scalar),
    /// A list.
    Array(Vec<Value>),
    /// A map.
    Object(Map),
}

/// The entries of a map, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    entries: BTreeMap<String, Value>,
    /// The keys that are written without quotes and are no texts then.
    bare: BTreeSet<String>,
    /// Is it written in braces?
    pub is_flow: bool,
}

impl Map {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says of a key whether it is written without quotes, as kustomize writes the keys that it adds.
    pub fn set_bare(&mut self, key: &str, is_bare: bool) {
        if !is_bare {
            self.bare.remove(key);
        } else if Tag::implied(key) != Tag::Text {
            self.bare.insert(key.to_owned());
        }
    }

    /// Writes all keys without quotes.
    pub fn set_all_bare(&mut self) {
        let is_no_text = |key: &&String| Tag::implied(key) != Tag::Text;
        self.bare.extend(self.entries.keys().filter(is_no_text).cloned());
    }

    /// Is the key written without quotes, and no text then?
    pub fn is_bare(&self, key: &str) -> bool {
        self.bare.contains(key)
    }

    /// Refuses what cannot be read any more when it is written.
    fn check_keys(&self) -> Result<(), String> {
        match self.bare.iter().find(|key| self.entries.contains_key(*key)) {
            Some(key) => Err(format!("the key `{key}` is no text in YAML")),
            None => Ok(()),
        }
    }

    /// No entries, in the same style.
    pub fn empty(&self) -> Self {
        Self { is_flow: self.is_flow, ..Self::default() }
    }
}

impl Deref for Map {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

impl From<BTreeMap<String, Value>> for Map {
    fn from(entries: BTreeMap<String, Value>) -> Self {
        Self { entries, ..Self::default() }
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect(), ..Self::default() }
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Value);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

/// A null.
impl Default for Value {
    fn default() -> Self {
        Self::null()
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        Self::Scalar(scalar)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Scalar(Scalar::of_text(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Scalar(Scalar::typed(flag.to_string(), Tag::Bool))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Scalar(Scalar::typed(number.to_string(), Tag::Int))
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Object(map)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl Value {
    /// A null.
    pub fn null() -> Self {
        Self::Scalar(Scalar::typed("null".to_owned(), Tag::Null))
    }

    /// A map without entries.
    pub fn map() -> Self {
        Self::Object(Map::new())
    }

    /// A scalar that does not say its type.
    pub fn bare(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar::bare(text.into()))
    }

    /// The scalar.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar of any type; an empty one for a null.
    pub fn text(&self) -> Option<&str> {
        let scalar = self.as_scalar()?;
        Some(if scalar.tag == Tag::Null { "" } else { &scalar.text })
    }

    /// The text of a scalar as it is written, a null too.
    pub fn written(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    /// The text of what its tag calls a text.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.is_text()).map(|scalar| scalar.text.as_str())
    }

    /// The items of a list.
    pub fn as_array(&self) -> Option<&Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// As [`Self::as_array`], to be changed.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// As [`Self::as_object`], to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// Is it a list?
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Is it a map?
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Is it a scalar, a null too?
    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Scalar(_))
    }

    /// Does it say to be a null?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(Scalar { tag: Tag::Null, .. }))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// As [`Self::get`], to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_object_mut()?.get_mut(key)
    }

    /// The value under a JSON pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        let is_escaped = pointer.contains('~');
        pointer.split('/').skip(1).try_fold(self, |value, key| match (value, is_escaped) {
            (Self::Object(map), false) => map.get(key),
            (Self::Object(map), true) => map.get(&key.replace("~1", "/").replace("~0", "~")),
            (Self::Array(items), _) => items.get(key.parse::<usize>().ok()?),
            (Self::Scalar(_), _) => None,
        })
    }

    /// As [`Self::pointer`], to be changed.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        pointer.split('/').skip(1).try_fold(self, |value, key| match value {
            Self::Object(map) => map.get_mut(&key.replace("~1", "/").replace("~0", "~")),
            Self::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
            Self::Scalar(_) => None,
        })
    }

    /// As [`size`].
    pub(crate) fn size(&self) -> usize {
        PART + match self {
            Self::Scalar(scalar) => scalar.text.len(),
            Self::Array(items) => items.iter().map(Self::size).sum(),
            Self::Object(map) => map.iter().map(|(key, value)| key.len() + value.size()).sum(),
        }
    }

    /// Gives every scalar the type and the text that it has once it is written, in place.
    ///
    /// # Errors
    /// When a text is not of the type that its tag names.
    pub fn settle(&mut self) -> Result<(), String> {
        settle(self, false)
    }
}

fn settle(value: &mut Value, in_flow: bool) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| settle(item, in_flow)),
        Value::Object(map) => {
            map.check_keys()?;
            let in_flow = in_flow || map.is_flow;
            map.values_mut().try_for_each(|value| settle(value, in_flow))
        }
        Value::Scalar(scalar) => {
            let tag = match scalar.meaning(in_flow)? {
                Meaning::Null => Tag::Null,
                Meaning::Bool(_) => Tag::Bool,
                Meaning::Number(_) if scalar.tag != Tag::None => scalar.tag,
                Meaning::Number(_) => Tag::implied(&scalar.text),
                Meaning::Text(text) if text == scalar.text => Tag::Text,
                Meaning::Text(text) => {
                    scalar.text = text.into_owned();
                    Tag::Text
                }
            };
            (scalar.tag, scalar.style) = (tag, Style::Plain);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
