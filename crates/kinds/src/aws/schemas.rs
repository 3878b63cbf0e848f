//! Holds our schemas against those of provider-aws: what is pruned and what is refused must be the
//! same.
//!
//! `schema.txt` beside each kind lists the original's fields, one a line: path, type, and what else
//! decides whether a value is accepted. The insides of references and selectors are the same
//! everywhere and compared once, here.

use capstan_api::crd::schema_for;
use capstan_provision::Kind;
use schemars::JsonSchema;
use serde_json::Value;

/// Compares the schema of a kind with the original's fields.
pub(crate) fn compare<K: Kind>(original: &str) {
    let mut ours = lines::<K::Spec>("spec.forProvider", true);
    for reference in K::references() {
        for path in [reference.value, reference.reference, reference.selector] {
            let field = format!("spec.forProvider.{} ", path.replace("[*]", "[]"));
            assert!(ours.iter().any(|line| line.starts_with(&field)), "there is no {field}");
        }
    }
    ours.extend(lines::<K::Status>("status.atProvider", false));
    ours.sort();
    let original: Vec<_> = original.lines().collect();
    let extra: Vec<_> = ours.iter().filter(|line| !original.contains(&line.as_str())).collect();
    let missing: Vec<_> =
        original.iter().filter(|line| !ours.iter().any(|ours| ours == *line)).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "{}: we have {extra:#?} for {missing:#?}",
        K::META.kind
    );
}

fn lines<T: JsonSchema>(at: &str, strict: bool) -> Vec<String> {
    let schema = serde_json::to_value(schema_for::<T>()).expect("it is valid");
    let mut lines = Vec::new();
    flatten(at, &schema, strict, true, &mut lines);
    lines
}

fn flatten(at: &str, schema: &Value, strict: bool, deep: bool, lines: &mut Vec<String>) {
    let mut line = format!("{at} {}", text(&schema["type"]));
    for key in ["format", "default", "minimum", "maximum"] {
        if !schema[key].is_null() {
            line += &format!(" {key}={}", text(&schema[key]));
        }
    }
    if schema["enum"].is_array() {
        line += &format!(" enum={}", words(&schema["enum"]));
    }
    if schema["additionalProperties"].is_object() {
        line += &format!(" of {}", text(&schema["additionalProperties"]["type"]));
    }
    // What a status requires binds nobody but us.
    if strict && deep && schema["required"].is_array() {
        line += &format!(" required={}", words(&schema["required"]));
    }
    lines.push(line);
    if !deep {
        return;
    }
    if schema["items"].is_object() {
        flatten(&format!("{at}[]"), &schema["items"], strict, true, lines);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let refers = ["Ref", "Refs", "Selector"].iter().any(|end| name.ends_with(end));
        flatten(&format!("{at}.{name}"), field, strict, !refers, lines);
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        value => value.to_string(),
    }
}

fn words(list: &Value) -> String {
    let mut words: Vec<_> = list.as_array().into_iter().flatten().map(text).collect();
    words.sort();
    words.join("|")
}

#[test]
fn references_and_selectors_are_those_of_crossplane() {
    use crate::refs::{Ref, Selector};
    let resolution = "policy.resolution string default=Required enum=Optional|Required";
    let resolve = "policy.resolve string enum=Always|IfNotPresent";
    let mut ours = lines::<Ref>("r", true);
    ours.sort();
    let expected = ["r object required=name", "r.name string", "r.policy object"];
    assert_eq!(ours[..3], expected);
    assert_eq!(ours[3..], [format!("r.{resolution}"), format!("r.{resolve}")]);
    let mut ours = lines::<Selector>("s", true);
    ours.sort();
    // The name of the field ends in Ref, so nothing below it is listed: it is a boolean.
    let expected = [
        "s object",
        "s.matchControllerRef boolean",
        "s.matchLabels object of string",
        "s.policy object",
    ];
    assert_eq!(ours[..4], expected);
    assert_eq!(ours[4..], [format!("s.{resolution}"), format!("s.{resolve}")]);
}
