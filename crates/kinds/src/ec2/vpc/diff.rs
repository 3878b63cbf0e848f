//! What differs between a VPC as it is wanted and as it is.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::{Vpc, VpcCidrBlockState, VpcState};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{CidrBlockAssociation, CidrBlockState, Ipv6CidrBlockAssociation, Spec, Status};
use crate::ec2::{cidr, tags};

/// A VPC and its attributes, of which those were read that the manifest sets.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The VPC.
    pub vpc: Vpc,
    /// Are names resolved?
    pub dns_support: Option<bool>,
    /// Do instances get public names?
    pub dns_host_names: Option<bool>,
}

/// The resource as the lifecycle wants to know it.
pub(super) fn present(spec: &Spec, applied: &BTreeSet<String>, seen: &Seen) -> Present<Status> {
    let vpc = &seen.vpc;
    let state = match vpc.state {
        Some(VpcState::Available) => State::Ready,
        _ => State::Creating,
    };
    Present {
        diff: drifts(spec, applied, seen),
        owner: tags::owner(vpc.tags.as_deref()),
        external_name: vpc.vpc_id.clone(),
        ..Present::new(status(vpc), state)
    }
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, seen: &Seen) -> Vec<Drift> {
    let vpc = &seen.vpc;
    let mut drifts = Drifts::new();
    let range = cidr::canonical(&spec.cidr_block);
    drifts.immutable("cidrBlock", Some(&range), vpc.cidr_block.as_ref());
    let ranges = vpc.ipv6_cidr_block_association_set().iter();
    let ranges: Vec<_> = ranges.filter_map(|range| range.ipv6_cidr_block()).collect();
    if let Some(wanted) = spec.ipv6_cidr_block.as_deref().map(cidr::canonical)
        && !ranges.contains(&wanted.as_str())
    {
        drifts.push("ipv6CidrBlock", wanted, &ranges, true);
    }
    if spec.amazon_provided_ipv6_cidr_block == Some(true) && ranges.is_empty() {
        drifts.push("amazonProvidedIpv6CidrBlock", true, false, true);
    }
    drifts.field("enableDnsSupport", spec.enable_dns_support.as_ref(), seen.dns_support.as_ref());
    drifts.field(
        "enableDnsHostNames",
        spec.enable_dns_host_names.as_ref(),
        seen.dns_host_names.as_ref(),
    );
    let tenancy = vpc.instance_tenancy.as_ref().map(|tenancy| tenancy.as_str().to_owned());
    // AWS turns a dedicated VPC into a default one, never the other way.
    if spec.instance_tenancy.as_deref() == Some("default") {
        drifts.field("instanceTenancy", spec.instance_tenancy.as_ref(), tenancy.as_ref());
    } else {
        drifts.immutable("instanceTenancy", spec.instance_tenancy.as_ref(), tenancy.as_ref());
    }
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(vpc.tags.as_deref()), applied));
    drifts.into_vec()
}

fn status(vpc: &Vpc) -> Status {
    let ipv4 = vpc.cidr_block_association_set().iter().map(|range| CidrBlockAssociation {
        association_id: range.association_id.clone(),
        cidr_block: range.cidr_block.clone(),
        cidr_block_state: range.cidr_block_state.as_ref().map(block_state),
    });
    let ipv6 = vpc.ipv6_cidr_block_association_set().iter().map(|range| Ipv6CidrBlockAssociation {
        association_id: range.association_id.clone(),
        ipv6_cidr_block: range.ipv6_cidr_block.clone(),
        ipv6_cidr_block_state: range.ipv6_cidr_block_state.as_ref().map(block_state),
        ipv6_pool: range.ipv6_pool.clone(),
        network_border_group: range.network_border_group.clone(),
    });
    Status {
        cidr_block_association_set: Some(ipv4.collect()),
        dhcp_options_id: vpc.dhcp_options_id.clone(),
        ipv6_cidr_block_association_set: Some(ipv6.collect()),
        is_default: vpc.is_default,
        owner_id: vpc.owner_id.clone(),
        vpc_id: vpc.vpc_id.clone(),
        vpc_state: vpc.state.as_ref().map(|state| state.as_str().to_owned()),
    }
}

fn block_state(state: &VpcCidrBlockState) -> CidrBlockState {
    CidrBlockState {
        state: state.state.as_ref().map(|state| state.as_str().to_owned()),
        status_message: state.status_message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, present};
    use crate::ec2::vpc::Spec;
    use capstan_cloud::aws_sdk_ec2::types::{Tag, Tenancy, Vpc, VpcState};
    use capstan_provision::{Owner, State};
    use serde_json::json;
    use std::collections::BTreeSet;

    fn spec(value: serde_json::Value) -> Spec {
        serde_json::from_value(value).expect("it is valid")
    }

    fn seen() -> Seen {
        let vpc = Vpc::builder()
            .vpc_id("vpc-1")
            .owner_id("111122223333")
            .cidr_block("10.0.0.0/16")
            .state(VpcState::Available)
            .instance_tenancy(Tenancy::Default)
            .tags(Tag::builder().key("Name").value("a").build())
            .tags(Tag::builder().key("kubernetes.io/cluster/c").value("shared").build());
        Seen { vpc: vpc.build(), dns_support: Some(true), dns_host_names: None }
    }

    #[test]
    fn nothing_differs_from_what_was_not_written() {
        let spec =
            spec(json!({"cidrBlock": "10.0.7.1/16", "tags": [{"key": "Name", "value": "a"}]}));
        let present = present(&spec, &BTreeSet::new(), &seen());
        assert_eq!(present.diff, vec![]);
        assert_eq!(present.state, State::Ready);
        assert_eq!(present.owner, Owner::Nobody);
        assert_eq!(present.external_name.as_deref(), Some("vpc-1"));
        assert_eq!(present.status.owner_id.as_deref(), Some("111122223333"));
    }

    #[test]
    fn attributes_and_tags_are_put_right_and_ranges_are_not() {
        let spec = spec(json!({
            "cidrBlock": "10.1.0.0/16", "enableDnsSupport": true, "enableDnsHostNames": true,
            "instanceTenancy": "dedicated", "ipv6CidrBlock": "2001:db8::/56",
            "tags": [{"key": "Name", "value": "b"}],
        }));
        let diff = present(&spec, &BTreeSet::new(), &seen()).diff;
        let fields: Vec<_> = diff.iter().map(|d| (d.field.as_str(), d.immutable)).collect();
        assert_eq!(
            fields,
            [
                ("cidrBlock", true),
                ("ipv6CidrBlock", true),
                ("enableDnsHostNames", false),
                ("instanceTenancy", true),
                ("tags", false),
            ]
        );
    }

    #[test]
    fn a_pending_vpc_is_being_created() {
        let mut seen = seen();
        seen.vpc.state = Some(VpcState::Pending);
        assert_eq!(
            present(&spec(json!({"cidrBlock": "10.0.0.0/16"})), &BTreeSet::new(), &seen).state,
            State::Creating
        );
    }
}
