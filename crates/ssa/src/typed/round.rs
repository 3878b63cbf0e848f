use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::shapes::{Field, Printed, Shape, Shapes};
use super::{Mismatch, scalar, time};
use crate::quantity;

/// Reads a struct and prints it.
pub(super) fn structure(shapes: &Shapes, shape: usize, value: &Value) -> Result<Value, Mismatch> {
    let empty = Map::new();
    let source = match value {
        Value::Object(map) => map,
        Value::Null => &empty,
        _ => return Err(Mismatch::new("a map")),
    };
    let mut printed = Map::new();
    for field in shapes.fields(shape) {
        let given = source.get(field.name).unwrap_or(&Value::Null);
        let value = of_shape(shapes, &field.shape, given).map_err(|e| e.below(field.name))?;
        if is_printed(field, given, &value) {
            printed.insert(field.name.to_owned(), value);
        }
    }
    Ok(Value::Object(printed))
}

fn is_printed(field: &Field, given: &Value, value: &Value) -> bool {
    match field.printed {
        Printed::Always => true,
        Printed::NonZero => !value.is_null(),
        Printed::Filled => !is_empty(&field.shape, given, value),
    }
}

/// What `omitempty` leaves out. A struct is never empty, and what has a printer of its own is a struct.
fn is_empty(shape: &Shape, given: &Value, value: &Value) -> bool {
    match shape {
        Shape::Pointer(_) => given.is_null(),
        Shape::Text | Shape::Bytes => value.as_str().is_none_or(str::is_empty),
        Shape::Bool => value == false,
        Shape::Int32 | Shape::Int64 => value == 0,
        Shape::List(_) => value.as_array().is_none_or(Vec::is_empty),
        Shape::Map(_) => value.as_object().is_none_or(Map::is_empty),
        Shape::Time
        | Shape::MicroTime
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Raw
        | Shape::Struct(_) => false,
    }
}

/// Reads a value and prints it. Null is the zero value, as an absent field is.
fn of_shape(shapes: &Shapes, shape: &Shape, value: &Value) -> Result<Value, Mismatch> {
    if let Shape::Struct(place) = shape {
        return structure(shapes, *place, value);
    }
    if value.is_null() {
        return Ok(zero(shape));
    }
    match shape {
        Shape::Text => {
            value.is_string().then(|| value.clone()).ok_or_else(|| Mismatch::new("a string"))
        }
        Shape::Bool => {
            value.is_boolean().then(|| value.clone()).ok_or_else(|| Mismatch::new("a bool"))
        }
        Shape::Int32 => scalar::int32(value).map(Value::from),
        Shape::Int64 => scalar::int64(value).map(Value::from),
        Shape::Bytes => bytes(value),
        Shape::Time => time::seconds(value),
        Shape::MicroTime => time::micros(value),
        Shape::Quantity => {
            quantity::of_value(value).map(Value::from).map_err(|e| Mismatch::new(e.to_string()))
        }
        Shape::IntOrString => scalar::int_or_string(value),
        Shape::Raw => Ok(scalar::raw(value)),
        Shape::List(item) => list(shapes, item, value),
        Shape::Map(item) => map(shapes, item, value),
        Shape::Pointer(target) => of_shape(shapes, target, value),
        Shape::Struct(place) => structure(shapes, *place, value),
    }
}

/// How the zero value of what is no struct is printed.
fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Text => "".into(),
        Shape::Bool => false.into(),
        Shape::Int32 | Shape::Int64 | Shape::IntOrString => 0.into(),
        Shape::Quantity => "0".into(),
        _ => Value::Null,
    }
}

fn list(shapes: &Shapes, item: &Shape, value: &Value) -> Result<Value, Mismatch> {
    let items = value.as_array().ok_or_else(|| Mismatch::new("a list"))?;
    let one = |(at, value)| of_shape(shapes, item, value).map_err(|e| e.below(&format!("[{at}]")));
    items.iter().enumerate().map(one).collect()
}

fn map(shapes: &Shapes, item: &Shape, value: &Value) -> Result<Value, Mismatch> {
    let entries = value.as_object().ok_or_else(|| Mismatch::new("a map"))?;
    let one = |(key, value): (&String, &Value)| {
        let value = of_shape(shapes, item, value).map_err(|e| e.below(key))?;
        Ok((key.clone(), value))
    };
    entries.iter().map(one).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

/// Base64, whose line breaks do not count, or a list of numbers.
fn bytes(value: &Value) -> Result<Value, Mismatch> {
    let fault = || Mismatch::new("base64");
    let decoded = match value {
        Value::String(text) => {
            let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            STANDARD.decode(text).map_err(|_| fault())?
        }
        Value::Array(items) => {
            let byte = |item: &Value| if item.is_null() { Ok(0) } else { scalar::byte(item) };
            items.iter().map(byte).collect::<Result<_, _>>()?
        }
        _ => return Err(fault()),
    };
    Ok(STANDARD.encode(decoded).into())
}
