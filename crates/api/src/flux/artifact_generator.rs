use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, ValidationRule,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kustomization::CommonMetadata;
use super::shared::{self, ConditionList, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// How artifacts are made of sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactGeneratorSpec {
    /// What is made.
    #[schemars(length(min = 1, max = 1000))]
    pub artifacts: Vec<OutputArtifact>,
    /// Labels and annotations of the objects that describe what was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// `@<alias>/<path>`, in which `{name}` stands for a part of the path: each directory that matches gives artifacts of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), regex(pattern = r"^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$"))]
    pub path_pattern: Option<String>,
    /// What they are made of.
    #[schemars(length(min = 1, max = 1000))]
    pub sources: Vec<GeneratorSource>,
}

/// A source, and what the rules call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorSource {
    /// Its name in the rules.
    #[schemars(length(max = 63), regex(pattern = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"))]
    pub alias: String,
    /// Kind.
    #[schemars(schema_with = "source_kind")]
    pub kind: String,
    /// Name.
    #[schemars(length(max = 253), regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// Namespace; the generator's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

fn source_kind(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let kinds = ["Bucket", "GitRepository", "OCIRepository", "HelmChart", "ExternalArtifact"];
    schemars::json_schema!({"type": "string", "enum": kinds})
}

/// An artifact, and the rules that make it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputArtifact {
    /// The rules, in order.
    #[schemars(length(min = 1))]
    pub copy: Vec<CopyOperation>,
    /// Name of the ExternalArtifact.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// `@<alias>` of the source whose origin the artifact has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), regex(pattern = r"^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)$"))]
    pub origin_revision: Option<String>,
    /// `@<alias>` of the source whose revision the artifact has; the digest of its content when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), regex(pattern = r"^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)$"))]
    pub revision: Option<String>,
}

/// A rule: what is copied, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyOperation {
    /// Patterns of what is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub exclude: Vec<String>,
    /// `@<alias>/<path or pattern>`.
    #[schemars(
        length(min = 1, max = 1024),
        regex(pattern = r"^@([a-z0-9]([a-z0-9_-]*[a-z0-9])?)/(.*)$")
    )]
    pub from: String,
    /// `Overwrite`, `Merge` (YAML, as Helm lays values over values) or `Extract` (archives).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "strategy")]
    pub strategy: Option<String>,
    /// `@artifact/<path>`.
    #[schemars(
        length(min = 1, max = 1024),
        regex(
            pattern = r"^@artifact/([^/]{0,1}|[^./][^/]|[.][^./]|[^/]{3,})(/([^/]{0,1}|[^./][^/]|[.][^./]|[^/]{3,}))*$"
        )
    )]
    pub to: String,
}

fn strategy(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["Overwrite", "Merge", "Extract"]})
}

/// What was made last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactGeneratorStatus {
    /// Ready, Reconciling, Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shared::conditions")]
    pub conditions: ConditionList,
    /// The ExternalArtifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inventory: Vec<GeneratedArtifact>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Stands for the sources that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_sources_digest: Option<String>,
}

/// An ExternalArtifact that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedArtifact {
    /// Digest of the archive.
    pub digest: String,
    /// The archive's file name.
    pub filename: String,
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
}

const NAMES: (&str, &str) = (
    r"has(self.pathPattern) && size(self.pathPattern) > 0 || self.artifacts.all(a, a.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))",
    "artifact names must be valid Kubernetes object names when pathPattern is not set",
);

fn spec() -> JSONSchemaProps {
    let mut spec = schema_for::<ArtifactGeneratorSpec>();
    let (rule, message) = (NAMES.0.to_owned(), Some(NAMES.1.to_owned()));
    spec.x_kubernetes_validations =
        Some(vec![ValidationRule { rule, message, ..ValidationRule::default() }]);
    spec
}

pub(super) fn crd() -> CustomResourceDefinition {
    shared::never_observed(shared::crd(
        (super::SOURCE_EXTENSIONS_GROUP, "ArtifactGenerator", "artifactgenerators"),
        &["ag"],
        &["all", "fluxcd", "fluxcd-sources"],
        &["v1beta1"],
        (spec(), schema_for::<ArtifactGeneratorStatus>()),
        &[Column::AGE, STATUS_COLUMNS[0], STATUS_COLUMNS[1]],
    ))
}
