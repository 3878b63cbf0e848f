//! What users write and what AWS answers, with the field names of provider-aws.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::refs::{Ref, Selector};

/// What is wanted of a cluster: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Envelope encryption of Secrets; can be added, not removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_config: Option<Vec<EncryptionConfig>>,
    /// Network of Pods and Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_network_config: Option<KubernetesNetworkConfig>,
    /// Logs that go to CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// Where the control plane runs on an Outpost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outpost_config: Option<OutpostConfig>,
    /// AWS region, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Network of the control plane.
    pub resources_vpc_config: ResourcesVpcConfig,
    /// Role that the control plane takes; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Names the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn_ref: Option<Ref>,
    /// Selects the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn_selector: Option<Selector>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Kubernetes version, `major.minor`; moves up only, one minor at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What is encrypted, and by which key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionConfig {
    /// Key that encrypts.
    pub provider: Provider,
    /// What is encrypted: `secrets`.
    pub resources: Vec<String>,
}

/// The key that encrypts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// ARN of a KMS key.
    pub key_arn: String,
}

/// The network of Pods and Services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesNetworkConfig {
    /// `ipv4` or `ipv6`; cannot change.
    pub ip_family: String,
    /// IPv4 range of Services; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ipv4_cidr: Option<String>,
}

/// Which logs go to CloudWatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// Which logs.
    pub cluster_logging: Vec<LogSetup>,
}

/// A set of logs, on or off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSetup {
    /// Are these logs on?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
}

/// Where the control plane runs on an Outpost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutpostConfig {
    /// Instance type of the control plane; cannot change.
    pub control_plane_instance_type: String,
    /// Outposts; cannot change.
    pub outpost_arns: Vec<String>,
}

/// The network of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesVpcConfig {
    /// Serve the API inside the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_private_access: Option<bool>,
    /// Serve the API to the internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_public_access: Option<bool>,
    /// Who may reach the public endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_access_cidrs: Option<Vec<String>>,
    /// Name the security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_id_refs: Option<Vec<Ref>>,
    /// Selects the security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_id_selector: Option<Selector>,
    /// Security groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
    /// Name the subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_refs: Option<Vec<Ref>>,
    /// Selects the subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_selector: Option<Selector>,
    /// Subnets, in at least two zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<Vec<String>>,
}

/// What AWS says of a cluster: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Certificate authority, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority_data: Option<String>,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub created_at: Option<String>,
    /// URL of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Who vouches for ServiceAccounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Network of Pods and Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_network_config: Option<ObservedKubernetesNetworkConfig>,
    /// Where the control plane runs on an Outpost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outpost_config: Option<ObservedOutpostConfig>,
    /// EKS platform version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Network of the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_vpc_config: Option<ObservedResourcesVpcConfig>,
    /// State, in AWS' words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Kubernetes version, `major.minor`; moves up only, one minor at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Who vouches for ServiceAccounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
}

/// The OpenID Connect issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Oidc {
    /// URL of the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// The network of Pods and Services as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedKubernetesNetworkConfig {
    /// `ipv4` or `ipv6`; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<String>,
    /// IPv4 range of Services; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ipv4_cidr: Option<String>,
    /// IPv6 range of Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_ipv6_cidr: Option<String>,
}

/// The Outpost as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedOutpostConfig {
    /// Instance type of the control plane; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane_instance_type: Option<String>,
    /// Outposts; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outpost_arns: Option<Vec<String>>,
}

/// What EKS made in the VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedResourcesVpcConfig {
    /// Security group that EKS made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_security_group_id: Option<String>,
    /// VPC that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
}
