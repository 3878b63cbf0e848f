//! What users write and what AWS answers, with the field names of provider-aws.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::refs::{Ref, Selector};

/// What is wanted of a node group: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Kind of machine image; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ami_type: Option<String>,
    /// How nodes are bought; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ON_DEMAND", "SPOT"]))]
    pub capacity_type: Option<String>,
    /// Cluster; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Names the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name_ref: Option<Ref>,
    /// Selects the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name_selector: Option<Selector>,
    /// Root disk, GiB; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_size: Option<i32>,
    /// Instance types; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_types: Option<Vec<String>>,
    /// Labels of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Template of the instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<LaunchTemplate>,
    /// Role of the nodes; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_role: Option<String>,
    /// Names the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_role_ref: Option<Ref>,
    /// Selects the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_role_selector: Option<Selector>,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Release of the machine image; not sent when `version` changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_version: Option<String>,
    /// ssh to the nodes; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_access: Option<RemoteAccess>,
    /// How many nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_config: Option<ScalingConfig>,
    /// Name the subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_refs: Option<Vec<Ref>>,
    /// Selects the subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_selector: Option<Selector>,
    /// Subnets of the nodes; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Taints of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taints: Option<Vec<Taint>>,
    /// Pace of an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_config: Option<UpdateConfig>,
    /// Kubernetes version, `major.minor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A template of the instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplate {
    /// Id of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_ref: Option<Ref>,
    /// Selects the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_selector: Option<Selector>,
    /// Version of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Names the template whose version is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_ref: Option<Ref>,
    /// Selects the template whose version is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_selector: Option<Selector>,
}

/// Who may reach the nodes by ssh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteAccess {
    /// Name of the key pair.
    #[serde(rename = "ec2SSHKey", skip_serializing_if = "Option::is_none")]
    pub ec2_ssh_key: Option<String>,
    /// Name the security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_group_refs: Option<Vec<Ref>>,
    /// Selects the security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_group_selector: Option<Selector>,
    /// Security groups that may connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_groups: Option<Vec<String>>,
}

/// How many nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingConfig {
    /// Nodes wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_size: Option<i32>,
    /// Most nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<i32>,
    /// Fewest nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_size: Option<i32>,
}

/// A taint of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// What the taint does.
    #[schemars(extend("enum" = ["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"]))]
    pub effect: String,
    /// Key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The pace of an update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateConfig {
    /// Update even where a disruption budget forbids it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// Most nodes that an update takes away at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable: Option<i32>,
    /// The same, in percent of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable_percentage: Option<i32>,
}

/// What AWS says of a node group: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub created_at: Option<String>,
    /// When it last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub modified_at: Option<String>,
    /// ARN of the node group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_group_arn: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_group_health: Option<NodeGroupHealth>,
    /// Release of the machine image; not sent when `version` changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_version: Option<String>,
    /// What EKS made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How many nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_config: Option<ObservedScalingConfig>,
    /// State, in AWS' words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Pace of an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_config: Option<ObservedUpdateConfig>,
    /// Kubernetes version, `major.minor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What is wrong with the node group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeGroupHealth {
    /// Each thing that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issues: Option<Vec<Issue>>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// The issue as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The issue as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_ids: Option<Vec<String>>,
}

/// What EKS made for the node group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Auto Scaling groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<Vec<AutoScalingGroup>>,
    /// Security group for ssh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_access_security_group: Option<String>,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoScalingGroup {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How many nodes EKS wants now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedScalingConfig {
    /// Nodes wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_size: Option<i32>,
}

/// The pace of an update as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedUpdateConfig {
    /// Most nodes that an update takes away at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<i32>,
    /// The same, in percent of the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable_percentage: Option<i32>,
}
