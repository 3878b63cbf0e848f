use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::crd::{Column, Crd, Scope, Version, object_schema, schema_for};

/// A workload cluster and what its agent applies. Exactly one of `clusterRef` and `kubeConfig` says where the cluster is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.clusterRef) != has(self.kubeConfig)",
    "message": "exactly one of clusterRef and kubeConfig must be given",
}]))]
pub struct SpokeSpec {
    /// The managed resource that is the cluster: an EKS Cluster of this management cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_ref: Option<ClusterReference>,
    /// A kubeconfig that reaches the cluster, for one that is not provisioned from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<SpokeKubeConfig>,
    /// What the agent applies.
    pub source: Source,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentSpec>,
    /// What happens when the Spoke is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// Leaves the installation as it is while true. A deletion goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// A managed resource by name, by labels or by the common controller. Exactly one object must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReference {
    /// `eks.aws.crossplane.io/v1beta1` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// `Cluster` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its labels, for example `crossplane.io/composite`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// It has the same controller as the Spoke: both are composed by one composite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_controller_ref: Option<bool>,
}

/// A kubeconfig in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpokeKubeConfig {
    /// Where it is.
    pub secret_ref: SecretKey,
}

/// A key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its key; `value` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretName {
    /// Name of the Secret.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// The Git folder that is the root of everything in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// http, https or ssh URL of the repository.
    #[schemars(regex(pattern = r"^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Branch; `main` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Folder in the repository; its root when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Credentials in the management cluster. They are copied into the spoke, as `flux-system/<name>`, and kept in step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretName>,
    /// How often the repository is checked, hints apart; 1m when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "duration")]
    pub interval: Option<String>,
}

/// The agent that is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// Image without its tag; the hub's own registry when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Tag of the image, such as v0.1.0; the hub's own version when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Objects of the management cluster that the agent needs until it has drained, such as its IAM role: they are kept
    /// from being deleted before. Cluster-scoped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<RequiredObject>,
}

/// A cluster-scoped object.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct RequiredObject {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// How a deleted Spoke lets go of its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// How long the agent may take; 30m when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "duration")]
    pub timeout: Option<String>,
    /// What happens afterwards; Hold when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "on_timeout")]
    pub on_timeout: Option<OnTimeout>,
}

/// What happens when a drain takes too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnTimeout {
    /// The Spoke stays and says what is left.
    #[default]
    Hold,
    /// The Spoke goes, and with it what keeps the cluster. What is left in AWS is orphaned.
    Continue,
}

/// What is known of a workload cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SpokeStatus {
    /// Ready, AgentInstalled, AgentConnected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// Generation of the spec that was dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Name of the managed resource that is the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Digest of what was installed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// What the agent reports about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentStatus>,
}

/// What an agent reports about itself. Only the agent writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentStatus {
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it wrote this, RFC 3339. The Lease has the heartbeat proper.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_heartbeat_time: Option<String>,
    /// Revision that the root Kustomization applied last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Its Kustomizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitCount>,
}

/// How many units there are and how many are ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UnitCount {
    /// Units that are ready.
    #[schemars(schema_with = "count")]
    pub ready: u32,
    /// All units.
    #[schemars(schema_with = "count")]
    pub total: u32,
}

fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"})
}

/// Kubernetes knows no unsigned formats.
fn count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": 0})
}

/// Documented variants of an optional enum would become a choice of schemas, which is not structural.
fn on_timeout(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["Hold", "Continue"]})
}

/// Conditions as metav1 has them, keyed by type: hub and agent each own theirs.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "message": {"type": "string", "maxLength": 32768},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "type": {"type": "string", "maxLength": 316},
            },
        },
    })
}

pub(super) fn crd() -> CustomResourceDefinition {
    let condition = |type_| match type_ {
        "Ready" => r#".status.conditions[?(@.type=="Ready")].status"#,
        _ => r#".status.conditions[?(@.type=="AgentConnected")].status"#,
    };
    let columns = vec![
        Column::text("Ready", condition("Ready")),
        Column::text("Connected", condition("AgentConnected")),
        Column::text("Cluster", ".status.clusterName"),
        Column::text("Agent", ".status.agent.version"),
        Column::text("Revision", ".status.agent.revision"),
        Column::AGE,
        Column {
            name: "Status",
            path: r#".status.conditions[?(@.type=="Ready")].message"#,
            type_: "string",
            priority: 1,
        },
    ];
    let schema = object_schema(schema_for::<SpokeSpec>(), schema_for::<SpokeStatus>());
    Crd {
        group: super::GROUP,
        kind: super::SPOKE,
        plural: super::SPOKES,
        short_names: &[],
        categories: &["capstan"],
        scope: Scope::Cluster,
        labels: &[("app.kubernetes.io/part-of", "capstan")],
        versions: vec![Version { name: super::VERSION, schema, columns }],
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::{SpokeSpec, crd};
    use serde_json::{Value, json};

    #[test]
    fn the_crd_is_structural_and_complete() {
        let crd = serde_json::to_value(crd()).expect("serialisable");
        assert_eq!(crd["metadata"]["name"], "spokes.fleet.capstan.dev");
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
        assert_eq!(schema["spec"]["required"], json!(["source"]));
        assert!(schema["spec"]["x-kubernetes-validations"].is_array());
        let keys = &schema["status"]["properties"]["conditions"]["x-kubernetes-list-map-keys"];
        assert_eq!(*keys, json!(["type"]));
        assert!(!has_reference(&crd), "a CRD has no $ref");
        let drain = &schema["spec"]["properties"]["drain"]["properties"];
        assert_eq!(drain["onTimeout"]["type"], "string", "{drain}");
    }

    fn has_reference(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.iter().any(|(k, v)| k == "$ref" || has_reference(v)),
            Value::Array(list) => list.iter().any(has_reference),
            _ => false,
        }
    }

    #[test]
    fn a_spec_round_trips() {
        let spec = json!({
            "clusterRef": {"matchLabels": {"crossplane.io/composite": "a"}},
            "source": {"url": "https://git.example.com/a", "path": "./clusters/a"},
            "agent": {"requires": [{"apiVersion": "v1", "kind": "A", "name": "a"}]},
            "drain": {"timeout": "5m", "onTimeout": "Continue"},
        });
        let read: SpokeSpec = serde_json::from_value(spec.clone()).expect("valid");
        assert_eq!(serde_json::to_value(read).expect("serialisable"), spec);
    }
}
