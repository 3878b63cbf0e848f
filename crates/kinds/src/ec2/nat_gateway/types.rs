//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;
use crate::refs::{Ref, Selector};

/// What is wanted of a NAT gateway: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Allocation id of its address; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// Names the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id_ref: Option<Ref>,
    /// Selects the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id_selector: Option<Selector>,
    /// `public` (the default) or `private`; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["public", "private"]))]
    pub connectivity_type: Option<String>,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Subnet that it is in; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Names the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_ref: Option<Ref>,
    /// Selects the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_selector: Option<Selector>,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// What AWS says of a NAT gateway: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub create_time: Option<String>,
    /// When it was deleted, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub delete_time: Option<String>,
    /// Why the gateway failed, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// Why the gateway failed, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// Its addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_addresses: Option<Vec<NatGatewayAddress>>,
    /// Id of the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
    /// `pending`, `available`, `failed`, `deleting` or `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// VPC that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
}

/// An address of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NatGatewayAddress {
    /// Allocation id of its address; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// Network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// Private address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<String>,
    /// Public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
}
