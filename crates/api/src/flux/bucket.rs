use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, ValidationRule,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, Artifact, ConditionList, LocalReference, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// Where a bucket is and which of its objects are wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketSpec {
    /// Name of the bucket.
    pub bucket_name: String,
    /// Secret with ca.crt, and tls.crt with tls.key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalReference>,
    /// `<host>[:<port>]` of the object store.
    pub endpoint: String,
    /// Patterns in the format of .gitignore that replace the default exclusions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Plain HTTP.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// How often the bucket is listed, hints apart.
    #[schemars(schema_with = "shared::duration")]
    pub interval: String,
    /// Only objects whose keys begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whose protocol and credentials.
    #[serde(default = "shared::generic")]
    #[schemars(schema_with = "provider")]
    pub provider: String,
    /// Secret with address, username and password of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalReference>,
    /// Region of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Secret with accesskey and secretkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
    /// ServiceAccount as whom the cloud is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Where temporary credentials come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts: Option<BucketSts>,
    /// Stops reconciliation while true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Bound of what is done with the bucket.
    #[serde(default = "shared::default_timeout", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shared::timeout")]
    pub timeout: Option<String>,
}

fn provider(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string", "default": "generic", "enum": ["generic", "aws", "gcp", "azure"],
    })
}

/// A security token service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketSts {
    /// Secret with ca.crt, and tls.crt with tls.key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalReference>,
    /// Its URL.
    #[schemars(regex(pattern = r"^(http|https)://.*$"))]
    pub endpoint: String,
    /// `aws` or `ldap`.
    #[schemars(schema_with = "sts_provider")]
    pub provider: String,
    /// Secret with username and password, for `ldap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
}

fn sts_provider(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["aws", "ldap"]})
}

/// What was fetched last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BucketStatus {
    /// The last artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Ready, Reconciling, Stalled, FetchFailed, StorageOperationFailed, ArtifactOutdated, ArtifactInStorage.
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
    /// Where the last artifact can be fetched, whatever its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What the API server refuses, and why.
const RULES: [(&str, &str); 7] = [
    (
        "self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)",
        "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
    ),
    (
        "self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'",
        "'aws' is the only supported STS provider for the 'aws' Bucket provider",
    ),
    (
        "self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'",
        "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
    ),
    (
        "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)",
        "spec.sts.secretRef is not required for the 'aws' STS provider",
    ),
    (
        "!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)",
        "spec.sts.certSecretRef is not required for the 'aws' STS provider",
    ),
    (
        "self.provider != 'generic' || !has(self.serviceAccountName)",
        "ServiceAccountName is not supported for the 'generic' Bucket provider",
    ),
    (
        "!has(self.secretRef) || !has(self.serviceAccountName)",
        "cannot set both .spec.secretRef and .spec.serviceAccountName",
    ),
];

fn spec() -> JSONSchemaProps {
    let rule = |(rule, message): (&str, &str)| ValidationRule {
        rule: rule.to_owned(),
        message: Some(message.to_owned()),
        ..ValidationRule::default()
    };
    let mut spec = schema_for::<BucketSpec>();
    spec.x_kubernetes_validations = Some(RULES.map(rule).into());
    spec
}

pub(super) fn crd() -> CustomResourceDefinition {
    let columns = [
        Column::text("Endpoint", ".spec.endpoint"),
        Column::AGE,
        STATUS_COLUMNS[0],
        STATUS_COLUMNS[1],
    ];
    shared::crd(
        (super::SOURCE_GROUP, "Bucket", "buckets"),
        &[],
        &["all", "fluxcd", "fluxcd-sources"],
        &["v1", "v1beta2"],
        (spec(), schema_for::<BucketStatus>()),
        &columns,
    )
}
