use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, Artifact, ConditionList, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// An artifact that somebody else makes, and describes in the status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalArtifactSpec {
    /// What the artifact is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<ExternalSource>,
}

/// The object that an artifact is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSource {
    /// API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace; that of the artifact when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What its maker says of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalArtifactStatus {
    /// The artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shared::conditions")]
    pub conditions: ConditionList,
}

pub(super) fn crd() -> CustomResourceDefinition {
    let columns = [
        Column::AGE,
        STATUS_COLUMNS[0],
        STATUS_COLUMNS[1],
        Column::text("Source", ".spec.sourceRef.name"),
    ];
    shared::never_observed(shared::crd(
        (super::SOURCE_GROUP, "ExternalArtifact", "externalartifacts"),
        &["ea"],
        &["all", "fluxcd", "fluxcd-sources"],
        &["v1"],
        (schema_for::<ExternalArtifactSpec>(), schema_for::<ExternalArtifactStatus>()),
        &columns,
    ))
}
