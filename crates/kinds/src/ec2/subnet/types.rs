//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;
use crate::refs::{Ref, Selector};

/// What is wanted of a subnet: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Give new interfaces an IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_ipv6_address_on_creation: Option<bool>,
    /// Zone by name; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Zone by id; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone_id: Option<String>,
    /// IPv4 range; cannot change.
    pub cidr_block: String,
    /// IPv6 range; cannot change.
    #[serde(rename = "ipv6CIDRBlock", skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<String>,
    /// Give new interfaces a public address.
    #[serde(rename = "mapPublicIPOnLaunch", skip_serializing_if = "Option::is_none")]
    pub map_public_ip_on_launch: Option<bool>,
    /// AWS region, such as `eu-west-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// VPC that it belongs to; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// Names the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id_ref: Option<Ref>,
    /// Selects the VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id_selector: Option<Selector>,
}

/// What AWS says of a subnet: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Addresses left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_ip_address_count: Option<i32>,
    /// Is it the default subnet of its zone?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_for_az: Option<bool>,
    /// Id of the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// `pending` or `available`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["pending", "available"]))]
    pub subnet_state: Option<String>,
}
