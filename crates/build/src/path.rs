//! Paths of replacements: `spec.containers.[name=web].image`, `metadata.annotations.[a.b/c]`, `spec.ports.0`, `list.*`.

use capstan_yaml::{Map, Schema, Value, read_spelled, set_field};
use regex::Regex;

/// A step of a path.
#[derive(Clone, Debug)]
enum Step {
    /// A key of a map.
    Key(String),
    /// A position in a list.
    Index(usize),
    /// The items of a list whose field, or who themselves, match the pattern.
    Matching { field: String, text: String, pattern: Regex },
    /// Every item of a list.
    Every,
}

/// What a missing last value starts as; without it nothing is made.
pub(crate) type Blank<'a> = Option<&'a Value>;

/// The last item of a list, in a source.
const LAST: &str = "-";

/// A path through maps and lists.
#[derive(Clone, Debug)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// Reads a path: steps divided by `.`, with `\.` for a dot in a key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::of(&steps(text))
    }

    /// The path of these steps.
    pub(crate) fn of(steps: &[String]) -> Result<Self, String> {
        steps.iter().map(|part| step(part)).collect::<Result<_, _>>().map(Self)
    }

    /// The values that the path means, also inside of texts that are JSON or YAML.
    pub(crate) fn find(&self, root: &Value) -> Result<Vec<Value>, String> {
        let inside = self.halves().find_map(|(outer, inner)| {
            let text = outer.get(root)?.written()?;
            let documents = read_spelled(text, "", Schema::Objects).ok()?;
            Some((documents.into_iter().next()?.value, inner))
        });
        let (mut root, path) = match inside {
            Some((data, inner)) => (data, inner),
            None => (root.clone(), self.clone()),
        };
        let mut found = Vec::new();
        path.visit(&mut root, None, &mut |value| {
            found.push(value.clone());
            Ok(())
        })?;
        Ok(found)
    }

    /// The value at the path, where the path means one.
    pub(crate) fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, step| match (step, value) {
            (Step::Key(key), value) if key.trim().is_empty() => Some(value),
            (Step::Key(key), Value::Object(map)) if !is_for_lists(key) => map.get(key.trim()),
            (Step::Key(key), Value::Array(items)) if key == LAST => items.last(),
            (Step::Index(at), Value::Array(items)) => items.get(*at),
            (Step::Matching { field, text, .. }, Value::Array(items)) => {
                items.get(position(items, field, text)?)
            }
            _ => None,
        })
    }

    /// As [`Self::get`], to be changed.
    pub(crate) fn get_mut<'a>(&self, root: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(root, |value, step| match (step, value) {
            (Step::Key(key), Value::Object(map)) => map.get_mut(key),
            (step, Value::Array(items)) => {
                let at = match step {
                    Step::Key(key) if key == LAST => items.len().checked_sub(1)?,
                    Step::Index(at) => *at,
                    Step::Matching { field, text, .. } => position(items, field, text)?,
                    _ => return None,
                };
                items.get_mut(at)
            }
            _ => None,
        })
    }

    /// Calls `change` on every value that the path means, and says how many there were. With `blank`, what is missing is made.
    pub(crate) fn visit(
        &self,
        root: &mut Value,
        blank: Blank<'_>,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<usize, String> {
        walk(root, &self.0, blank, change)
    }

    /// The paths that this one begins with and that end in a search for an item.
    pub(crate) fn searches(&self) -> impl Iterator<Item = Self> + '_ {
        let is_search = |(_, step): &(usize, &Step)| matches!(step, Step::Matching { .. });
        let ends = self.0.iter().enumerate().filter(is_search);
        ends.map(|(at, _)| Self(self.0[..=at].to_vec()))
    }

    /// The paths of one step and more that this one begins with, each with the rest.
    pub(crate) fn halves(&self) -> impl Iterator<Item = (Self, Self)> + '_ {
        (1..self.0.len()).map(|at| (Self(self.0[..at].to_vec()), Self(self.0[at..].to_vec())))
    }
}

/// The steps of a path; what stands in brackets is one.
pub(crate) fn steps(text: &str) -> Vec<String> {
    let parts = crate::fields::split_at(text, '.');
    let mut steps: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for part in parts {
        let joined = match open.take() {
            Some(begun) => format!("{begun}.{part}"),
            None => part,
        };
        match (joined.starts_with('['), joined.ends_with(']'), joined.contains('.')) {
            (true, false, _) => open = Some(joined),
            (true, true, true) => steps.push(unpacked(joined)),
            _ => steps.push(joined),
        }
    }
    steps.extend(open.map(unpacked));
    steps
}

/// A key with dots without its brackets; a search for an item has them on.
fn unpacked(joined: String) -> String {
    match joined.contains('=') {
        true => joined,
        false => joined.trim_matches(['[', ']']).to_owned(),
    }
}

/// Is the step for lists alone where a source is looked up?
fn is_for_lists(key: &str) -> bool {
    key == LAST || key.parse::<i64>().is_ok()
}

fn step(part: &str) -> Result<Step, String> {
    let bracketed = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
    if let Some(inner) = bracketed {
        let message = "list path element must contain fieldName=fieldValue for element to match";
        let (field, text) =
            inner.split_once('=').ok_or_else(|| format!("{message}, unlike `{part}`"))?;
        let pattern = Regex::new(text).map_err(|error| format!("`{text}`: {error}"))?;
        return Ok(Step::Matching { field: field.to_owned(), text: text.to_owned(), pattern });
    }
    Ok(match (part, part.parse::<i64>().map(usize::try_from)) {
        ("*", _) => Step::Every,
        (_, Ok(Ok(position))) => Step::Index(position),
        (key, _) => Step::Key(key.to_owned()),
    })
}

/// Where the item is whose field, or who itself, is written as the text.
fn position(items: &[Value], field: &str, text: &str) -> Option<usize> {
    let is_meant = |item: &Value| match (field, item) {
        ("", item) => item.written().unwrap_or_default() == text,
        (field, Value::Object(map)) => {
            map.get(field).is_some_and(|value| value.written().unwrap_or_default() == text)
        }
        _ => false,
    };
    items.iter().position(is_meant)
}

/// The text of an item's field, or of the item itself, as YAML writes it.
fn text_of(item: &Value, field: &str) -> Option<String> {
    let value = if field.is_empty() { item } else { item.get(field)? };
    Some(match value {
        Value::Scalar(scalar) => scalar.yaml(),
        other => capstan_yaml::emit(other),
    })
}

/// An empty value of the kind that the next step needs.
fn empty(rest: &[Step], blank: &Value) -> Value {
    match rest.first() {
        None => blank.clone(),
        Some(Step::Key(_) | Step::Every) => Value::map(),
        Some(_) => Value::Array(Vec::new()),
    }
}

type Change<'a> = &'a mut dyn FnMut(&mut Value) -> Result<(), String>;

fn walk(
    value: &mut Value,
    steps: &[Step],
    blank: Blank<'_>,
    change: Change<'_>,
) -> Result<usize, String> {
    let Some((step, rest)) = steps.split_first() else {
        change(value)?;
        return Ok(1);
    };
    match step {
        Step::Key(key) => in_map(value, key, rest, blank, change),
        Step::Index(at) => {
            let Some(items) = items(value)? else {
                return Err(format!("index {at} specified but only 0 elements found"));
            };
            if let Some(blank) = blank.filter(|_| items.len() == *at) {
                items.push(empty(rest, blank));
            }
            let found = items.len();
            match items.get_mut(*at) {
                Some(item) => walk(item, rest, blank, change),
                None => Err(format!("index {at} specified but only {found} elements found")),
            }
        }
        Step::Every => {
            let mut count = 0;
            for item in items(value)?.into_iter().flatten() {
                count += walk(item, rest, blank, change)?;
            }
            Ok(count)
        }
        Step::Matching { field, text, pattern } => {
            let Some(items) = items(value)? else { return Ok(0) };
            let matches = |item: &Value| {
                text_of(item, field).is_some_and(|found| pattern.is_match(found.trim()))
            };
            let mut count = 0;
            for item in items.iter_mut().filter(|item| matches(item)) {
                // An item that is its own text ends the path.
                let rest = if field.is_empty() { &[] } else { rest };
                count += walk(item, rest, blank, change)?;
            }
            if count > 0 || blank.is_none() {
                return Ok(count);
            }
            items.push(made(field, text));
            match items.last_mut().filter(|item| matches(item)) {
                Some(item) => walk(item, rest, blank, change),
                None => Ok(0),
            }
        }
    }
}

fn made(field: &str, text: &str) -> Value {
    match field {
        "" => Value::bare(text),
        field => [(field.to_owned(), Value::bare(text))].into_iter().collect::<Map>().into(),
    }
}

fn in_map(
    value: &mut Value,
    key: &str,
    rest: &[Step],
    blank: Blank<'_>,
    change: Change<'_>,
) -> Result<usize, String> {
    let map = match value {
        Value::Object(_) if key.is_empty() => return Err("a key is empty".to_owned()),
        Value::Object(map) => map,
        null if null.is_null() => {
            // What is made in a null is not written.
            let Some(blank) = blank else { return Ok(0) };
            return walk(&mut empty(rest, blank), rest, Some(blank), change);
        }
        _ => return Err(format!("wrong node kind: expected a map for `{key}`")),
    };
    if let (false, Some(blank)) = (map.contains_key(key), blank) {
        set_field(map, key, empty(rest, blank));
    }
    match map.get_mut(key) {
        Some(child) => walk(child, rest, blank, change),
        None => Ok(0),
    }
}

/// The items of a list; none of a null.
fn items(value: &mut Value) -> Result<Option<&mut Vec<Value>>, String> {
    match value {
        Value::Array(items) => Ok(Some(items)),
        null if null.is_null() => Ok(None),
        _ => Err("wrong node kind: expected a list".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Path;
    use capstan_yaml::Value;
    use serde_json::{Value as Json, json};

    fn set(path: &str, json: &mut Json, blank: Option<&Json>) -> Result<usize, String> {
        let change = &mut |found: &mut Value| {
            *found = "new".into();
            Ok(())
        };
        let mut value = Value::from(json.clone());
        let blank = blank.map(|blank| Value::from(blank.clone()));
        let count = Path::parse(path).expect("a path").visit(&mut value, blank.as_ref(), change);
        *json = value.into_json();
        count
    }

    #[test]
    fn lists_are_entered_by_position_pattern_and_star() {
        let mut value = json!({"l": [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "k.x": 1});
        assert_eq!(set("l.[name=b].v", &mut value, None), Ok(1));
        assert_eq!(set("l.0.v", &mut value, None), Ok(1));
        assert_eq!(set("l.*.w", &mut value, None), Ok(0));
        assert_eq!(set("k\\.x", &mut value, None), Ok(1));
        assert_eq!(set("[k.x]", &mut value, None), Ok(1));
        assert_eq!(value["l"], json!([{"name": "a", "v": "new"}, {"name": "b", "v": "new"}]));
    }

    #[test]
    fn what_is_missing_is_made_where_that_is_wanted() {
        let (mut value, blank) = (json!({}), json!(""));
        assert_eq!(set("a.[name=x].b", &mut value, Some(&blank)), Ok(1));
        assert_eq!(value, json!({"a": [{"name": "x", "b": "new"}]}));
        assert!(set("c.3", &mut value, Some(&blank)).is_err());
    }
}
