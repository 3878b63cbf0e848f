//! The calls of a route table's life.

use capstan_cloud::aws_sdk_ec2::types::{ResourceType, RouteTable as Seen};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::RouteTable;
use super::diff::associations;
use super::types::{Association, ObservedAssociation, ObservedRoute, Route};
use crate::aws::found;
use crate::ec2::tags;

type Cx<'a> = Context<'a, RouteTable>;

/// The table by its id or owner tag.
pub(super) async fn find(cx: &Cx<'_>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_route_tables();
    let request = match cx.external_name {
        Some(id) => request.route_table_ids(id),
        None => request.filters(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeRouteTables", request.send()).await;
    let tables = found(answer)?.and_then(|answer| answer.route_tables);
    Ok(tables.into_iter().flatten().next())
}

/// Creates the table; routes and associations follow in the first update.
pub(super) async fn create(cx: &Cx<'_>) -> Result<Created, CloudError> {
    let tags = tags::specification(ResourceType::RouteTable, &RouteTable::tags(cx.spec), cx.uid);
    let request = cx
        .clients
        .ec2()
        .create_route_table()
        .client_token(cx.client_token)
        .set_vpc_id(cx.spec.vpc_id.clone())
        .tag_specifications(tags);
    let answer = cx.clients.call(Service::Ec2, "CreateRouteTable", request.send()).await?;
    Ok(Created { external_name: answer.route_table.and_then(|table| table.route_table_id) })
}

/// Puts routes, associations and tags right, one by one.
pub(super) async fn update(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    for drift in diff.iter().filter(|drift| drift.field == "routes") {
        match (read(&drift.wanted), read(&drift.found)) {
            (Some(wanted), None) => create_route(cx, id, &wanted).await?,
            (Some(wanted), Some(ObservedRoute { .. })) => replace_route(cx, id, &wanted).await?,
            (None, Some(extra)) => delete_route(cx, id, &extra).await?,
            (None, None) => {}
        }
    }
    for drift in diff.iter().filter(|drift| drift.field == "associations") {
        if let Some(Association { subnet_id: Some(subnet), .. }) = read(&drift.wanted) {
            associate(cx, id, &subnet).await?;
        }
        if let Some(ObservedAssociation { association_id: Some(extra), .. }) = read(&drift.found) {
            disassociate(cx, &extra).await?;
        }
    }
    tags::correct(cx.clients, id, &RouteTable::tags(cx.spec), cx.applied_tags, diff).await
}

/// One side of a drift of a list: nothing, or the element.
fn read<T: DeserializeOwned>(side: &Value) -> Option<T> {
    serde_json::from_value::<Option<T>>(side.clone()).ok().flatten()
}

/// Sets where a route leads and through what; the two requests have the same fields and no common
/// type.
macro_rules! with_route {
    ($request:expr, $route:expr) => {
        $request
            .set_destination_cidr_block($route.destination_cidr_block.clone())
            .set_destination_ipv6_cidr_block($route.destination_ipv6_cidr_block.clone())
            .set_egress_only_internet_gateway_id($route.egress_only_internet_gateway_id.clone())
            .set_gateway_id($route.gateway_id.clone())
            .set_instance_id($route.instance_id.clone())
            .set_local_gateway_id($route.local_gateway_id.clone())
            .set_nat_gateway_id($route.nat_gateway_id.clone())
            .set_network_interface_id($route.network_interface_id.clone())
            .set_transit_gateway_id($route.transit_gateway_id.clone())
            .set_vpc_peering_connection_id($route.vpc_peering_connection_id.clone())
    };
}

async fn create_route(cx: &Cx<'_>, id: &str, route: &Route) -> Result<(), CloudError> {
    let request = with_route!(cx.clients.ec2().create_route().route_table_id(id), route);
    match cx.clients.call(Service::Ec2, "CreateRoute", request.send()).await {
        // Made since it was looked for, or not shown yet: whatever its target is, ours is wanted.
        Err(error) if error.is_exists() => replace_route(cx, id, route).await,
        answer => answer.map(drop),
    }
}

async fn replace_route(cx: &Cx<'_>, id: &str, route: &Route) -> Result<(), CloudError> {
    let request = with_route!(cx.clients.ec2().replace_route().route_table_id(id), route);
    cx.clients.call(Service::Ec2, "ReplaceRoute", request.send()).await.map(drop)
}

async fn delete_route(cx: &Cx<'_>, id: &str, route: &ObservedRoute) -> Result<(), CloudError> {
    let request = cx
        .clients
        .ec2()
        .delete_route()
        .route_table_id(id)
        .set_destination_cidr_block(route.destination_cidr_block.clone())
        .set_destination_ipv6_cidr_block(route.destination_ipv6_cidr_block.clone());
    found(cx.clients.call(Service::Ec2, "DeleteRoute", request.send()).await).map(drop)
}

async fn associate(cx: &Cx<'_>, id: &str, subnet: &str) -> Result<(), CloudError> {
    let request = cx.clients.ec2().associate_route_table().route_table_id(id).subnet_id(subnet);
    cx.clients.call(Service::Ec2, "AssociateRouteTable", request.send()).await.map(drop)
}

async fn disassociate(cx: &Cx<'_>, association: &str) -> Result<(), CloudError> {
    let request = cx.clients.ec2().disassociate_route_table().association_id(association);
    found(cx.clients.call(Service::Ec2, "DisassociateRouteTable", request.send()).await).map(drop)
}

/// Disassociates every subnet and deletes the table.
pub(super) async fn delete(cx: &Cx<'_>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let Some(table) = find(cx).await? else { return Ok(()) };
    for association in associations(&table).filter_map(|seen| seen.route_table_association_id()) {
        disassociate(cx, association).await?;
    }
    let request = cx.clients.ec2().delete_route_table().route_table_id(id);
    found(cx.clients.call(Service::Ec2, "DeleteRouteTable", request.send()).await).map(drop)
}
