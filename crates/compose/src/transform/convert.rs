use serde_json::Value;

use super::{TransformError, input};
use crate::go::{self, Go};
use crate::validate;
use crate::wire::Convert;

/// Turns a value into another type; the same type is left as it is.
pub fn convert(options: &Convert, value: &Value) -> Result<Value, TransformError> {
    validate::convert(options)?;
    let from = Go::from(value);
    let format = options.format.as_deref().unwrap_or("none");
    let to = canonical(&options.to_type);
    match (from, to, format) {
        (Go::Nil, ..) => Err(input("invalid input type null")),
        _ if type_of(from) == to => Ok(value.clone()),
        (Go::Text(text), "int64", "none") => whole(text),
        (Go::Text(text), "bool", "none") => boolean(text),
        (Go::Text(text), "float64", "none") => {
            let parsed = text.parse::<f64>().ok().filter(|f| f.is_finite());
            parsed.map(Value::from).ok_or_else(|| input(format!("{text:?} is not a float64")))
        }
        (Go::Text(text), "float64", "quantity") => {
            let quantity = go::quantity::to_float(text);
            quantity.map(Value::from).ok_or_else(|| {
                input(format!("{text:?} is not a quantity: write digits and a suffix, as 500m"))
            })
        }
        (Go::Text(text), "object" | "array", "json") => json(text, to),
        (Go::Int(i), "string", "none") => Ok(i.to_string().into()),
        (Go::Int(i), "bool", "none") => Ok((i == 1).into()),
        #[expect(clippy::cast_precision_loss, reason = "the reference converts the same way")]
        (Go::Int(i), "float64", "none") => Ok((i as f64).into()),
        (Go::Bool(b), "string", "none") => Ok(b.to_string().into()),
        (Go::Bool(b), "int64", "none") => Ok(i64::from(b).into()),
        (Go::Bool(b), "float64", "none") => Ok(f64::from(u8::from(b)).into()),
        (Go::Float(f), "string", "none") => Ok(f.to_string().into()),
        #[expect(clippy::cast_possible_truncation, reason = "the reference truncates")]
        (Go::Float(f), "int64", "none") => Ok((f as i64).into()),
        (Go::Float(f), "bool", "none") => Ok((f == 1.0).into()),
        _ => Err(unsupported(from.kind(), &options.to_type, format)),
    }
}

/// Is there a conversion from a type (`string`, `int64`, …) under these options?
pub fn supports(options: &Convert, from: &str) -> Result<(), TransformError> {
    validate::convert(options)?;
    let format = options.format.as_deref().unwrap_or("none");
    let (from, to) = (canonical(from), canonical(&options.to_type));
    let scalar = |name| matches!(name, "string" | "int64" | "bool" | "float64");
    let fits = from == to
        || match format {
            "none" => scalar(from) && scalar(to),
            "quantity" => (from, to) == ("string", "float64"),
            _ => from == "string" && matches!(to, "object" | "array"),
        };
    if fits { Ok(()) } else { Err(unsupported(from, to, format)) }
}

fn canonical(name: &str) -> &str {
    if name == "int" { "int64" } else { name }
}

const fn type_of(value: Go<'_>) -> &'static str {
    match value {
        Go::List(_) => "array",
        Go::Map(_) => "object",
        other => other.type_name(),
    }
}

fn unsupported(from: &str, to: &str, format: &str) -> TransformError {
    input(format!("conversion from {from} to {to} is not supported with format {format}"))
}

fn whole(text: &str) -> Result<Value, TransformError> {
    let parsed = text.parse::<i64>();
    parsed.map(Value::from).map_err(|_| input(format!("{text:?} is not an int64")))
}

fn boolean(text: &str) -> Result<Value, TransformError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true.into()),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false.into()),
        _ => Err(input(format!("{text:?} is not a bool"))),
    }
}

fn json(text: &str, to: &str) -> Result<Value, TransformError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| input(format!("the string is not JSON: {error}")))?;
    if type_of(Go::from(&value)) == to {
        return Ok(value);
    }
    Err(input(format!("the JSON in the string is not an {to}")))
}
