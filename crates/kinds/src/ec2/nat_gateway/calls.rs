//! The calls of a NAT gateway's life.

use capstan_cloud::aws_sdk_ec2::types::{ConnectivityType, NatGateway as Seen, ResourceType};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::NatGateway;
use super::diff::choose;
use crate::aws::found;
use crate::ec2::tags;

/// The gateway by its id or owner tag; one that EC2 still lists as deleted is not there.
pub(super) async fn find(cx: &Context<'_, NatGateway>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_nat_gateways();
    let request = match cx.external_name {
        Some(id) => request.nat_gateway_ids(id),
        None => request.filter(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeNatGateways", request.send()).await;
    let gateways = found(answer)?.and_then(|answer| answer.nat_gateways);
    Ok(choose(gateways.unwrap_or_default()))
}

/// Asks for a gateway; it is pending for about two minutes.
pub(super) async fn create(cx: &Context<'_, NatGateway>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let tags = tags::specification(ResourceType::Natgateway, &NatGateway::tags(spec), cx.uid);
    let request = cx
        .clients
        .ec2()
        .create_nat_gateway()
        .client_token(cx.client_token)
        .set_allocation_id(spec.allocation_id.clone())
        .set_subnet_id(spec.subnet_id.clone())
        .set_connectivity_type(spec.connectivity_type.as_deref().map(ConnectivityType::from))
        .tag_specifications(tags);
    let answer = cx.clients.call(Service::Ec2, "CreateNatGateway", request.send()).await?;
    Ok(Created { external_name: answer.nat_gateway.and_then(|gateway| gateway.nat_gateway_id) })
}

/// Puts tags right; nothing else can change.
pub(super) async fn update(cx: &Context<'_, NatGateway>, diff: &[Drift]) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    tags::correct(cx.clients, id, &NatGateway::tags(cx.spec), cx.applied_tags, diff).await
}

/// Asks for the removal; the gateway holds its address until it is deleted.
pub(super) async fn delete(cx: &Context<'_, NatGateway>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let request = cx.clients.ec2().delete_nat_gateway().nat_gateway_id(id);
    found(cx.clients.call(Service::Ec2, "DeleteNatGateway", request.send()).await).map(drop)
}
