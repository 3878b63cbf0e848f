//! What differs between a route table as it is wanted and as it is: each route and each association
//! by itself.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::{
    Route as SeenRoute, RouteOrigin, RouteState, RouteTable, RouteTableAssociation,
    RouteTableAssociationStateCode as AssociationCode,
};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};
use serde_json::Value;

use super::types::{Association, ObservedAssociation, ObservedRoute, Route, Spec, Status};
use crate::ec2::{cidr, tags};

/// The gateway id of the route inside the VPC, which every table has.
const LOCAL: &str = "local";

/// The resource as the lifecycle wants to know it.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    table: &RouteTable,
) -> Present<Status> {
    let mut drifts = Drifts::new();
    compare_routes(&mut drifts, spec, table);
    compare_associations(&mut drifts, spec, table);
    let missing = drifts.into_vec();
    let state = state(spec, table, &missing);

    let mut drifts = Drifts::new();
    drifts.immutable("vpcId", spec.vpc_id.as_ref(), table.vpc_id.as_ref());
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(table.tags.as_deref()), applied));
    let diff = missing.into_iter().chain(drifts.into_vec()).collect();
    Present {
        diff,
        owner: tags::owner(table.tags.as_deref()),
        external_name: table.route_table_id.clone(),
        ..Present::new(status(table), state)
    }
}

/// Ready when every wanted route is active and every wanted subnet associated. What is there beside
/// them does not count.
fn state(spec: &Spec, table: &RouteTable, diff: &[Drift]) -> State {
    if let Some(message) = failure(spec, table) {
        return State::Failed { message, replace: false };
    }
    let missing = diff.iter().any(|drift| !drift.wanted.is_null());
    let associating = associations(table)
        .any(|association| code(association) == Some(AssociationCode::Associating));
    if missing || associating { State::Creating } else { State::Ready }
}

fn failure(spec: &Spec, table: &RouteTable) -> Option<String> {
    let dead = wanted_routes(spec).find(|wanted| {
        let seen = table.routes().iter().find(|seen| leads_to(seen, wanted));
        seen.is_some_and(|seen| {
            seen.state == Some(RouteState::Blackhole) && same_target(seen, wanted)
        })
    });
    if let Some(route) = dead {
        let to = destination(route).unwrap_or_default();
        return Some(format!("the route to {to} is a black hole: its target is gone or detached"));
    }
    let failed =
        table.associations().iter().find(|seen| code(seen) == Some(AssociationCode::Failed))?;
    let subnet = failed.subnet_id().unwrap_or("a subnet");
    let why = failed.association_state().and_then(|state| state.status_message());
    Some(format!("the association with {subnet} failed: {}", why.unwrap_or("EC2 says no more")))
}

fn compare_routes(drifts: &mut Drifts, spec: &Spec, table: &RouteTable) {
    if spec.routes.is_none() || spec.ignore_routes == Some(true) {
        return;
    }
    for wanted in wanted_routes(spec) {
        match table.routes().iter().find(|seen| leads_to(seen, wanted)) {
            None => drifts.push("routes", plain(wanted), Value::Null, false),
            Some(seen) if !same_target(seen, wanted) => {
                drifts.push("routes", plain(wanted), observed_route(seen), false);
            }
            Some(_) => {}
        }
    }
    let extra = table.routes().iter().filter(|seen| is_ours_to_delete(seen));
    for seen in extra.filter(|seen| !wanted_routes(spec).any(|wanted| leads_to(seen, wanted))) {
        drifts.push("routes", Value::Null, observed_route(seen), false);
    }
}

/// The routes that have to be made: the local one is there anyway.
fn wanted_routes(spec: &Spec) -> impl Iterator<Item = &Route> {
    let routes = spec.routes.as_deref().unwrap_or_default().iter();
    routes.filter(|route| {
        let mut targets = targets(route).into_iter().flatten();
        targets.next().is_some_and(|target| target != LOCAL)
    })
}

/// The eight targets of a route, of which one is set.
fn targets(route: &Route) -> [Option<&str>; 8] {
    [
        route.egress_only_internet_gateway_id.as_deref(),
        route.gateway_id.as_deref(),
        route.instance_id.as_deref(),
        route.local_gateway_id.as_deref(),
        route.nat_gateway_id.as_deref(),
        route.network_interface_id.as_deref(),
        route.transit_gateway_id.as_deref(),
        route.vpc_peering_connection_id.as_deref(),
    ]
}

/// The same eight of a route that was seen, in the same order.
fn seen_targets(route: &SeenRoute) -> [Option<&str>; 8] {
    [
        route.egress_only_internet_gateway_id(),
        route.gateway_id(),
        route.instance_id(),
        route.local_gateway_id(),
        route.nat_gateway_id(),
        route.network_interface_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
    ]
}

fn destination(route: &Route) -> Option<String> {
    let ipv4 = route.destination_cidr_block.as_deref();
    ipv4.or(route.destination_ipv6_cidr_block.as_deref()).map(cidr::canonical)
}

fn leads_to(seen: &SeenRoute, wanted: &Route) -> bool {
    let ipv4 = seen.destination_cidr_block();
    let seen = ipv4.or(seen.destination_ipv6_cidr_block()).map(cidr::canonical);
    seen.is_some() && seen == destination(wanted)
}

fn same_target(seen: &SeenRoute, wanted: &Route) -> bool {
    let pairs = targets(wanted).into_iter().zip(seen_targets(seen));
    pairs.into_iter().all(|(wanted, seen)| wanted.is_none() || wanted == seen)
}

/// Local routes, propagated ones and those of gateway endpoints belong to AWS.
fn is_ours_to_delete(seen: &SeenRoute) -> bool {
    let made = !matches!(
        seen.origin,
        Some(RouteOrigin::CreateRouteTable | RouteOrigin::EnableVgwRoutePropagation)
    );
    let gateway = seen.gateway_id().unwrap_or_default();
    made && gateway != LOCAL
        && !gateway.starts_with("vpce-")
        && seen.destination_prefix_list_id().is_none()
}

/// A route as it is sent: resolved, without the fields that it was resolved from.
fn plain(route: &Route) -> Route {
    Route {
        gateway_id_ref: None,
        gateway_id_selector: None,
        nat_gateway_id_ref: None,
        nat_gateway_id_selector: None,
        destination_cidr_block: route.destination_cidr_block.as_deref().map(cidr::canonical),
        destination_ipv6_cidr_block: route
            .destination_ipv6_cidr_block
            .as_deref()
            .map(cidr::canonical),
        ..route.clone()
    }
}

fn compare_associations(drifts: &mut Drifts, spec: &Spec, table: &RouteTable) {
    let wanted: BTreeSet<&str> =
        spec.associations.iter().filter_map(|wanted| wanted.subnet_id.as_deref()).collect();
    let seen: BTreeSet<&str> = associations(table).filter_map(|seen| seen.subnet_id()).collect();
    for subnet in wanted.difference(&seen) {
        let association =
            Association { subnet_id: Some((*subnet).to_owned()), ..Association::default() };
        drifts.push("associations", association, Value::Null, false);
    }
    for extra in associations(table) {
        if extra.subnet_id().is_some_and(|subnet| !wanted.contains(subnet)) {
            drifts.push("associations", Value::Null, observed_association(extra), false);
        }
    }
}

/// The associations with subnets that hold or are about to; the VPC's main one is none of them.
pub(super) fn associations(table: &RouteTable) -> impl Iterator<Item = &RouteTableAssociation> {
    table.associations().iter().filter(|association| {
        association.main != Some(true)
            && association.subnet_id.is_some()
            && !matches!(
                code(association),
                Some(AssociationCode::Disassociating | AssociationCode::Disassociated)
            )
    })
}

fn code(association: &RouteTableAssociation) -> Option<AssociationCode> {
    association.association_state().and_then(|state| state.state().cloned())
}

fn status(table: &RouteTable) -> Status {
    Status {
        associations: Some(table.associations().iter().map(observed_association).collect()),
        owner_id: table.owner_id.clone(),
        route_table_id: table.route_table_id.clone(),
        routes: Some(table.routes().iter().map(observed_route).collect()),
    }
}

fn observed_association(seen: &RouteTableAssociation) -> ObservedAssociation {
    ObservedAssociation {
        association_id: seen.route_table_association_id.clone(),
        main: seen.main,
        state: code(seen).map(|code| code.as_str().to_owned()),
        subnet_id: seen.subnet_id.clone(),
    }
}

fn observed_route(seen: &SeenRoute) -> ObservedRoute {
    ObservedRoute {
        destination_cidr_block: seen.destination_cidr_block.clone(),
        destination_ipv6_cidr_block: seen.destination_ipv6_cidr_block.clone(),
        gateway_id: seen.gateway_id.clone(),
        instance_id: seen.instance_id.clone(),
        local_gateway_id: seen.local_gateway_id.clone(),
        nat_gateway_id: seen.nat_gateway_id.clone(),
        network_interface_id: seen.network_interface_id.clone(),
        state: seen.state.as_ref().map(|state| state.as_str().to_owned()),
        transit_gateway_id: seen.transit_gateway_id.clone(),
        vpc_peering_connection_id: seen.vpc_peering_connection_id.clone(),
    }
}

#[cfg(test)]
mod tests;
