//! Fields of objects, addressed by kind and path.

use std::borrow::Cow;

use capstan_model::GroupVersionKind;
use capstan_yaml::{Map, Tag, Value};
use serde::Deserialize;

use crate::decode::embedded;
use crate::error::BuildError;
use crate::resource::Resource;

/// A field of the objects that its selector admits; empty parts of the selector admit all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Field {
    #[serde(deserialize_with = "embedded")]
    pub(crate) group: String,
    #[serde(deserialize_with = "embedded")]
    pub(crate) version: String,
    #[serde(deserialize_with = "embedded")]
    pub(crate) kind: String,
    /// Keys divided by `/`, with `\/` for a slash in a key. Lists on the way are walked through.
    pub(crate) path: String,
    /// Make missing maps on the way, and the field.
    pub(crate) create: bool,
}

impl Field {
    /// A field that every kind has.
    pub(crate) fn everywhere(path: &str) -> Self {
        Self::of("", "", path)
    }

    /// A field that is made when it is absent.
    pub(crate) fn of(group: &str, kind: &str, path: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: String::new(),
            kind: kind.to_owned(),
            path: path.to_owned(),
            create: true,
        }
    }

    /// The same field, left alone where it is absent.
    pub(crate) fn existing(self) -> Self {
        Self { create: false, ..self }
    }

    pub(crate) fn admits(&self, gvk: &GroupVersionKind) -> bool {
        admits(&self.group, &gvk.group)
            && admits(&self.version, &gvk.version)
            && admits(&self.kind, &gvk.kind)
    }

    /// What is said when a visit fails.
    pub(crate) fn fault(&self, resource: &Resource, error: &str) -> BuildError {
        let id = resource.id();
        BuildError::new(format!("considering field '{}' of {id}: {error}", self.path))
    }

    /// Does this field stand for `other` too: the same path, of kinds that `other` admits?
    pub(crate) fn covers(&self, other: &Self) -> bool {
        admits(&other.group, &self.group)
            && admits(&other.version, &self.version)
            && admits(&other.kind, &self.kind)
            && self.path == other.path
    }

    /// The maps at the path, with their JSON pointers.
    pub(crate) fn maps<'a>(&self, root: &'a Value) -> Vec<(String, &'a Map)> {
        let mut found = Vec::new();
        maps_below(root, &split(&self.path), "", &mut found);
        found
    }

    /// Calls `change` on every value at the path. `made` is what a missing field starts as.
    ///
    /// # Errors
    /// What `change` says, or why the path does not fit the object.
    pub(crate) fn visit(
        &self,
        root: &mut Value,
        made: Made,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        walk(root, Some(path), if self.create { made } else { Made::Nothing }, change)
    }
}

/// What a field starts as that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is not made.
    Nothing,
    /// A map.
    Map,
    /// A scalar; one that is there and null gets the type.
    Scalar(Tag),
}

/// A key as a step of a JSON pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn maps_below<'a>(value: &'a Value, keys: &[String], at: &str, found: &mut Vec<(String, &'a Map)>) {
    match (value, keys.split_first()) {
        (Value::Object(map), None) => {
            found.push((at.to_owned(), map));
        }
        (Value::Object(map), Some((key, rest))) => {
            let key = key.strip_suffix("[]").unwrap_or(key);
            if let Some(child) = map.get(key) {
                maps_below(child, rest, &format!("{at}/{}", escaped(key)), found);
            }
        }
        (Value::Array(items), Some(_)) => {
            for (index, item) in items.iter().enumerate() {
                maps_below(item, keys, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// An empty part of a selector admits everything.
pub(crate) fn admits(want: &str, have: &str) -> bool {
    want.is_empty() || want == have
}

/// The keys of a path: divided by `/`, with `\/` for a slash in a key; a slash may lead.
pub(crate) fn split(path: &str) -> Vec<String> {
    split_at(path, '/')
}

/// The parts of a text between a divider; a backslash before the divider takes it as it is.
pub(crate) fn split_at(text: &str, divider: char) -> Vec<String> {
    let text = text.strip_prefix(divider).unwrap_or(text);
    let marked = text.replace(&format!("\\{divider}"), "\0");
    marked.split(divider).map(|key| key.replace('\0', &divider.to_string())).collect()
}

/// The first key of a path, and the rest if there is one. Paths are walked all the time, so only a key with a slash is made anew.
fn next_key(path: &str) -> (Cow<'_, str>, Option<&str>) {
    let mut from = 0;
    while let Some(at) = path[from..].find('/').map(|at| from + at) {
        if !path[..at].ends_with('\\') {
            return (plain(&path[..at]), Some(&path[at + 1..]));
        }
        from = at + 1;
    }
    (plain(path), None)
}

fn plain(key: &str) -> Cow<'_, str> {
    if key.contains('/') { Cow::Owned(key.replace("\\/", "/")) } else { Cow::Borrowed(key) }
}

/// Walks the path; without one, `value` is what it leads to.
fn walk(
    value: &mut Value,
    path: Option<&str>,
    made: Made,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some(keys) = path else { return change(value) };
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(item, path, made, change)),
        Value::Object(map) => {
            let (key, rest) = next_key(keys);
            if !key.is_empty() && key.trim().is_empty() {
                return walk(value, rest, made, change);
            }
            match enter(map, &key, rest.is_none(), made)? {
                Some(child) => walk(child, rest, made, change),
                None => Ok(()),
            }
        }
        null if null.is_null() => Ok(()),
        Value::Scalar(_) => Err("expected sequence or mapping node".to_owned()),
    }
}

/// Does kyaml take the step for a position, or for a condition on the items of a list? Lists are walked through without a step of
/// their own, so there is never one where it stands.
fn selects_item(key: &str) -> bool {
    matches!(key, "-" | "*")
        || key.parse::<i64>().is_ok()
        || (key.starts_with('[') && key.ends_with(']'))
}

/// The value of a key, made where it is to be made.
fn enter<'a>(
    map: &'a mut Map,
    key: &str,
    is_last: bool,
    made: Made,
) -> Result<Option<&'a mut Value>, String> {
    let (key, is_list) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
    if key.is_empty() {
        return Err("cannot set or create an empty field name".to_owned());
    }
    let key = key.trim();
    if selects_item(key) {
        return Err(format!(
            "wrong node kind: `{key}` is for lists, expected a list but got a map"
        ));
    }
    let made = match made {
        _ if is_list => Made::Nothing,
        Made::Scalar(_) if !is_last => Made::Map,
        made => made,
    };
    if !map.contains_key(key) {
        let blank = match made {
            Made::Nothing => return Ok(None),
            Made::Map => Value::map(),
            Made::Scalar(_) => Value::bare(""),
        };
        map.insert(key.to_owned(), blank);
        map.set_bare(key, true);
    }
    let found = map.get_mut(key);
    Ok(found.map(|found| {
        if found.is_null() {
            match (made, &mut *found) {
                (Made::Map, _) => *found = Value::map(),
                (Made::Scalar(tag), Value::Scalar(scalar)) => scalar.tag = tag,
                // The path says that it is a list.
                _ if is_list => *found = Value::Array(Vec::new()),
                _ => {}
            }
        }
        found
    }))
}

#[cfg(test)]
mod tests {
    use super::{Field, Made};
    use capstan_yaml::{Tag, Value};
    use serde_json::{Value as Json, json};

    fn set(field: &Field, json: &mut Json, to: &Json) {
        let change = &mut |found: &mut Value| {
            *found = to.clone().into();
            Ok(())
        };
        let mut value = Value::from(json.clone());
        field.visit(&mut value, Made::Scalar(Tag::Text), change).expect("the path fits");
        *json = value.into_json();
    }

    #[test]
    fn walks_lists_and_makes_maps() {
        let mut value = json!({"l": [{"a": {"b": "x"}}, {}], "m": null});
        set(&Field::everywhere("l/a/b").existing(), &mut value, &json!("y"));
        assert_eq!(value, json!({"l": [{"a": {"b": "y"}}, {}], "m": null}));
        set(&Field::everywhere("m/k\\/z"), &mut value, &json!(1));
        assert_eq!(value["m"], json!({"k/z": 1}));
        set(&Field::everywhere("n[]/a"), &mut value, &json!(1));
        assert_eq!(value.get("n"), None, "a list is never made up");
    }

    #[test]
    fn a_path_through_a_scalar_is_an_error() {
        let change = &mut |_: &mut Value| Ok(());
        let mut value = Value::from(json!({"a": 1}));
        let error = Field::everywhere("a/b").visit(&mut value, Made::Map, change);
        assert_eq!(error, Err("expected sequence or mapping node".to_owned()));
    }
}
