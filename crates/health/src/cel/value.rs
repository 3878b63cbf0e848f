use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cel_core::{MapKey, OptionalValue, Value as CelValue, ValueMap};
use serde_json::{Number, Value};

/// JSON as CEL sees it: whole numbers are int, all others double.
pub(super) fn of_json(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => CelValue::Int(whole),
            None => CelValue::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => CelValue::String(Arc::from(text.as_str())),
        Value::Array(items) => CelValue::List(items.iter().map(of_json).collect()),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| (MapKey::from(&**key), of_json(value));
            CelValue::Map(Arc::new(ValueMap::from_entries(map.iter().map(entry))))
        }
    }
}

pub(super) fn to_json(value: &CelValue) -> Value {
    match value {
        CelValue::Bool(value) => (*value).into(),
        CelValue::Int(number) => (*number).into(),
        CelValue::UInt(number) => (*number).into(),
        CelValue::Double(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        CelValue::String(text) => (**text).into(),
        CelValue::Bytes(bytes) => STANDARD.encode(bytes).into(),
        CelValue::List(items) => items.iter().map(to_json).collect(),
        CelValue::Map(map) => {
            map.iter().map(|(key, value)| (key_text(key), to_json(value))).collect()
        }
        CelValue::Optional(OptionalValue::Some(value)) => to_json(value),
        CelValue::Null | CelValue::Optional(OptionalValue::None) => Value::Null,
        other => other.to_string().into(),
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::Int(key) => key.to_string(),
        MapKey::UInt(key) => key.to_string(),
        MapKey::String(key) => (**key).to_owned(),
    }
}
