//! What differs between a subnet as it is wanted and as it is.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::{Subnet, SubnetState};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{Spec, Status};
use crate::ec2::{cidr, tags};

/// The resource as the lifecycle wants to know it.
pub(super) fn present(spec: &Spec, applied: &BTreeSet<String>, subnet: &Subnet) -> Present<Status> {
    let state = match subnet.state {
        Some(SubnetState::Available) => State::Ready,
        Some(SubnetState::Failed | SubnetState::FailedInsufficientCapacity) => State::Failed {
            message: "the subnet failed: its zone or Outpost could not hold it".to_owned(),
            replace: true,
        },
        _ => State::Creating,
    };
    Present {
        diff: drifts(spec, applied, subnet),
        owner: tags::owner(subnet.tags.as_deref()),
        external_name: subnet.subnet_id.clone(),
        ..Present::new(status(subnet), state)
    }
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, subnet: &Subnet) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let range = cidr::canonical(&spec.cidr_block);
    drifts.immutable("cidrBlock", Some(&range), subnet.cidr_block.as_ref());
    drifts.immutable(
        "availabilityZone",
        spec.availability_zone.as_ref(),
        subnet.availability_zone.as_ref(),
    );
    drifts.immutable(
        "availabilityZoneId",
        spec.availability_zone_id.as_ref(),
        subnet.availability_zone_id.as_ref(),
    );
    drifts.immutable("vpcId", spec.vpc_id.as_ref(), subnet.vpc_id.as_ref());
    let ranges = subnet.ipv6_cidr_block_association_set().iter();
    let ranges: Vec<_> = ranges.filter_map(|range| range.ipv6_cidr_block()).collect();
    if let Some(wanted) = spec.ipv6_cidr_block.as_deref().map(cidr::canonical)
        && !ranges.contains(&wanted.as_str())
    {
        drifts.push("ipv6CIDRBlock", wanted, &ranges, true);
    }
    drifts.field(
        "mapPublicIPOnLaunch",
        spec.map_public_ip_on_launch.as_ref(),
        subnet.map_public_ip_on_launch.as_ref(),
    );
    drifts.field(
        "assignIpv6AddressOnCreation",
        spec.assign_ipv6_address_on_creation.as_ref(),
        subnet.assign_ipv6_address_on_creation.as_ref(),
    );
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(subnet.tags.as_deref()), applied));
    drifts.into_vec()
}

fn status(subnet: &Subnet) -> Status {
    Status {
        available_ip_address_count: subnet.available_ip_address_count,
        default_for_az: subnet.default_for_az,
        subnet_id: subnet.subnet_id.clone(),
        subnet_state: subnet.state.as_ref().map(|state| state.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::present;
    use crate::ec2::subnet::Spec;
    use capstan_cloud::aws_sdk_ec2::types::{Subnet, SubnetState};
    use capstan_provision::State;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn spec(value: serde_json::Value) -> Spec {
        serde_json::from_value(value).expect("it is valid")
    }

    fn subnet() -> Subnet {
        Subnet::builder()
            .subnet_id("subnet-1")
            .vpc_id("vpc-1")
            .cidr_block("10.0.1.0/24")
            .availability_zone("eu-west-1a")
            .map_public_ip_on_launch(false)
            .state(SubnetState::Available)
            .build()
    }

    #[test]
    fn the_misspelt_field_of_many_manifests_is_not_read() {
        let spec = spec(json!({"cidrBlock": "10.0.1.0/24", "mapPublicIpOnLaunch": true}));
        assert_eq!(spec.map_public_ip_on_launch, None);
        let present = present(&spec, &BTreeSet::new(), &subnet());
        assert_eq!((present.diff, present.state), (vec![], State::Ready));
    }

    #[test]
    fn launch_attributes_change_and_places_do_not() {
        let spec = spec(json!({
            "cidrBlock": "10.0.2.0/24", "availabilityZone": "eu-west-1b", "vpcId": "vpc-2",
            "mapPublicIPOnLaunch": true, "assignIpv6AddressOnCreation": true,
        }));
        let diff = present(&spec, &BTreeSet::new(), &subnet()).diff;
        let fields: Vec<_> = diff.iter().map(|d| (d.field.as_str(), d.immutable)).collect();
        assert_eq!(
            fields,
            [
                ("cidrBlock", true),
                ("availabilityZone", true),
                ("vpcId", true),
                ("mapPublicIPOnLaunch", false),
                ("assignIpv6AddressOnCreation", false),
            ]
        );
    }
}
