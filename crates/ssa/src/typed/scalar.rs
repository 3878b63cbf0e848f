use serde_json::{Number, Value};

use super::Mismatch;

/// An integer as Go's reflection reads it: a float is one when it has no fraction, and what is too large wraps.
fn integer(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    if let Some(integer) = number.as_i64() {
        return Some(integer);
    }
    let float = number.as_f64().filter(|float| float.trunc() == *float)?;
    Some(exact(float).unwrap_or(i64::MIN))
}

/// The integer that a float is, where it fits.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn exact(float: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (float.trunc() == float && (-BOUND..BOUND).contains(&float)).then_some(float as i64)
}

pub(super) fn int64(value: &Value) -> Result<i64, Mismatch> {
    integer(value).ok_or_else(|| Mismatch::new("an integer"))
}

#[expect(clippy::cast_possible_truncation, reason = "Go's conversion wraps, too")]
pub(super) fn int32(value: &Value) -> Result<i32, Mismatch> {
    int64(value).map(|integer| integer as i32)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go's conversion wraps, too"
)]
pub(super) fn byte(value: &Value) -> Result<u8, Mismatch> {
    int64(value).map(|integer| integer as u8)
}

/// A string, or a number that is an int32: here nothing wraps.
pub(super) fn int_or_string(value: &Value) -> Result<Value, Mismatch> {
    if value.is_string() {
        return Ok(value.clone());
    }
    let number = value.as_number().and_then(|n| n.as_i64().or_else(|| n.as_f64().and_then(exact)));
    let number = number.and_then(|number| i32::try_from(number).ok());
    number.map(Value::from).ok_or_else(|| Mismatch::new("an int32 or a string"))
}

/// Any JSON, as Go prints and reads it once more: a float without fraction becomes an integer.
pub(super) fn raw(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(reread(number)),
        Value::Array(items) => items.iter().map(raw).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), raw(value))).collect())
        }
        _ => value.clone(),
    }
}

fn reread(number: &Number) -> Number {
    if !number.is_f64() {
        return number.clone();
    }
    number.as_f64().and_then(exact).map_or_else(|| number.clone(), Number::from)
}
