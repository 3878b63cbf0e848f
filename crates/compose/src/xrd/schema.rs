//! The fields that every composite and claim has beside its author's.

use serde_json::{Map, Value, json};

/// Names are labels of children, so that they are no longer than a label.
const MAX_NAME: u64 = 63;

/// Parts of the author's `spec` and `status` that survive.
const KEPT: [&str; 5] = [
    "description",
    "required",
    "oneOf",
    "x-kubernetes-validations",
    "x-kubernetes-preserve-unknown-fields",
];

/// The whole schema of a version: the author's spec and status with ours over them.
pub(super) fn whole(author: &Value, injected: &Map<String, Value>) -> Value {
    let mut schema = json!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": max_name(author)}},
            },
            "spec": section(author, "spec", injected),
            "status": section(author, "status", &status()),
        },
    });
    for key in ["description", "x-kubernetes-validations"] {
        if let Some(value) = author.get(key) {
            schema[key] = value.clone();
        }
    }
    schema
}

fn max_name(author: &Value) -> u64 {
    let own = author.pointer("/properties/metadata/properties/name/maxLength");
    own.and_then(Value::as_u64).map_or(MAX_NAME, |own| own.min(MAX_NAME))
}

fn section(author: &Value, name: &str, injected: &Map<String, Value>) -> Value {
    let own = author.get("properties").and_then(|properties| properties.get(name));
    let mut section = Map::from_iter([("type".to_owned(), "object".into())]);
    for key in KEPT {
        if let Some(value) = own.and_then(|own| own.get(key)) {
            section.insert(key.to_owned(), value.clone());
        }
    }
    let properties = own.and_then(|own| own.get("properties")?.as_object());
    let mut properties = properties.cloned().unwrap_or_default();
    properties.extend(injected.clone());
    section.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(section)
}

fn text() -> Value {
    json!({"type": "string"})
}

fn reference(fields: &[&str], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), text())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn selector() -> Value {
    let labels = json!({"type": "object", "additionalProperties": text()});
    json!({"type": "object", "required": ["matchLabels"], "properties": {"matchLabels": labels}})
}

fn choice(values: &[&str], default: &str) -> Value {
    json!({"type": "string", "enum": values, "default": default})
}

fn publish() -> Value {
    let texts = || json!({"type": "object", "additionalProperties": text()});
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": text(),
            "configRef": {
                "type": "object",
                "default": {"name": "default"},
                "properties": {"name": text()},
            },
            "metadata": {
                "type": "object",
                "properties": {"labels": texts(), "annotations": texts(), "type": text()},
            },
        },
    })
}

/// What composites and claims have in common.
fn common(update_policy: Option<&str>) -> Map<String, Value> {
    let policy = choice(&["Automatic", "Manual"], update_policy.unwrap_or("Automatic"));
    Map::from_iter(
        [
            ("compositionRef", reference(&["name"], &["name"])),
            ("compositionSelector", selector()),
            ("compositionRevisionRef", reference(&["name"], &["name"])),
            ("compositionRevisionSelector", selector()),
            ("compositionUpdatePolicy", policy),
            ("publishConnectionDetailsTo", publish()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// The injected spec of composites.
pub(super) fn composite(update_policy: Option<&str>) -> Map<String, Value> {
    let object = ["apiVersion", "kind", "name"];
    let objects = |required: &[&str]| {
        json!({
            "type": "array",
            "items": reference(&object, required),
            "x-kubernetes-list-type": "atomic",
        })
    };
    let claim = ["apiVersion", "kind", "namespace", "name"];
    let mut spec = common(update_policy);
    spec.insert("claimRef".to_owned(), reference(&claim, &claim));
    spec.insert("environmentConfigRefs".to_owned(), objects(&["apiVersion", "kind"]));
    spec.insert("resourceRefs".to_owned(), objects(&["apiVersion", "kind"]));
    let secret = ["name", "namespace"];
    spec.insert("writeConnectionSecretToRef".to_owned(), reference(&secret, &secret));
    spec
}

/// The injected spec of claims.
pub(super) fn claim(
    update_policy: Option<&str>,
    delete_policy: Option<&str>,
) -> Map<String, Value> {
    let object = ["apiVersion", "kind", "name"];
    let mut spec = common(update_policy);
    let policy = choice(&["Background", "Foreground"], delete_policy.unwrap_or("Background"));
    spec.insert("compositeDeletePolicy".to_owned(), policy);
    spec.insert("resourceRef".to_owned(), reference(&object, &object));
    spec.insert("writeConnectionSecretToRef".to_owned(), reference(&["name"], &["name"]));
    spec
}

fn status() -> Map<String, Value> {
    let time = || json!({"type": "string", "format": "date-time"});
    let conditions = json!({
        "type": "array",
        "description": "Conditions of the resource.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": time(),
                "message": text(),
                "reason": text(),
                "status": text(),
                "type": text(),
            },
        },
    });
    let details = json!({"type": "object", "properties": {"lastPublishedTime": time()}});
    Map::from_iter([
        ("conditions".to_owned(), conditions),
        ("connectionDetails".to_owned(), details),
    ])
}
