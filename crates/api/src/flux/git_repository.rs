use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, Artifact, ConditionList, LocalReference, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// Where a Git repository is and which revision of it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'",
}]))]
pub struct GitRepositorySpec {
    /// Patterns in the format of .gitignore that replace the default exclusions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Other GitRepositories whose files are part of this one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// How often the repository is checked, hints apart.
    #[schemars(schema_with = "shared::duration")]
    pub interval: String,
    /// Whose credentials open the repository; `generic` when absent: those of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["generic", "aws", "azure", "github"]))]
    pub provider: Option<String>,
    /// Secret with the proxy that is connected through: address, and username and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalReference>,
    /// Are submodules fetched too?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurse_submodules: Option<bool>,
    /// The wanted revision; branch `master` when absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// Credentials, in a Secret: username and password, bearerToken, or identity and known_hosts; ca.crt, tls.crt and
    /// tls.key beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
    /// ServiceAccount whose identity the providers `aws` and `azure` use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Only these directories are part of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparse_checkout: Option<Vec<String>>,
    /// Stops reconciliation while true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Bound of one Git operation.
    #[serde(default = "shared::default_timeout", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shared::timeout")]
    pub timeout: Option<String>,
    /// http, https or ssh URL of the repository.
    #[schemars(regex(pattern = r"^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Whose signatures are wanted on the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
}

/// Another GitRepository whose files are part of this one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryInclude {
    /// What of it is taken; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// The other GitRepository.
    pub repository: LocalReference,
    /// Where it is put; in a directory of its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

impl GitRepositoryInclude {
    /// What of it is taken.
    pub fn from(&self) -> &str {
        self.from_path.as_deref().unwrap_or_default()
    }

    /// Where it is put.
    pub fn to(&self) -> &str {
        self.to_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(&self.repository.name)
    }
}

/// Whose signatures are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryVerification {
    /// What has to be signed: the commit (`HEAD`, or `head`), the tag that leads to it, or both.
    #[serde(default = "head")]
    #[schemars(extend("enum" = ["head", "HEAD", "Tag", "TagAndHEAD"], "default" = "HEAD"))]
    pub mode: String,
    /// Secret with the public keys of trusted authors: OpenPGP keys under names that end with .asc, SSH keys under names
    /// that end with .sshpub.
    pub secret_ref: LocalReference,
}

impl GitRepositoryVerification {
    /// Must the commit be signed?
    pub fn head(&self) -> bool {
        self.mode() != "Tag"
    }

    /// Must the tag be signed?
    pub fn tag(&self) -> bool {
        matches!(self.mode(), "Tag" | "TagAndHEAD")
    }

    /// The mode in its one spelling.
    pub fn mode(&self) -> &str {
        match self.mode.as_str() {
            "" | "head" => "HEAD",
            mode => mode,
        }
    }
}

fn head() -> String {
    "HEAD".to_owned()
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
    /// Ready, Reconciling, Stalled, FetchFailed, IncludeUnavailable, ArtifactOutdated, SourceVerified,
    /// StorageOperationFailed, ArtifactInStorage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shared::conditions")]
    pub conditions: ConditionList,
    /// The artifacts that are part of the last one, in the order of the spec.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation of the last spec that was dealt with; -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The exclusions of the last artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// What the last artifact includes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// Were submodules part of the last artifact?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_recurse_submodules: Option<bool>,
    /// The directories that the last artifact was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_sparse_checkout: Option<Vec<String>>,
    /// Which signatures were verified last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
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
