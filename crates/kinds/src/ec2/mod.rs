//! EC2 networking: VPCs, subnets, gateways, addresses, route tables.
//!
//! EC2 models no errors, so what is absent is known by its code; most creates take no token, so the
//! owner tag is part of each create call and finds the resource again.

pub mod address;
mod cidr;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod route_table;
pub mod subnet;
pub mod tags;
pub mod vpc;

pub(crate) use cidr::canonical as canonical_range;

pub use address::Address;
pub use internet_gateway::InternetGateway;
pub use nat_gateway::NatGateway;
pub use route_table::RouteTable;
pub use subnet::Subnet;
pub use vpc::Vpc;

/// API group of these kinds.
pub const GROUP: &str = "ec2.aws.crossplane.io";

#[cfg(test)]
mod tests {
    use crate::aws::schemas::compare;

    #[test]
    fn schemas_are_those_of_provider_aws() {
        compare::<super::Vpc>(include_str!("vpc/schema.txt"));
        compare::<super::Subnet>(include_str!("subnet/schema.txt"));
        compare::<super::InternetGateway>(include_str!("internet_gateway/schema.txt"));
        compare::<super::Address>(include_str!("address/schema.txt"));
        compare::<super::NatGateway>(include_str!("nat_gateway/schema.txt"));
        compare::<super::RouteTable>(include_str!("route_table/schema.txt"));
    }
}
