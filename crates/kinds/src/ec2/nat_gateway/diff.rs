//! What differs between a NAT gateway as it is wanted and as it is.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::{NatGateway, NatGatewayState};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{NatGatewayAddress, Spec, Status};
use crate::aws::{rfc3339, timestamp};
use crate::ec2::tags;

/// The gateway to look at among those that were found: EC2 lists a deleted one for about an hour,
/// beside the one that replaced it.
pub(super) fn choose(gateways: Vec<NatGateway>) -> Option<NatGateway> {
    let rank = |gateway: &NatGateway| match gateway.state {
        Some(NatGatewayState::Available) => 0,
        Some(NatGatewayState::Pending) => 1,
        Some(NatGatewayState::Failed) => 2,
        _ => 3,
    };
    let alive = gateways.into_iter().filter(|gateway| !is_deleted(gateway));
    alive.min_by_key(rank)
}

fn is_deleted(gateway: &NatGateway) -> bool {
    gateway.state == Some(NatGatewayState::Deleted)
}

/// The resource as the lifecycle wants to know it.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    gateway: &NatGateway,
) -> Present<Status> {
    let state = state(gateway);
    let diff = match state {
        State::Ready | State::Creating => drifts(spec, applied, gateway),
        _ => Vec::new(),
    };
    Present {
        diff,
        owner: tags::owner(gateway.tags.as_deref()),
        created_at: gateway.create_time.as_ref().and_then(timestamp),
        external_name: gateway.nat_gateway_id.clone(),
        ..Present::new(status(gateway), state)
    }
}

fn state(gateway: &NatGateway) -> State {
    match gateway.state {
        Some(NatGatewayState::Available) => State::Ready,
        Some(NatGatewayState::Deleting) => State::Deleting,
        Some(NatGatewayState::Failed) => {
            let code = gateway.failure_code().unwrap_or("unknown reason");
            let message = gateway.failure_message().unwrap_or("EC2 says no more");
            State::Failed { message: format!("{code}: {message}"), replace: true }
        }
        _ => State::Creating,
    }
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, gateway: &NatGateway) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let connectivity = gateway.connectivity_type.as_ref().map(|kind| kind.as_str().to_owned());
    drifts.immutable("connectivityType", spec.connectivity_type.as_ref(), connectivity.as_ref());
    let addresses = gateway.nat_gateway_addresses().iter();
    let allocations: Vec<_> = addresses.filter_map(|address| address.allocation_id()).collect();
    if let Some(wanted) = spec.allocation_id.as_deref()
        && !allocations.contains(&wanted)
    {
        drifts.push("allocationId", wanted, &allocations, true);
    }
    drifts.immutable("subnetId", spec.subnet_id.as_ref(), gateway.subnet_id.as_ref());
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(gateway.tags.as_deref()), applied));
    drifts.into_vec()
}

fn status(gateway: &NatGateway) -> Status {
    let addresses = gateway.nat_gateway_addresses().iter().map(|address| NatGatewayAddress {
        allocation_id: address.allocation_id.clone(),
        network_interface_id: address.network_interface_id.clone(),
        private_ip: address.private_ip.clone(),
        public_ip: address.public_ip.clone(),
    });
    Status {
        create_time: gateway.create_time.as_ref().and_then(rfc3339),
        delete_time: gateway.delete_time.as_ref().and_then(rfc3339),
        failure_code: gateway.failure_code.clone(),
        failure_message: gateway.failure_message.clone(),
        nat_gateway_addresses: Some(addresses.collect()),
        nat_gateway_id: gateway.nat_gateway_id.clone(),
        state: gateway.state.as_ref().map(|state| state.as_str().to_owned()),
        vpc_id: gateway.vpc_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{choose, present};
    use crate::ec2::nat_gateway::Spec;
    use capstan_cloud::aws_sdk_ec2::types::{NatGateway, NatGatewayAddress, NatGatewayState};
    use capstan_provision::State;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn gateway(id: &str, state: NatGatewayState) -> NatGateway {
        NatGateway::builder()
            .nat_gateway_id(id)
            .state(state)
            .subnet_id("subnet-1")
            .nat_gateway_addresses(NatGatewayAddress::builder().allocation_id("eipalloc-1").build())
            .failure_code("Gateway.NotAttached")
            .failure_message("Network vpc-1 has no Internet gateway attached")
            .build()
    }

    fn spec(subnet: &str, allocation: &str) -> Spec {
        let spec = json!({"region": "r", "subnetId": subnet, "allocationId": allocation});
        serde_json::from_value(spec).expect("it is valid")
    }

    #[test]
    fn a_deleted_gateway_is_absent() {
        use NatGatewayState::{Deleted, Failed, Pending};
        assert_eq!(choose(vec![gateway("nat-1", Deleted)]), None);
        let chosen = choose(vec![
            gateway("nat-1", Deleted),
            gateway("nat-2", Failed),
            gateway("nat-3", Pending),
        ]);
        assert_eq!(chosen.expect("it is valid").nat_gateway_id(), Some("nat-3"));
    }

    #[test]
    fn a_failed_gateway_says_why_and_is_replaced() {
        let spec = spec("subnet-1", "eipalloc-1");
        let seen = present(&spec, &BTreeSet::new(), &gateway("nat-1", NatGatewayState::Failed));
        let State::Failed { message, replace } = seen.state else { panic!("{:?}", seen.state) };
        assert_eq!(message, "Gateway.NotAttached: Network vpc-1 has no Internet gateway attached");
        assert!(replace);
        assert_eq!(seen.diff, vec![]);
    }

    #[test]
    fn states_are_told_apart() {
        let state = |state| {
            present(&spec("subnet-1", "eipalloc-1"), &BTreeSet::new(), &gateway("nat-1", state))
                .state
        };
        assert_eq!(state(NatGatewayState::Pending), State::Creating);
        assert_eq!(state(NatGatewayState::Available), State::Ready);
        assert_eq!(state(NatGatewayState::Deleting), State::Deleting);
    }

    #[test]
    fn neither_subnet_nor_address_can_change() {
        let spec = spec("subnet-2", "eipalloc-2");
        let diff =
            present(&spec, &BTreeSet::new(), &gateway("nat-1", NatGatewayState::Available)).diff;
        let fields: Vec<_> = diff.iter().map(|d| (d.field.as_str(), d.immutable)).collect();
        assert_eq!(fields, [("allocationId", true), ("subnetId", true)]);
    }
}
