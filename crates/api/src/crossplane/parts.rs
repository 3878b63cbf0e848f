//! Pieces of schemas.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Map, Value, json};

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

pub(super) fn long() -> Value {
    json!({"type": "integer", "format": "int64"})
}

/// Any value at all.
pub(super) fn any() -> Value {
    json!({"x-kubernetes-preserve-unknown-fields": true})
}

/// A whole Kubernetes object.
pub(super) fn embedded() -> Value {
    json!({
        "type": "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

pub(super) fn one_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values})
}

pub(super) fn default_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values, "default": values[0]})
}

pub(super) fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

pub(super) fn map(values: &Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

pub(super) fn object<const N: usize>(fields: [(&str, Value); N], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A field that keeps its first value.
pub(super) fn immutable(mut schema: Value, what: &str, rule: &str) -> Value {
    schema["x-kubernetes-validations"] =
        json!([{"rule": rule, "message": format!("{what} cannot be changed")}]);
    schema
}

pub(super) fn named() -> Value {
    object([("name", text())], &["name"])
}

/// `apiVersion` and `kind`.
pub(super) fn type_ref() -> Value {
    object([("apiVersion", text()), ("kind", text())], &["apiVersion", "kind"])
}

/// Conditions as Crossplane has them: without observedGeneration.
pub(super) fn conditions() -> Value {
    let time = json!({"type": "string", "format": "date-time"});
    let condition = object(
        [
            ("lastTransitionTime", time),
            ("message", text()),
            ("reason", text()),
            ("status", text()),
            ("type", text()),
        ],
        &["lastTransitionTime", "reason", "status", "type"],
    );
    let mut conditions = list(&condition);
    conditions["x-kubernetes-list-type"] = "map".into();
    conditions["x-kubernetes-list-map-keys"] = json!(["type"]);
    conditions
}

/// The schema of a whole kind from its parts.
pub(super) fn whole(spec: Value, status: Value) -> JSONSchemaProps {
    let read = |value: Value| -> JSONSchemaProps {
        serde_json::from_value(value).expect("the parts of a schema are written in this folder")
    };
    crate::crd::object_schema(read(spec), read(status))
}
