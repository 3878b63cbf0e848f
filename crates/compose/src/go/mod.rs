//! Go's own rules where a Composition's outcome depends on them: printing, JSON, expressions,
//! quantities.

pub(crate) mod fmt;
pub(crate) mod json;
pub(crate) mod quantity;
pub(crate) mod regex;

use serde_json::Value;

/// A JSON value as Go's decoder for Kubernetes sees it: whole numbers are `int64` where they fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Go<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    List(&'a [Value]),
    Map(&'a serde_json::Map<String, Value>),
}

impl<'a> From<&'a Value> for Go<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => {
                n.as_i64().map_or_else(|| Self::Float(n.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            Value::String(s) => Self::Text(s),
            Value::Array(a) => Self::List(a),
            Value::Object(m) => Self::Map(m),
        }
    }
}

impl Go<'_> {
    /// The type as `%T` prints it.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
        }
    }

    /// The type as an error names it to a person.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Int(_) => "int",
            Self::List(_) => "array",
            Self::Map(_) => "object",
            other => other.type_name(),
        }
    }
}
