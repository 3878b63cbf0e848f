//! Transforms: what happens to a value between its source and its target.

mod convert;
mod mapping;
mod math;
mod string;

use serde_json::Value;

use crate::validate::FieldError;
use crate::wire::Transform;

pub use convert::{convert, supports as convert_supports};
pub use mapping::{map, match_};
pub use math::math;
pub use string::string;

/// Why a transform has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// The options are incomplete or unknown.
    #[error(transparent)]
    Options(#[from] FieldError),
    /// The input cannot be transformed, or the options do not cover it; the sentence says why.
    #[error("{0}")]
    Input(String),
    /// One transform of a list failed.
    #[error(
        "transform at index {index} returned error: {type_} transform could not resolve: {cause}"
    )]
    At {
        /// Index in `transforms`.
        index: usize,
        /// Its type.
        type_: String,
        /// The fault.
        cause: Box<TransformError>,
    },
}

pub(crate) fn input(message: impl Into<String>) -> TransformError {
    TransformError::Input(message.into())
}

/// Applies a list of transforms in order.
pub fn resolve_all(transforms: &[Transform], value: &Value) -> Result<Value, TransformError> {
    let mut value = value.clone();
    for (index, transform) in transforms.iter().enumerate() {
        value = resolve(transform, &value).map_err(|cause| TransformError::At {
            index,
            type_: transform.type_.clone(),
            cause: Box::new(cause),
        })?;
    }
    Ok(value)
}

/// Applies one transform.
pub fn resolve(transform: &Transform, value: &Value) -> Result<Value, TransformError> {
    let missing =
        || input(format!("given transform type {} requires configuration", transform.type_));
    match transform.type_.as_str() {
        "math" => math(transform.math.as_ref().ok_or_else(missing)?, value),
        "map" => map(transform.map.as_ref().ok_or_else(missing)?, value),
        "match" => match_(transform.match_.as_ref().ok_or_else(missing)?, value),
        "string" => {
            string(transform.string.as_ref().ok_or_else(missing)?, value).map(Value::String)
        }
        "convert" => convert(transform.convert.as_ref().ok_or_else(missing)?, value),
        other => Err(input(format!("transform type {other} is not supported"))),
    }
}
