//! JSON as Go writes it: sorted keys, the characters of HTML escaped, and floats in digits where they are not too many.

use std::io::{Result, Write};

use capstan_yaml::float_in_json;
use serde::Serialize as _;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use serde_json::{Number, Value};

/// The value in one line.
pub(crate) fn compact(value: &Value) -> String {
    written(value, CompactFormatter)
}

/// The value in many lines.
pub(crate) fn pretty(value: &Value) -> String {
    written(value, PrettyFormatter::with_indent(b"  "))
}

/// Makes every number a float, as Go's reader of JSON does.
pub(crate) fn with_floats(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_floats),
        Value::Object(map) => map.values_mut().for_each(with_floats),
        _ => {}
    }
}

fn written(value: &Value, formatter: impl Formatter) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Go(formatter)));
    html_escaped(&String::from_utf8(out).unwrap_or_default())
}

/// JSON with escapes for the characters that mean something to HTML.
pub(crate) fn html_escaped(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

/// Another writer, with Go's floats.
struct Go<F>(F);

macro_rules! as_before {
    ($($method:ident($($argument:ident: $type:ty)?)),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $type)?) -> Result<()> {
            self.0.$method(out $(, $argument)?)
        })*
    };
}

impl<F: Formatter> Formatter for Go<F> {
    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> Result<()> {
        out.write_all(float_in_json(value).as_bytes())
    }

    as_before! {
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        begin_object_value(),
        end_object_value(),
    }
}

#[cfg(test)]
mod tests {
    use super::{compact, pretty, with_floats};
    use serde_json::json;

    #[test]
    fn numbers_and_html_are_written_as_go_does() {
        let mut value =
            json!({"b": "<&>", "a": [1e-6, 1e-7, 1e21, 1.5, 9_007_199_254_740_993_i64]});
        let text = r#"{"a":[0.000001,1e-7,1e+21,1.5,9007199254740993],"b":"\u003c\u0026\u003e"}"#;
        assert_eq!(compact(&value), text);
        with_floats(&mut value);
        assert_eq!(compact(&value), text.replace("993]", "992]"));
        assert_eq!(pretty(&json!({"a": []})), "{\n  \"a\": []\n}");
    }
}
