use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::crd::{Column, Crd, Scope, Version, object_schema};

/// Labels that the flux command line looks for on the CRDs of an installation.
pub(crate) const CRD_LABELS: &[(&str, &str)] = &[
    ("app.kubernetes.io/instance", "flux-system"),
    ("app.kubernetes.io/part-of", "flux"),
    ("app.kubernetes.io/version", "v2.9.5"),
];

/// Ready and its message, as Flux's kinds show them.
pub(crate) const STATUS_COLUMNS: [Column; 2] = [
    Column::text("Ready", r#".status.conditions[?(@.type=="Ready")].status"#),
    Column::text("Status", r#".status.conditions[?(@.type=="Ready")].message"#),
];

/// A Flux CRD whose versions share one schema. Until somebody has seen an object, its observed generation is -1: without
/// that an object that was just applied would look as if it were done.
pub(crate) fn crd(
    (group, kind, plural): (&'static str, &'static str, &'static str),
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    versions: &[&'static str],
    (spec, mut status): (JSONSchemaProps, JSONSchemaProps),
    columns: &[Column],
) -> CustomResourceDefinition {
    status.default = Some(JSON(json!({"observedGeneration": -1})));
    let schema = object_schema(spec, status);
    let version = |&name| Version { name, schema: schema.clone(), columns: columns.to_vec() };
    Crd {
        group,
        kind,
        plural,
        short_names,
        categories,
        scope: Scope::Namespaced,
        labels: CRD_LABELS,
        versions: versions.iter().map(version).collect(),
    }
    .build()
}

/// The CRD of a kind whose status observes no generation: nothing says of an object that nobody has seen it yet.
pub(crate) fn never_observed(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut());
        let properties = schema.and_then(|schema| schema.properties.as_mut());
        if let Some(status) = properties.and_then(|properties| properties.get_mut("status")) {
            status.default = None;
        }
    }
    crd
}

/// Numbers with the units ms, s, m, h.
pub(crate) const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";

/// The schema of a Flux duration.
pub(crate) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": DURATION})
}

/// A minute, as the sources have it.
#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
pub(crate) fn default_timeout() -> Option<String> {
    Some("60s".to_owned())
}

/// The schema of a source's timeout.
pub(crate) fn timeout(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$",
    })
}

/// The provider that needs no cloud.
pub(crate) fn generic() -> String {
    "generic".to_owned()
}

/// The schema of conditions as metav1 has them.
/// A condition type: a word, maybe with a domain before it, as Kubernetes has it.
const CONDITION_TYPE: &str = concat!(
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?",
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
);

pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(conditions_schema()).expect("the schema is an object")
}

/// The same for schemas that are not made from a type.
pub(crate) fn conditions_schema() -> Value {
    json!({"type": "array", "items": {
        "type": "object",
        "required": ["lastTransitionTime", "message", "reason", "status", "type"],
        "properties": {
            "lastTransitionTime": {"type": "string", "format": "date-time"},
            "message": {"type": "string", "maxLength": 32768},
            "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
            "reason": {"type": "string", "minLength": 1, "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "type": {"type": "string", "maxLength": 316, "pattern": CONDITION_TYPE},
        },
    }})
}

/// The conditions of a Flux object.
pub(crate) type ConditionList = Vec<Condition>;

/// An object of the same namespace, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalReference {
    /// Name of the referent.
    pub name: String,
}

/// A key of a Secret in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyReference {
    /// Name of the Secret.
    pub name: String,
    /// Key in the Secret; which keys are tried without it depends on the referrer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a source offers for download.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// `<algorithm>:<checksum>` of the file.
    #[schemars(regex(pattern = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// When the artifact was made, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub last_update_time: String,
    /// Facts about the artifact, such as OCI annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Path below the root of the artifact server.
    pub path: String,
    /// Human-readable identifier traceable in the origin: `<ref>@sha1:<commit>` for Git.
    pub revision: String,
    /// Size of the file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Where the file can be fetched inside the cluster.
    pub url: String,
}
