//! The round trip of an object through Go's types: what client-go reads from JSON, as it prints it again.
//!
//! Fields that a type does not know are dropped. Fields without `omitempty` are printed with their zero values. Structs are
//! printed even when they are empty. The rules are those of apimachinery's `DefaultUnstructuredConverter`, the types those
//! of client-go's scheme: `shapes.txt`, which `crates/ssa/shapes` prints.

mod round;
mod scalar;
mod shapes;
mod time;

use std::fmt;

use serde_json::Value;

use shapes::Shapes;

/// Why an object does not fit the type of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    path: String,
    expected: String,
}

impl Mismatch {
    fn new(expected: impl Into<String>) -> Self {
        Self { path: String::new(), expected: expected.into() }
    }

    pub(crate) fn unknown_kind() -> Self {
        Self::new("of a kind that is known here")
    }

    fn below(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the object" } else { &self.path };
        write!(f, "{path} is not {}", self.expected)
    }
}

impl std::error::Error for Mismatch {}

/// The object as its type prints it; nothing when client-go has no type for its kind.
///
/// # Errors
/// The first field that is not what its type says.
pub(crate) fn round_trip(object: &Value) -> Option<Result<Value, Mismatch>> {
    let text = |field| object.get(field).and_then(Value::as_str);
    let shapes = Shapes::known();
    let shape = shapes.of_kind(text("apiVersion")?, text("kind")?)?;
    Some(round::structure(shapes, shape, object))
}

#[cfg(test)]
mod tests;
