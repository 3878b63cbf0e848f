//! Values inside of texts: a field whose text is JSON or YAML, and a path that goes on in it.

mod spelled;

use capstan_yaml::{Node, Value};

use crate::json;
use crate::path::{Blank, Path};

/// Sets what a path means inside of a text; false when the path ends outside of every text.
pub(super) fn set(path: &Path, object: &mut Value, blank: Blank<'_>, copied: &Value) -> bool {
    let halves = path.halves().find(|(outer, _)| outer.get(object).is_some_and(Value::is_scalar));
    let Some((outer, inner)) = halves else { return false };
    let Some(Value::Scalar(scalar)) = outer.get_mut(object) else { return false };
    let Some(written) = replaced(&scalar.text, &inner, blank, copied) else { return false };
    scalar.text = written;
    true
}

/// The text with another value at a path; nothing when the path leads nowhere, or the text is no YAML.
fn replaced(text: &str, path: &Path, blank: Blank<'_>, copied: &Value) -> Option<String> {
    let mut document = Node::read(text, "").ok()??;
    let node = document.content.first_mut()?;
    spelled::set(node, path, blank, copied)?;
    let written = document.write();
    Some(match text.trim_start().starts_with(['{', '[']) {
        // What would be no JSON any more stays as it was, as in kustomize.
        true => json(&written, text).unwrap_or_else(|| text.to_owned()),
        false => written.trim().to_owned(),
    })
}

/// JSON, in one line or many as it was before.
fn json(written: &str, before: &str) -> Option<String> {
    let data = capstan_yaml::read(written, "").ok()?.into_iter().next()?;
    Some(match before.contains('\n') && before.contains("  ") {
        true => json::pretty(&data),
        false => json::compact(&data),
    })
}

#[cfg(test)]
mod tests {
    use super::{Path, Value, replaced};
    use serde_json::{Value as Json, json};

    fn put(text: &str, path: &str, value: Json, create: bool) -> Option<String> {
        let path = Path::parse(path).expect("a path");
        let blank = if value.is_object() { Value::map() } else { Value::bare("") };
        replaced(text, &path, create.then_some(&blank), &Value::of_json(value))
    }

    #[test]
    fn yaml_keeps_its_spelling() {
        let flow = "labels: {\n  app: \"x\",\n  env: 'y',\n}\n# about b\nb: [1,  2] # why\n";
        for (text, path, expected) in [
            (flow, "labels.app", "labels: {app: \"new\", env: 'y'}\n# about b\nb: [1, 2] # why"),
            ("b: 1\na:\n    - c: x # y\n", "a.0.c", "b: 1\na:\n- c: new # y"),
            (
                "l:\n- name: \"one\"\n  v: 1\n",
                "l.[name=one].v",
                "l:\n- name: \"one\"\n  v: !!int new",
            ),
            ("a: |\n  x\n  y\nb: &k z\nc: *k\n", "a", "a: |-\n  new\nb: &k z\nc: *k"),
            ("b: &k {d: 1}\nc: *k\n", "c", "b: &k {d: 1}\nc: new"),
            ("a:\r\n  b: x # c\r\n", "a.b", "a:\n  b: new # c"),
            ("---\na: x\n---\na: y\n", "a", "a: new"),
            ("a: x\na: y\n", "a", "a: new\na: y"),
            ("1.5: x\n", "[1.5]", "1.5: new"),
        ] {
            assert_eq!(put(text, path, json!("new"), false).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn json_stays_json() {
        for (text, path, expected) in [
            ("{\"b\":1,\"a\":\"<\"}", "b", "{\"a\":\"\\u003c\",\"b\":2}"),
            ("{\n  \"b\": 1,\n  \"a\": []\n}", "b", "{\n  \"a\": [],\n  \"b\": 2\n}"),
            ("[{\"n\":\"x\",\"v\":\"1\"}]", "[n=x].v", "[{\"n\":\"x\",\"v\":\"2\"}]"),
            ("{\"a\": [1, 2]}", "a", "{\"a\":2}"),
        ] {
            assert_eq!(put(text, path, json!(2), false).as_deref(), Some(expected), "{text}");
        }
        // A truth value that becomes a number cannot be written.
        let text = "{\"a\": true}";
        assert_eq!(put(text, "a", json!(2), false).as_deref(), Some(text));
    }

    #[test]
    fn what_is_missing_is_made_at_the_end() {
        for (text, path, expected) in [
            ("b: 1 # x\n", "a.c", "b: 1 # x\na:\n  c: 12"),
            ("l:\n- name: a\n", "l.[name=b].a", "l:\n- name: a\n- name: b\n  a: 12"),
            ("l: [x]\n", "l.1", "l: [x, 12]"),
        ] {
            assert_eq!(put(text, path, json!("12"), true).as_deref(), Some(expected), "{text}");
            assert_eq!(put(text, path, json!("12"), false), None, "{text}");
        }
        let map = json!({"k": "1", "n": 2});
        let text = put("a: {b: c}\nd: 1\n", "a", map, true);
        assert_eq!(text.as_deref(), Some("a:\n  k: \"1\"\n  n: 2\nd: 1"));
    }

    #[test]
    fn a_text_without_the_path_is_left_alone() {
        for text in ["", " \n", "# only\n", "just text", "12", "a: [", "- a\n", "b: 1\n", "a: *x\n"]
        {
            assert_eq!(put(text, "a.c", json!("new"), false), None, "{text:?}");
        }
        assert_eq!(put("b: &x {c: 1}\na: *x\n", "a.c", json!("new"), true), None);
    }
}
