//! The calls of a subnet's life.

use capstan_cloud::aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Subnet as Seen};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::Subnet;
use crate::aws::{found, touches};
use crate::ec2::tags;

/// The subnet by its id or owner tag.
pub(super) async fn find(cx: &Context<'_, Subnet>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_subnets();
    let request = match cx.external_name {
        Some(id) => request.subnet_ids(id),
        None => request.filters(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeSubnets", request.send()).await;
    let subnets = found(answer)?.and_then(|answer| answer.subnets);
    Ok(subnets.into_iter().flatten().next())
}

/// Creates the subnet; launch attributes follow in the first update.
pub(super) async fn create(cx: &Context<'_, Subnet>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let request = cx
        .clients
        .ec2()
        .create_subnet()
        .set_vpc_id(spec.vpc_id.clone())
        .cidr_block(&spec.cidr_block)
        .set_ipv6_cidr_block(spec.ipv6_cidr_block.clone())
        .set_availability_zone(spec.availability_zone.clone())
        .set_availability_zone_id(spec.availability_zone_id.clone())
        .tag_specifications(tags::specification(ResourceType::Subnet, &Subnet::tags(spec), cx.uid));
    let answer = cx.clients.call(Service::Ec2, "CreateSubnet", request.send()).await?;
    Ok(Created { external_name: answer.subnet.and_then(|subnet| subnet.subnet_id) })
}

/// Puts launch attributes and tags right; AWS takes one attribute a call.
pub(super) async fn update(cx: &Context<'_, Subnet>, diff: &[Drift]) -> Result<(), CloudError> {
    const OPERATION: &str = "ModifySubnetAttribute";
    let Some(id) = cx.external_name else { return Ok(()) };
    let (clients, client) = (cx.clients, cx.clients.ec2());
    let value = |wanted| AttributeBooleanValue::builder().set_value(wanted).build();
    if touches(diff, "mapPublicIPOnLaunch") {
        let wanted = value(cx.spec.map_public_ip_on_launch);
        let request = client.modify_subnet_attribute().subnet_id(id);
        let request = request.map_public_ip_on_launch(wanted);
        clients.call(Service::Ec2, OPERATION, request.send()).await?;
    }
    if touches(diff, "assignIpv6AddressOnCreation") {
        let wanted = value(cx.spec.assign_ipv6_address_on_creation);
        let request = client.modify_subnet_attribute().subnet_id(id);
        let request = request.assign_ipv6_address_on_creation(wanted);
        clients.call(Service::Ec2, OPERATION, request.send()).await?;
    }
    tags::correct(clients, id, &Subnet::tags(cx.spec), cx.applied_tags, diff).await
}

/// Deletes the subnet; EC2 refuses while an interface is in it.
pub(super) async fn delete(cx: &Context<'_, Subnet>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let request = cx.clients.ec2().delete_subnet().subnet_id(id);
    found(cx.clients.call(Service::Ec2, "DeleteSubnet", request.send()).await).map(drop)
}
