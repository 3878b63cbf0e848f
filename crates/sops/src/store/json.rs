//! One JSON object, in its own order.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::document::{Branch, Entry, Value};
use crate::float;

pub(super) fn load(text: &str) -> Result<Branch, String> {
    let fault = |why: String| format!("Could not unmarshal input data: {why}");
    // What follows the object is not looked at, as in Go.
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Value::deserialize(&mut reader).map_err(|error| {
        fault(format!("line {}, column {}: it is no JSON", error.line(), error.column()))
    })?;
    match value {
        Value::Map(branch) => Ok(branch),
        other => Err(fault(format!(
            "SOPS only supports JSON files with a top-level object, and this is a {}",
            other.kind()
        ))),
    }
}

/// The object as SOPS writes it: tabs, and what HTML would read escaped.
pub(super) fn emit(branch: &Branch) -> Result<String, String> {
    let mut out = String::new();
    map(branch, 0, &mut out)?;
    Ok(out)
}

fn map(branch: &Branch, level: usize, out: &mut String) -> Result<(), String> {
    let pairs = branch.iter().filter_map(Entry::pair);
    block(['{', '}'], pairs, level, out, |(key, value), out| {
        text(key.as_bytes(), out);
        out.push_str(": ");
        self::value(value, level + 1, out)
    })
}

fn value(value: &Value, level: usize, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) if value.is_finite() => out.push_str(&float::json(*value)),
        Value::Float(_) => {
            return Err("Error marshaling to json: JSON has no infinities, and no NaN".to_owned());
        }
        Value::Text(value) => text(value, out),
        Value::Time(time) => text(time.as_bytes(), out),
        Value::Bytes(bytes) => text(STANDARD.encode(bytes).as_bytes(), out),
        Value::Comment(_) => {
            return Err("Error marshaling to json: a comment stands for a value".to_owned());
        }
        Value::Map(branch) => map(branch, level, out)?,
        list @ Value::List(_) => {
            block(['[', ']'], list.items(), level, out, |item, out| {
                self::value(item, level + 1, out)
            })?;
        }
    }
    Ok(())
}

fn block<T>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    level: usize,
    out: &mut String,
    mut item: impl FnMut(T, &mut String) -> Result<(), String>,
) -> Result<(), String> {
    let new_line = |level: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n('\t', level));
    };
    out.push(open);
    let mut is_empty = true;
    for one in items {
        if !is_empty {
            out.push(',');
        }
        new_line(level + 1, out);
        item(one, out)?;
        is_empty = false;
    }
    if !is_empty {
        new_line(level, out);
    }
    out.push(close);
    Ok(())
}

fn text(text: &[u8], out: &mut String) {
    out.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
    }
    out.push('"');
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Ordered)
    }
}

/// Keeps the order of objects.
struct Ordered;

impl<'de> Visitor<'de> for Ordered {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "as SOPS reads what is too large")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut branch = Branch::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            branch.push(Entry::new(&key, value));
        }
        Ok(Value::Map(branch))
    }
}
