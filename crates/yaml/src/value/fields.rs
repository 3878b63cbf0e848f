//! How kyaml puts a scalar in the place of another: the style of the old one stays, and with it whether a number is a text.

use super::{Map, Scalar, Tag, Value};
use crate::emit::style::Style;

/// Puts quotes around a text that YAML 1.1 takes for something else, as kyaml does with a value that is set in its own place.
pub fn quote(scalar: &mut Scalar) {
    if scalar.is_text()
        && scalar.style == Style::Plain
        && !scalar.is_tagged
        && scalar.is_something_in_1_1()
    {
        scalar.style = Style::Double;
    }
}

/// Writes a scalar in the place of a value, in its style. A null changes nothing.
pub fn set_scalar(target: &mut Value, mut scalar: Scalar) {
    quote(&mut scalar);
    if scalar.tag == Tag::Null {
        return;
    }
    if let Value::Scalar(old) = target {
        (scalar.style, scalar.is_tagged) = (old.style, old.is_tagged);
    } else {
        (scalar.style, scalar.is_tagged) = (Style::Plain, false);
    }
    *target = Value::Scalar(scalar);
}

/// Sets a key of a map in the style of what was there; a null removes it. A key that is new has no quotes.
pub fn set_field(map: &mut Map, key: &str, mut value: Value) {
    if value.is_null() {
        map.remove(key);
        return;
    }
    if let Value::Scalar(scalar) = &mut value {
        quote(scalar);
    }
    let Some(old) = map.get_mut(key) else {
        map.insert(key.to_owned(), value);
        map.set_bare(key, true);
        return;
    };
    match &mut value {
        Value::Scalar(scalar) => {
            (scalar.style, scalar.is_tagged) = match old {
                Value::Scalar(old) => (old.style, old.is_tagged),
                _ => (Style::Plain, false),
            };
        }
        Value::Object(new) => {
            new.is_flow = matches!(old, Value::Object(old) if old.is_flow);
        }
        Value::Array(_) => {}
    }
    *old = value;
}
