//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;

/// What is wanted of an address (Elastic IP): `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Address to recover, or out of the own pool; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Pool of customer-owned addresses; cannot change.
    #[serde(rename = "customerOwnedIPv4Pool", skip_serializing_if = "Option::is_none")]
    pub customer_owned_ipv4_pool: Option<String>,
    /// `vpc`, or `standard` for the retired EC2-Classic; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["vpc", "standard"]))]
    pub domain: Option<String>,
    /// Zones that advertise the address; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_border_group: Option<String>,
    /// Pool of own public addresses; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv4_pool: Option<String>,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Tags; keys that we did not set are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// What AWS says of an address (Elastic IP): `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Allocation id of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// Id of the association.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_id: Option<String>,
    /// Customer-owned address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_owned_ip: Option<String>,
    /// Pool of customer-owned addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_owned_ipv4_pool: Option<String>,
    /// `vpc`, or `standard` for the retired EC2-Classic; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Instance that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Zones that advertise the address; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_border_group: Option<String>,
    /// Interface that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// Account of that interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_owner_id: Option<String>,
    /// Private address behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
    /// Pool of own public addresses; cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv4_pool: Option<String>,
}
