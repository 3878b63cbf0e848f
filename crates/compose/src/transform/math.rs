use serde_json::Value;

use super::{TransformError, input};
use crate::go::Go;
use crate::validate;
use crate::wire::Math;

/// Multiplies or clamps a number; integers stay integers, floats stay floats unless clamped.
pub fn math(options: &Math, value: &Value) -> Result<Value, TransformError> {
    validate::math(options)?;
    let go = Go::from(value);
    let whole = match go {
        Go::Int(i) => i,
        // Go truncates before it compares.
        #[expect(clippy::cast_possible_truncation, reason = "the reference truncates")]
        Go::Float(f) => f as i64,
        other => {
            let kind = other.kind();
            return Err(input(format!(
                "input is required to be a number for math transformer, got {kind}"
            )));
        }
    };
    match (options.type_.as_str(), options.multiply, options.clamp_min, options.clamp_max) {
        ("Multiply", Some(factor), ..) => Ok(multiply(go, factor)),
        ("ClampMin", _, Some(bound), _) if whole < bound => Ok(bound.into()),
        ("ClampMax", _, _, Some(bound)) if whole > bound => Ok(bound.into()),
        _ => Ok(value.clone()),
    }
}

fn multiply(value: Go<'_>, factor: i64) -> Value {
    match value {
        Go::Int(i) => i.wrapping_mul(factor).into(),
        #[expect(clippy::cast_precision_loss, reason = "the reference multiplies as floats")]
        Go::Float(f) => (f * factor as f64).into(),
        _ => Value::Null,
    }
}
