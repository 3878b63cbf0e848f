use std::fmt::Write;

use serde_json::Value;

use super::Go;

/// JSON as Go's `encoding/json` writes it: sorted keys, `<`, `>`, `&` escaped, `1.0` as `1`.
pub(crate) fn to_string(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match Go::from(value) {
        Go::Nil => out.push_str("null"),
        Go::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        Go::Int(i) => out.push_str(&i.to_string()),
        Go::Float(f) => out.push_str(&number(f)),
        Go::Text(s) => text(out, s),
        Go::List(list) => {
            out.push('[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, element);
            }
            out.push(']');
        }
        Go::Map(map) => {
            out.push('{');
            for (index, (key, element)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(out, key);
                out.push(':');
                write(out, element);
            }
            out.push('}');
        }
    }
}

/// Shortest digits; an exponent below 1e-6 and from 1e21 on.
fn number(f: f64) -> String {
    let size = f.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{f:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent}")
            }
            _ => text,
        };
    }
    f.to_string()
}

fn text(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escape(out, c),
            c if u32::from(c) < 0x20 => escape(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::to_string;
    use serde_json::json;

    #[test]
    fn writes_as_go_does() {
        for (value, text) in [
            (json!({"b": 1, "a": [true, null]}), r#"{"a":[true,null],"b":1}"#),
            (json!("a<b>&\u{1}\n\u{2028}"), r#""a\u003cb\u003e\u0026\u0001\n\u2028""#),
            (json!(1.0), "1"),
            (json!(1e21), "1e+21"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(100_000_000_000_000_000_000.0), "100000000000000000000"),
        ] {
            assert_eq!(to_string(&value), text);
        }
    }
}
