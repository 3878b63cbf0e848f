//! The CRD of a managed resource: Crossplane's part around the kind's own.

use capstan_api::crd::{Column, Crd, Scope, Version, object_schema, schema_for};
use capstan_provision::Kind;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::refs::Ref;

/// `spec` of a managed resource.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(bound = "S: JsonSchema")]
pub(crate) struct ManagedSpec<S> {
    /// What becomes of the external resource when this object is deleted.
    #[serde(default)]
    pub(crate) deletion_policy: DeletionPolicy,
    /// The external resource as it shall be.
    pub(crate) for_provider: S,
    /// What may be done to the external resource; empty pauses.
    #[serde(default = "all_policies")]
    pub(crate) management_policies: Vec<ManagementAction>,
    /// Names the ProviderConfig: how the provider is reached.
    #[serde(default = "default_config")]
    pub(crate) provider_config_ref: Ref,
    /// The Secret that connection details are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) write_connection_secret_to_ref: Option<SecretRef>,
}

/// What becomes of the external resource.
#[derive(Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Orphan,
}

/// Something that may be done.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(crate) enum ManagementAction {
    /// Look.
    Observe,
    /// Create what is absent.
    Create,
    /// Put right what differs.
    Update,
    /// Delete it with the object.
    Delete,
    /// Accepted and without effect: defaults are never written into a spec.
    LateInitialize,
    /// Everything.
    #[serde(rename = "*")]
    All,
}

/// A Secret in a namespace.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct SecretRef {
    /// Name of the Secret.
    name: String,
    /// Namespace of the Secret.
    namespace: String,
}

/// `status` of a managed resource.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(bound = "S: JsonSchema")]
pub(crate) struct ManagedStatus<S> {
    /// The external resource as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_provider: Option<S>,
    /// Ready and Synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    conditions: Option<Vec<Condition>>,
    /// Generation of the spec that was last reconciled.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_generation: Option<i64>,
}

/// A condition.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    /// When `status` last changed.
    #[schemars(extend("format" = "date-time"))]
    last_transition_time: String,
    /// Sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Generation of the spec that was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_generation: Option<i64>,
    /// Word for programs.
    reason: String,
    /// `True`, `False` or `Unknown`.
    status: String,
    /// `Ready` or `Synced`.
    #[serde(rename = "type")]
    type_: String,
}

fn all_policies() -> Vec<ManagementAction> {
    vec![ManagementAction::All]
}

pub(crate) fn default_config() -> Ref {
    Ref { name: "default".to_owned(), policy: None }
}

/// The CRD of an AWS kind.
pub(crate) fn managed<K: Kind>(short_names: &'static [&'static str]) -> CustomResourceDefinition {
    let meta = K::META;
    Crd {
        group: meta.group,
        kind: meta.kind,
        plural: meta.plural,
        short_names,
        categories: &["crossplane", "managed", "aws"],
        scope: Scope::Cluster,
        labels: &[],
        versions: vec![Version {
            name: meta.version,
            schema: object_schema(
                schema_for::<ManagedSpec<K::Spec>>(),
                schema_for::<ManagedStatus<K::Status>>(),
            ),
            columns: columns(K::columns()),
        }],
    }
    .build()
}

/// READY and SYNCED, the kind's own columns, the external name and the age.
pub(crate) fn columns(own: &[(&'static str, &'static str)]) -> Vec<Column> {
    let mut columns = vec![
        Column::text("READY", ".status.conditions[?(@.type=='Ready')].status"),
        Column::text("SYNCED", ".status.conditions[?(@.type=='Synced')].status"),
    ];
    columns.extend(own.iter().map(|(name, path)| Column::text(name, path)));
    let external = r".metadata.annotations.crossplane\.io/external-name";
    columns.push(Column::text("EXTERNAL-NAME", external));
    columns.push(Column { name: "AGE", ..Column::AGE });
    columns
}
