//! The calls of a VPC's life.

use capstan_cloud::aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType, Tenancy, VpcAttributeName, VpcTenancy,
};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::Vpc;
use super::diff::Seen;
use crate::aws::{found, touches};
use crate::ec2::tags;

/// The VPC by its id or owner tag; attributes cost a call each and are read only where the manifest
/// sets them.
pub(super) async fn find(cx: &Context<'_, Vpc>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_vpcs();
    let request = match cx.external_name {
        Some(id) => request.vpc_ids(id),
        None => request.filters(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeVpcs", request.send()).await;
    let vpcs = found(answer)?.and_then(|answer| answer.vpcs);
    let Some(vpc) = vpcs.into_iter().flatten().next() else { return Ok(None) };
    let id = vpc.vpc_id().unwrap_or_default();
    let dns_support = match cx.spec.enable_dns_support {
        Some(_) => attribute(cx, id, VpcAttributeName::EnableDnsSupport).await?,
        None => None,
    };
    let dns_host_names = match cx.spec.enable_dns_host_names {
        Some(_) => attribute(cx, id, VpcAttributeName::EnableDnsHostnames).await?,
        None => None,
    };
    Ok(Some(Seen { vpc, dns_support, dns_host_names }))
}

async fn attribute(
    cx: &Context<'_, Vpc>,
    id: &str,
    name: VpcAttributeName,
) -> Result<Option<bool>, CloudError> {
    let request = cx.clients.ec2().describe_vpc_attribute().vpc_id(id).attribute(name);
    let answer = cx.clients.call(Service::Ec2, "DescribeVpcAttribute", request.send()).await?;
    Ok(answer.enable_dns_support.or(answer.enable_dns_hostnames).and_then(|value| value.value))
}

/// Creates the VPC; attributes follow in the first update.
pub(super) async fn create(cx: &Context<'_, Vpc>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let request = cx
        .clients
        .ec2()
        .create_vpc()
        .cidr_block(&spec.cidr_block)
        .set_ipv6_cidr_block(spec.ipv6_cidr_block.clone())
        .set_ipv6_pool(spec.ipv6_pool.clone())
        .set_amazon_provided_ipv6_cidr_block(spec.amazon_provided_ipv6_cidr_block)
        .set_instance_tenancy(spec.instance_tenancy.as_deref().map(Tenancy::from))
        .tag_specifications(tags::specification(ResourceType::Vpc, &Vpc::tags(spec), cx.uid));
    let answer = cx.clients.call(Service::Ec2, "CreateVpc", request.send()).await?;
    Ok(Created { external_name: answer.vpc.and_then(|vpc| vpc.vpc_id) })
}

/// Puts attributes, tenancy and tags right; AWS takes one attribute a call.
pub(super) async fn update(cx: &Context<'_, Vpc>, diff: &[Drift]) -> Result<(), CloudError> {
    const OPERATION: &str = "ModifyVpcAttribute";
    let Some(id) = cx.external_name else { return Ok(()) };
    let (clients, client) = (cx.clients, cx.clients.ec2());
    let value = |wanted| AttributeBooleanValue::builder().set_value(wanted).build();
    // Host names need the resolver, so it is turned on before them.
    if touches(diff, "enableDnsSupport") {
        let wanted = value(cx.spec.enable_dns_support);
        let request = client.modify_vpc_attribute().vpc_id(id).enable_dns_support(wanted);
        clients.call(Service::Ec2, OPERATION, request.send()).await?;
    }
    if touches(diff, "enableDnsHostNames") {
        let wanted = value(cx.spec.enable_dns_host_names);
        let request = client.modify_vpc_attribute().vpc_id(id).enable_dns_hostnames(wanted);
        clients.call(Service::Ec2, OPERATION, request.send()).await?;
    }
    if touches(diff, "instanceTenancy") {
        let request = client.modify_vpc_tenancy().vpc_id(id).instance_tenancy(VpcTenancy::Default);
        clients.call(Service::Ec2, "ModifyVpcTenancy", request.send()).await?;
    }
    tags::correct(clients, id, &Vpc::tags(cx.spec), cx.applied_tags, diff).await
}

/// Deletes the VPC; EC2 refuses while anything is in it.
pub(super) async fn delete(cx: &Context<'_, Vpc>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let request = cx.clients.ec2().delete_vpc().vpc_id(id);
    found(cx.clients.call(Service::Ec2, "DeleteVpc", request.send()).await).map(drop)
}
