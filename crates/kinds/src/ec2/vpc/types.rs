//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;

/// What is wanted of a VPC: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Ask Amazon for an IPv6 /56; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amazon_provided_ipv6_cidr_block: Option<bool>,
    /// IPv4 range; cannot change.
    pub cidr_block: String,
    /// Give instances public DNS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_host_names: Option<bool>,
    /// Resolve names with Amazon's server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<bool>,
    /// `default` or `dedicated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_tenancy: Option<String>,
    /// IPv6 range out of `ipv6Pool`; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<String>,
    /// Pool that the IPv6 range comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_pool: Option<String>,
    /// AWS region, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// What AWS says of a VPC: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// IPv4 ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block_association_set: Option<Vec<CidrBlockAssociation>>,
    /// DHCP options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_options_id: Option<String>,
    /// IPv6 ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block_association_set: Option<Vec<Ipv6CidrBlockAssociation>>,
    /// Is it the region's default VPC?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    /// Account that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Id of the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// `pending` or `available`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_state: Option<String>,
}

/// An IPv4 range of the VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CidrBlockAssociation {
    /// Id of the association.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_id: Option<String>,
    /// IPv4 range; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<String>,
    /// State of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block_state: Option<CidrBlockState>,
}

/// How far a range is associated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CidrBlockState {
    /// State, in AWS' words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why it is in that state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
}

/// An IPv6 range of the VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6CidrBlockAssociation {
    /// Id of the association.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_id: Option<String>,
    /// IPv6 range out of `ipv6Pool`; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<String>,
    /// State of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block_state: Option<CidrBlockState>,
    /// Pool that the IPv6 range comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_pool: Option<String>,
    /// Zones that advertise the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_border_group: Option<String>,
}
