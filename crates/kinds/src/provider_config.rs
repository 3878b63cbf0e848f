//! ProviderConfig `aws.crossplane.io/v1beta1`: as whom AWS is called.

use capstan_api::crd::{Column, Crd, Scope, Version, object_schema, schema_for};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `spec` of the AWS ProviderConfig.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Spec {
    /// What is shown to AWS first.
    credentials: Credentials,
    /// A role that is assumed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_role: Option<AssumeRole>,
    /// The older way to write `assumeRole.roleARN`.
    #[serde(rename = "assumeRoleARN", skip_serializing_if = "Option::is_none")]
    assume_role_arn: Option<String>,
    /// The role that the ServiceAccount's token is exchanged for, instead of the one that its annotation names.
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_role_with_web_identity: Option<WebIdentity>,
    /// The older way to write `assumeRole.externalID`.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
}

/// What is shown to AWS first.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    /// Where credentials come from.
    #[schemars(extend("enum" = ["None", "Secret", "InjectedIdentity", "Environment", "Filesystem"]))]
    source: String,
    /// The Secret key that holds an AWS credentials file.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_ref: Option<SecretKeyRef>,
}

/// A key of a Secret.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct SecretKeyRef {
    /// Key of the Secret.
    key: String,
    /// Name of the Secret.
    name: String,
    /// Namespace of the Secret.
    namespace: String,
}

/// A role that is assumed.
#[derive(Serialize, Deserialize, JsonSchema)]
struct AssumeRole {
    /// What the role's trust policy may ask for.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// ARN of the role.
    #[serde(rename = "roleARN", skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
}

/// A role that trusts a web identity.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WebIdentity {
    /// ARN of the role.
    #[serde(rename = "roleARN", skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    /// Accepted and without effect: sessions are named after the ServiceAccount.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_session_name: Option<String>,
}

/// `status` of a ProviderConfig.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// How many managed resources name it; it stays until there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<i64>,
}

pub(crate) fn aws() -> CustomResourceDefinition {
    Crd {
        group: "aws.crossplane.io",
        kind: "ProviderConfig",
        plural: "providerconfigs",
        short_names: &[],
        categories: &["crossplane", "provider", "aws"],
        scope: Scope::Cluster,
        labels: &[],
        versions: vec![Version {
            name: "v1beta1",
            schema: object_schema(schema_for::<Spec>(), schema_for::<Status>()),
            columns: vec![Column { name: "AGE", ..Column::AGE }],
        }],
    }
    .build()
}
