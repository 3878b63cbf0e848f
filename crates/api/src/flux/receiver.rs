use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{self, ConditionList, LocalReference, STATUS_COLUMNS};
use crate::crd::{Column, schema_for};

/// A webhook that starts reconciliations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverSpec {
    /// Names of the events that count; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// How often the Secret is read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shared::duration")]
    pub interval: Option<String>,
    /// What to reconcile.
    pub resources: Vec<ReceiverResource>,
    /// Secret whose key `token` authenticates the sender.
    pub secret_ref: LocalReference,
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

/// An object, or with the name `*` all that match labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverResource {
    /// API version; Flux's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind.
    pub kind: String,
    /// Labels that must match when the name is `*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Name, or `*`.
    pub name: String,
    /// Namespace; the Receiver's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
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
