use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, ConditionList, LocalReference, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// A webhook that starts reconciliations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.type != 'generic-oidc' || (has(self.oidcProviders) && size(self.oidcProviders) > 0)",
        "message": "generic-oidc receivers must define at least one oidcProvider",
    },
    {
        "rule": "self.type == 'generic-oidc' || !has(self.oidcProviders) || size(self.oidcProviders) == 0",
        "message": "oidcProviders can only be set when type is generic-oidc",
    },
    {
        "rule": "self.type != 'generic-oidc' || !has(self.secretRef)",
        "message": "secretRef cannot be set when type is generic-oidc",
    },
    {
        "rule": "self.type == 'generic-oidc' || has(self.secretRef)",
        "message": "secretRef is required when type is not generic-oidc",
    },
]))]
pub struct ReceiverSpec {
    /// Names of the events that count; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// How often the Secret is read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "interval")]
    pub interval: Option<String>,
    /// Who signs the tokens of senders, for the type `generic-oidc`.
    #[serde(default, rename = "oidcProviders", skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["issuerURL"]))]
    pub oidc_providers: Vec<OidcProvider>,
    /// CEL that must hold for a resource to be reconciled: over its metadata `res`, the body `req`, and for `generic-oidc`
    /// the token's `claims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_filter: Option<String>,
    /// What to reconcile.
    pub resources: Vec<ReceiverResource>,
    /// Secret whose key `token` authenticates the sender; for `gcr` also `email` and `audience`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
    /// Stops handling while true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Kind of sender.
    #[serde(rename = "type")]
    #[schemars(schema_with = "receiver_type")]
    pub type_: String,
}

fn receiver_type(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": [
        "generic", "generic-hmac", "generic-oidc", "github", "gitlab", "bitbucket", "harbor",
        "dockerhub", "quay", "gcr", "nexus", "acr", "cdevents",
    ]})
}

fn interval(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "pattern": shared::DURATION, "default": "10m"})
}

/// An issuer of tokens, and what a token of it must claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcProvider {
    /// The audience that a token must be for; `notification-controller` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// URL of the issuer, as the claim `iss` has it.
    #[serde(rename = "issuerURL")]
    #[schemars(regex(pattern = r"^https?://"))]
    pub issuer_url: String,
    /// CEL that must hold, over `claims` and `vars`. Without one, everybody who gets a token of this issuer may call.
    #[schemars(length(min = 1))]
    pub validations: Vec<OidcValidation>,
    /// CEL over `claims` and the variables before it, for use as `vars.<name>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<OidcVariable>,
}

/// A named CEL expression.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OidcVariable {
    /// The expression.
    pub expression: String,
    /// Its name after `vars.`.
    pub name: String,
}

/// A CEL expression that must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OidcValidation {
    /// The expression.
    pub expression: String,
    /// What the caller is told when it does not hold.
    pub message: String,
}

/// An object, or with the name `*` all that match labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverResource {
    /// API version; the one that Flux stores when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// CEL that must hold beside the Receiver's own `resourceFilter`, over the same variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Kind.
    #[schemars(schema_with = "resource_kind")]
    pub kind: String,
    /// Labels that must match when the name is `*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Name, or `*`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace; the Receiver's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub namespace: Option<String>,
}

fn resource_kind(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": [
        "Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository",
        "ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "OCIRepository",
        "ArtifactGenerator", "ExternalArtifact",
    ]})
}

/// Where the webhook listens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverStatus {
    /// Ready, Reconciling, Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shared::conditions")]
    pub conditions: ConditionList,
    /// The last value of the annotation `reconcile.fluxcd.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation of the last spec that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `/hook/` and the SHA-256 of token, name and namespace, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_path: Option<String>,
}

pub(super) fn crd() -> CustomResourceDefinition {
    let columns = [Column::AGE, STATUS_COLUMNS[0], STATUS_COLUMNS[1]];
    shared::crd(
        (super::NOTIFICATION_GROUP, "Receiver", "receivers"),
        &[],
        &["all", "fluxcd", "fluxcd-notifications"],
        &["v1", "v1beta2"],
        (schema_for::<ReceiverSpec>(), schema_for::<ReceiverStatus>()),
        &columns,
    )
}
