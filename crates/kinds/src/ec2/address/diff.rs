//! What differs between an address as it is wanted and as it is.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::Address;
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{Spec, Status};
use crate::ec2::tags;

/// The resource as the lifecycle wants to know it: an address is ready as soon as it exists.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    address: &Address,
) -> Present<Status> {
    Present {
        diff: drifts(spec, applied, address),
        owner: tags::owner(address.tags.as_deref()),
        external_name: id(address).map(str::to_owned),
        ..Present::new(status(address), State::Ready)
    }
}

/// The allocation id, or the address itself where it has none, as in EC2-Classic.
fn id(address: &Address) -> Option<&str> {
    address.allocation_id().or(address.public_ip())
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, address: &Address) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let domain = address.domain.as_ref().map(|domain| domain.as_str().to_owned());
    drifts.immutable("domain", spec.domain.as_ref(), domain.as_ref());
    drifts.immutable("address", spec.address.as_ref(), address.public_ip.as_ref());
    drifts.immutable(
        "publicIpv4Pool",
        spec.public_ipv4_pool.as_ref(),
        address.public_ipv4_pool.as_ref(),
    );
    drifts.immutable(
        "customerOwnedIPv4Pool",
        spec.customer_owned_ipv4_pool.as_ref(),
        address.customer_owned_ipv4_pool.as_ref(),
    );
    drifts.immutable(
        "networkBorderGroup",
        spec.network_border_group.as_ref(),
        address.network_border_group.as_ref(),
    );
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(address.tags.as_deref()), applied));
    drifts.into_vec()
}

fn status(address: &Address) -> Status {
    Status {
        allocation_id: address.allocation_id.clone(),
        association_id: address.association_id.clone(),
        customer_owned_ip: address.customer_owned_ip.clone(),
        customer_owned_ipv4_pool: address.customer_owned_ipv4_pool.clone(),
        domain: address.domain.as_ref().map(|domain| domain.as_str().to_owned()),
        instance_id: address.instance_id.clone(),
        network_border_group: address.network_border_group.clone(),
        network_interface_id: address.network_interface_id.clone(),
        network_interface_owner_id: address.network_interface_owner_id.clone(),
        private_ip_address: address.private_ip_address.clone(),
        public_ip: address.public_ip.clone(),
        public_ipv4_pool: address.public_ipv4_pool.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::present;
    use crate::ec2::address::Spec;
    use capstan_cloud::aws_sdk_ec2::types::{Address, DomainType, Tag};
    use capstan_provision::{Owner, State, tags::OWNER_TAG};
    use serde_json::json;
    use std::collections::BTreeSet;

    fn address() -> Address {
        Address::builder()
            .allocation_id("eipalloc-1")
            .public_ip("192.0.2.1")
            .domain(DomainType::Vpc)
            .tags(Tag::builder().key(OWNER_TAG).value("uid-1").build())
            .build()
    }

    #[test]
    fn an_address_is_known_by_its_allocation() {
        let spec: Spec = serde_json::from_value(json!({"region": "eu-west-1", "domain": "vpc"}))
            .expect("it is valid");
        let present = present(&spec, &BTreeSet::new(), &address());
        assert_eq!((present.state, present.diff), (State::Ready, vec![]));
        assert_eq!(present.external_name.as_deref(), Some("eipalloc-1"));
        assert_eq!(present.owner, Owner::Uid("uid-1".to_owned()));
        assert_eq!(present.status.public_ip.as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn only_tags_can_change() {
        let spec: Spec = serde_json::from_value(json!({
            "region": "eu-west-1", "domain": "standard", "tags": [{"key": "a", "value": "b"}],
        }))
        .expect("it is valid");
        let diff = present(&spec, &BTreeSet::new(), &address()).diff;
        let fields: Vec<_> = diff.iter().map(|d| (d.field.as_str(), d.immutable)).collect();
        assert_eq!(fields, [("domain", true), ("tags", false)]);
    }
}
