//! What users write and what AWS answers, with the field names of provider-aws.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ec2::tags::Tag;
use crate::refs::{Ref, Selector};

/// What is wanted of a route table: `spec.forProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Subnets that use the table.
    pub associations: Vec<Association>,
    /// Leave the routes to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_routes: Option<bool>,
    /// AWS region, such as `eu-west-1`.
    pub region: String,
    /// Routes; the local one is implied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Route>>,
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

/// A subnet that uses the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// Subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
    /// Names the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_ref: Option<Ref>,
    /// Selects the subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id_selector: Option<Selector>,
}

/// A route: one destination, one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// IPv4 range that the route is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<String>,
    /// IPv6 range that the route is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<String>,
    /// Egress-only internet gateway, for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_only_internet_gateway_id: Option<String>,
    /// Internet or virtual private gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    /// Names the internet gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id_ref: Option<Ref>,
    /// Selects the internet gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id_selector: Option<Selector>,
    /// Instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Local gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_gateway_id: Option<String>,
    /// NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
    /// Names the NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id_ref: Option<Ref>,
    /// Selects the NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id_selector: Option<Selector>,
    /// Network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// Transit gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_gateway_id: Option<String>,
    /// Peering connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<String>,
}

/// What AWS says of a route table: `status.atProvider`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Subnets that use the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associations: Option<Vec<ObservedAssociation>>,
    /// Account that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Id of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table_id: Option<String>,
    /// Routes; the local one is implied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<ObservedRoute>>,
}

/// An association as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedAssociation {
    /// Id of the association.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_id: Option<String>,
    /// Is it the VPC's main table?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<bool>,
    /// State, in AWS' words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<String>,
}

/// A route as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedRoute {
    /// IPv4 range that the route is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<String>,
    /// IPv6 range that the route is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<String>,
    /// Internet or virtual private gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    /// Instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Local gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_gateway_id: Option<String>,
    /// NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
    /// Network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    /// State, in AWS' words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Transit gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_gateway_id: Option<String>,
    /// Peering connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<String>,
}
