//! The calls of an internet gateway's life.

use capstan_cloud::aws_sdk_ec2::types::{InternetGateway as Seen, ResourceType};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::InternetGateway;
use crate::aws::{drift, found};
use crate::ec2::tags;

/// The gateway by its id or owner tag.
pub(super) async fn find(cx: &Context<'_, InternetGateway>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_internet_gateways();
    let request = match cx.external_name {
        Some(id) => request.internet_gateway_ids(id),
        None => request.filters(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeInternetGateways", request.send()).await;
    let gateways = found(answer)?.and_then(|answer| answer.internet_gateways);
    Ok(gateways.into_iter().flatten().next())
}

/// Creates the gateway; the first update attaches it.
pub(super) async fn create(cx: &Context<'_, InternetGateway>) -> Result<Created, CloudError> {
    let tags = InternetGateway::tags(cx.spec);
    let tags = tags::specification(ResourceType::InternetGateway, &tags, cx.uid);
    let request = cx.clients.ec2().create_internet_gateway().tag_specifications(tags);
    let answer = cx.clients.call(Service::Ec2, "CreateInternetGateway", request.send()).await?;
    let id = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
    Ok(Created { external_name: id })
}

/// Attaches the gateway, after it is detached from another VPC, and puts its tags right.
pub(super) async fn update(
    cx: &Context<'_, InternetGateway>,
    diff: &[Drift],
) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    if let (Some(drift), Some(vpc)) = (drift(diff, "vpcId"), cx.spec.vpc_id.as_deref()) {
        if let Some(other) = drift.found.as_str() {
            detach(cx, id, other).await?;
        }
        let request =
            cx.clients.ec2().attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
        let answer = cx.clients.call(Service::Ec2, "AttachInternetGateway", request.send()).await;
        match answer {
            // What an earlier, unanswered call did, if EC2 says so of this gateway.
            Err(error) if error.code == "Resource.AlreadyAssociated" && is_ours(&error, id) => {}
            answer => drop(answer?),
        }
    }
    let wanted = InternetGateway::tags(cx.spec);
    tags::correct(cx.clients, id, &wanted, cx.applied_tags, diff).await
}

fn is_ours(error: &CloudError, id: &str) -> bool {
    error.message.contains(id)
}

/// Detaches and deletes the gateway; EC2 refuses while an address of the VPC is mapped.
pub(super) async fn delete(cx: &Context<'_, InternetGateway>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let Some(gateway) = find(cx).await? else { return Ok(()) };
    for vpc in gateway.attachments().iter().filter_map(|attachment| attachment.vpc_id()) {
        detach(cx, id, vpc).await?;
    }
    let request = cx.clients.ec2().delete_internet_gateway().internet_gateway_id(id);
    found(cx.clients.call(Service::Ec2, "DeleteInternetGateway", request.send()).await).map(drop)
}

async fn detach(cx: &Context<'_, InternetGateway>, id: &str, vpc: &str) -> Result<(), CloudError> {
    let request = cx.clients.ec2().detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
    let answer = cx.clients.call(Service::Ec2, "DetachInternetGateway", request.send()).await;
    match answer {
        Err(error) if error.code == "Gateway.NotAttached" => Ok(()),
        answer => found(answer).map(drop),
    }
}
