use serde_json::Value;

use crate::{number, timestamp};

/// How plain scalars become values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Kubernetes objects: `yes` and `on` stay strings, a plain date becomes an RFC 3339 string.
    Objects,
    /// As objects, with what a patch says by `null`: an annotation that goes. A key that is a number is its text.
    Patches,
    /// Configuration such as kustomization.yaml, read as YAML 1.1: `yes`, `no`, `on`, `off`, `y`
    /// and `n` are booleans, dates stay text.
    Config,
}

const NULLS: [&str; 4] = ["~", "null", "Null", "NULL"];
const TRUES: [&str; 3] = ["true", "True", "TRUE"];
const FALSES: [&str; 3] = ["false", "False", "FALSE"];
const OLD_TRUES: [&str; 8] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
const OLD_FALSES: [&str; 8] = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"];
/// The value of a plain scalar.
///
/// # Errors
/// Why the text has no JSON value: infinities and what is no number have none.
pub fn resolve(text: &str, schema: Schema) -> Result<Value, String> {
    if text.is_empty() || NULLS.contains(&text) {
        return Ok(Value::Null);
    }
    if TRUES.contains(&text) || (schema == Schema::Config && OLD_TRUES.contains(&text)) {
        return Ok(Value::Bool(true));
    }
    if FALSES.contains(&text) || (schema == Schema::Config && OLD_FALSES.contains(&text)) {
        return Ok(Value::Bool(false));
    }
    if number::is_infinite(text) {
        return Err(format!("`{text}` has no JSON value; quote it to keep the text"));
    }
    if let Some(number) = number::parse(text) {
        return Ok(Value::Number(number));
    }
    match timestamp::parse(text) {
        Some(time) if schema != Schema::Config => Ok(Value::String(time)),
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// Would a reader of YAML 1.1 take this string for something else when it stands unquoted?
pub fn needs_quotes(text: &str) -> bool {
    let strings = matches!(resolve(text, Schema::Config), Ok(Value::String(_)));
    !strings || timestamp::parse(text).is_some() || is_sexagesimal(text)
}

/// Is this text something else, or more than a text, to a reader of YAML 1.1 when it stands unquoted?
pub(crate) fn is_no_text(text: &str) -> bool {
    if text.contains([':', '#']) || text.starts_with(['-', '?', '[', '{', '!', '|', '>']) {
        let documents = crate::read_documents(text, "", Schema::Config);
        return documents.is_ok_and(|all| all.first().is_none_or(|first| !first.value.is_string()))
            || timestamp::parse(text).is_some();
    }
    !matches!(resolve(text, Schema::Config), Ok(Value::String(_)))
        || timestamp::parse(text).is_some()
}

/// `1:30` and `12:30:45.5`: a number to the base of sixty for YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (body, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    let head_ok = head.starts_with(|c: char| c.is_ascii_digit())
        && head.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let tail: Vec<&str> = parts.collect();
    let sixty = |p: &&str| match p.as_bytes() {
        [d] => d.is_ascii_digit(),
        [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
        _ => false,
    };
    head_ok
        && !tail.is_empty()
        && tail.iter().all(sixty)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Schema, needs_quotes, resolve};
    use serde_json::json;

    #[test]
    fn the_two_schemas_differ_in_old_booleans_and_dates() {
        for (text, object, config) in [
            ("yes", json!("yes"), json!(true)),
            ("Off", json!("Off"), json!(false)),
            ("true", json!(true), json!(true)),
            ("~", json!(null), json!(null)),
            ("2024-01-01", json!("2024-01-01T00:00:00Z"), json!("2024-01-01")),
            ("v1", json!("v1"), json!("v1")),
        ] {
            assert_eq!(resolve(text, Schema::Objects), Ok(object), "{text}");
            assert_eq!(resolve(text, Schema::Config), Ok(config), "{text}");
        }
        assert!(resolve(".nan", Schema::Objects).is_err());
    }

    #[test]
    fn look_alikes_need_quotes() {
        for text in ["", "y", "NO", "1", "1e3", "0x1", "~", "1:30", "2024-01-01", ".inf"] {
            assert!(needs_quotes(text), "{text}");
        }
        for text in ["v1", "a", "1.2.3", "1:99", "nope", "sha256:12", "10Gi", "-"] {
            assert!(!needs_quotes(text), "{text}");
        }
    }
}
