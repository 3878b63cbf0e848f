//! provider-kubernetes: objects in this cluster or another, as managed resources.

mod compare;
mod object;
mod remote;

use capstan_api::crd::{Column, Crd, Scope, Version, object_schema, schema_for};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use object::Object;
pub use remote::Remote;

use crate::crd::ManagedStatus;
use crate::provider_config::{SecretKeyRef, Status};

/// API group of these kinds.
pub const GROUP: &str = "kubernetes.crossplane.io";

/// The CRD of `Object`: two versions with one schema, so that neither needs a conversion.
pub(crate) fn object_crd() -> CustomResourceDefinition {
    let version = |name| Version {
        name,
        schema: object_schema(
            schema_for::<object::ObjectSpec>(),
            schema_for::<ManagedStatus<object::Observation>>(),
        ),
        columns: columns(),
    };
    Crd {
        group: GROUP,
        kind: "Object",
        plural: "objects",
        short_names: &[],
        categories: &["crossplane", "managed", "kubernetes"],
        scope: Scope::Cluster,
        labels: &[],
        versions: vec![version("v1alpha2"), version("v1alpha1")],
    }
    .build()
}

fn columns() -> Vec<Column> {
    let manifest = |name, path| Column { priority: 1, ..Column::text(name, path) };
    vec![
        Column::text("KIND", ".spec.forProvider.manifest.kind"),
        manifest("APIVERSION", ".spec.forProvider.manifest.apiVersion"),
        manifest("METANAME", ".spec.forProvider.manifest.metadata.name"),
        manifest("METANAMESPACE", ".spec.forProvider.manifest.metadata.namespace"),
        Column::text("PROVIDERCONFIG", ".spec.providerConfigRef.name"),
        Column::text("SYNCED", ".status.conditions[?(@.type=='Synced')].status"),
        Column::text("READY", ".status.conditions[?(@.type=='Ready')].status"),
        Column { name: "AGE", ..Column::AGE },
    ]
}

/// `spec` of the ProviderConfig.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConfigSpec {
    /// How the cluster is reached.
    credentials: Credentials,
}

/// How a cluster is reached.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    /// The Secret key that holds a kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_ref: Option<SecretKeyRef>,
    /// `InjectedIdentity` is this cluster with our own identity, `Secret` a kubeconfig.
    #[schemars(extend("enum" = ["None", "Secret", "InjectedIdentity", "Environment", "Filesystem"]))]
    source: String,
}

/// The CRD of the ProviderConfig.
pub(crate) fn provider_config_crd() -> CustomResourceDefinition {
    Crd {
        group: GROUP,
        kind: "ProviderConfig",
        plural: "providerconfigs",
        short_names: &[],
        categories: &["crossplane", "provider", "kubernetes"],
        scope: Scope::Cluster,
        labels: &[],
        versions: vec![Version {
            name: "v1alpha1",
            schema: object_schema(schema_for::<ConfigSpec>(), schema_for::<Status>()),
            columns: vec![
                Column { name: "AGE", ..Column::AGE },
                Column {
                    priority: 1,
                    ..Column::text("SECRET-NAME", ".spec.credentials.secretRef.name")
                },
            ],
        }],
    }
    .build()
}
