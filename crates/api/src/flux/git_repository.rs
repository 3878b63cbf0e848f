use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, Artifact, ConditionList, LocalReference, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// Where a Git repository is and which revision of it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositorySpec {
    /// Patterns in the format of .gitignore that replace the default exclusions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// How often the repository is checked, hints apart.
    #[schemars(schema_with = "shared::duration")]
    pub interval: String,
    /// The wanted revision; branch `master` when absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// Are submodules fetched too?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurse_submodules: Option<bool>,
    /// Credentials, in a Secret: username and password, bearerToken, or identity and known_hosts; ca.crt beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
    /// Stops reconciliation while true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Bound of one Git operation.
    #[serde(default = "default_timeout", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "timeout")]
    pub timeout: Option<String>,
    /// http, https or ssh URL of the repository.
    #[schemars(regex(pattern = r"^(http|https|ssh)://.*$"))]
    pub url: String,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_timeout() -> Option<String> {
    Some("60s".to_owned())
}

fn timeout(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string", "default": "60s", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$",
    })
}

/// Which revision is wanted; of several fields the first of commit, name, semver, tag, branch counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryRef {
    /// Branch; `master` when nothing else is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Commit id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Full reference name, such as `refs/pull/1/head`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Range of semantic versions that tags are matched with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// What was fetched last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryStatus {
    /// The last artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Ready, Reconciling, Stalled, FetchFailed, ArtifactInStorage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shared::conditions")]
    pub conditions: ConditionList,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation of the last spec that was dealt with; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The exclusions of the last artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// Were submodules part of the last artifact?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_recurse_submodules: Option<bool>,
}

pub(super) fn crd() -> CustomResourceDefinition {
    let columns =
        [Column::text("URL", ".spec.url"), Column::AGE, STATUS_COLUMNS[0], STATUS_COLUMNS[1]];
    shared::crd(
        (super::SOURCE_GROUP, "GitRepository", "gitrepositories"),
        &["gitrepo"],
        &["all", "fluxcd", "fluxcd-sources"],
        &["v1", "v1beta2"],
        (schema_for::<GitRepositorySpec>(), schema_for::<GitRepositoryStatus>()),
        &columns,
    )
}
