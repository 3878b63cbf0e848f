//! Field paths: `spec.containers[0].name`, `metadata.annotations[crossplane.io/paused]`.
//!
//! Grammar: names separated by dots; brackets hold an index (digits only) or a name in which dots
//! have no meaning (quotes around it are dropped); `[*]` stands for every element of an array or a
//! map, where [`expand`] is used. No leading, trailing or double dot, no empty brackets.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// Highest index that [`set`] writes to: an array is padded up to it, so a typo costs memory.
pub const MAX_INDEX: usize = 1024;

const WILDCARD: &str = "*";

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A key of a map.
    Field(String),
    /// An index of an array.
    Index(usize),
}

/// A parsed path; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Vec<Segment>);

/// Why a path could not be read, followed or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is not a path.
    #[error("cannot parse path `{path}`: {problem} at position {position}")]
    Syntax {
        /// The text.
        path: String,
        /// What is wrong.
        problem: String,
        /// Byte offset.
        position: usize,
    },
    /// A key is absent. The only faults that an optional patch forgives are this and the next.
    #[error("{0}: no such field")]
    NoField(String),
    /// An index is past the end.
    #[error("{0}: no such element")]
    NoElement(String),
    /// The path goes on below something that is not a map.
    #[error("{0}: not an object")]
    NotObject(String),
    /// The path has an index below something that is not an array.
    #[error("{0}: not an array")]
    NotArray(String),
    /// The index is higher than [`MAX_INDEX`].
    #[error("{path}: index {index} is greater than max allowed index {MAX_INDEX}")]
    IndexTooHigh {
        /// Path up to the index.
        path: String,
        /// The index.
        index: usize,
    },
    /// A wildcard stands where there is neither an array nor a map.
    #[error("{0}: a wildcard needs an array or an object here")]
    Wildcard(String),
    /// A wildcard matched nothing.
    #[error("cannot expand ToFieldPath {0}: nothing there matches the wildcard")]
    NoMatch(String),
}

impl PathError {
    /// Is the value merely absent? Type errors are not.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NoField(_) | Self::NoElement(_))
    }
}

impl Path {
    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// A path of given steps; `None` when there are none.
    pub fn from_segments(segments: Vec<Segment>) -> Option<Self> {
        if segments.is_empty() { None } else { Some(Self(segments)) }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.0))
    }
}

/// Steps as text; the whole object when there are none.
fn show(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Index(index) => text.push_str(&format!("[{index}]")),
            Segment::Field(name) if needs_brackets(name) => text.push_str(&format!("[{name}]")),
            Segment::Field(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
        }
    }
    if text.is_empty() { "object".to_owned() } else { text }
}

fn needs_brackets(name: &str) -> bool {
    name == WILDCARD || name.contains(['.', '/'])
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fail = |problem: &str, position| PathError::Syntax {
            path: text.to_owned(),
            problem: problem.to_owned(),
            position,
        };
        let mut segments = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            match rest.as_bytes()[0] {
                b']' => return Err(fail("unexpected `]`", at)),
                b'[' => {
                    let close = rest.find(']').ok_or_else(|| fail("unterminated `[`", at))?;
                    let inside = &rest[1..close];
                    if inside.is_empty() {
                        return Err(fail("unexpected `]`", at + 1));
                    }
                    if let Some(open) = inside.find('[') {
                        return Err(fail("unexpected `[`", at + 1 + open));
                    }
                    segments.push(in_brackets(inside));
                    at += close + 1;
                }
                b'.' => {
                    let next = rest.as_bytes().get(1);
                    if at == 0 || next.is_none() {
                        return Err(fail("unexpected `.`", at));
                    }
                    if matches!(next, Some(b'.' | b'[')) {
                        return Err(fail("unexpected separator", at + 1));
                    }
                    at += 1;
                }
                _ => {
                    let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
                    segments.push(Segment::Field(unquoted(&rest[..end])));
                    at += end;
                }
            }
        }
        Self::from_segments(segments).ok_or_else(|| fail("empty path", 0))
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches(['\'', '"']).to_owned()
}

fn in_brackets(text: &str) -> Segment {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(index) if digits => Segment::Index(index as usize),
        _ => Segment::Field(unquoted(text)),
    }
}

/// The value at a path.
pub fn get<'a>(root: &'a Value, path: &Path) -> Result<&'a Value, PathError> {
    get_segments(root, &path.0)
}

/// The value at a path given as text.
pub fn get_str<'a>(root: &'a Value, path: &str) -> Result<&'a Value, PathError> {
    get(root, &path.parse()?)
}

fn get_segments<'a>(root: &'a Value, segments: &[Segment]) -> Result<&'a Value, PathError> {
    let mut here = root;
    for (depth, segment) in segments.iter().enumerate() {
        here = match segment {
            Segment::Index(index) => here
                .as_array()
                .ok_or_else(|| PathError::NotArray(show(&segments[..depth])))?
                .get(*index)
                .ok_or_else(|| PathError::NoElement(show(&segments[..=depth])))?,
            Segment::Field(name) => here
                .as_object()
                .ok_or_else(|| PathError::NotObject(show(&segments[..depth])))?
                .get(name)
                .ok_or_else(|| PathError::NoField(show(&segments[..=depth])))?,
        };
    }
    Ok(here)
}

/// Writes a value: maps and arrays on the way are made, arrays are padded with null.
///
/// A scalar or an explicit null on the way is an error; a null *element* is replaced, because
/// padding made it. `root` may be half written after an error.
pub fn set(root: &mut Value, path: &Path, value: Value) -> Result<(), PathError> {
    for (depth, segment) in path.0.iter().enumerate() {
        if let Segment::Index(index) = segment
            && *index > MAX_INDEX
        {
            return Err(PathError::IndexTooHigh { path: show(&path.0[..=depth]), index: *index });
        }
    }
    let mut here = root;
    for (depth, segment) in path.0.iter().enumerate() {
        let next = path.0.get(depth + 1);
        here = match segment {
            Segment::Index(index) => {
                let array = here
                    .as_array_mut()
                    .ok_or_else(|| PathError::NotArray(show(&path.0[..depth])))?;
                if array.len() <= *index {
                    array.resize(index + 1, Value::Null);
                }
                let element = &mut array[*index];
                if let (Some(next), true) = (next, element.is_null()) {
                    *element = container_for(next);
                }
                element
            }
            Segment::Field(name) => {
                let map = here
                    .as_object_mut()
                    .ok_or_else(|| PathError::NotObject(show(&path.0[..depth])))?;
                map.entry(name.clone()).or_insert_with(|| next.map_or(Value::Null, container_for))
            }
        };
    }
    *here = value;
    Ok(())
}

fn container_for(next: &Segment) -> Value {
    match next {
        Segment::Index(_) => Value::Array(Vec::new()),
        Segment::Field(_) => Value::Object(Map::new()),
    }
}

/// Every path that a path with wildcards stands for, over what exists in `root`.
///
/// A key that is absent on the way matches nothing; a wildcard over a scalar is an error.
pub fn expand(root: &Value, path: &Path) -> Result<Vec<Path>, PathError> {
    expand_from(root, path.clone(), 0)
}

/// As [`expand`]; steps before `from` are settled, so that a key named `*` ends the search.
fn expand_from(root: &Value, path: Path, from: usize) -> Result<Vec<Path>, PathError> {
    let is_wildcard = |segment: &Segment| matches!(segment, Segment::Field(n) if n == WILDCARD);
    let wildcard = path.0[from..].iter().position(is_wildcard).map(|offset| from + offset);
    let known = wildcard.unwrap_or(path.0.len());
    let here = match get_segments(root, &path.0[..known]) {
        Ok(here) => here,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(at) = wildcard else { return Ok(vec![path]) };
    let steps: Vec<Segment> = match here {
        Value::Array(array) => (0..array.len()).map(Segment::Index).collect(),
        Value::Object(map) => map.keys().cloned().map(Segment::Field).collect(),
        _ => return Err(PathError::Wildcard(show(&path.0[..at]))),
    };
    let mut paths = Vec::new();
    for step in steps {
        let mut concrete = path.clone();
        concrete.0[at] = step;
        paths.extend(expand_from(root, concrete, at + 1)?);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
