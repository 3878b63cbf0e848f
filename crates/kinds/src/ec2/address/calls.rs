//! The calls of an address's life.

use capstan_cloud::aws_sdk_ec2::types::{Address as Seen, DomainType, ResourceType};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::Address;
use crate::aws::found;
use crate::ec2::tags;

/// The prefix of an allocation id; an external name without it is an address.
const ALLOCATION: &str = "eipalloc-";

/// The address by its allocation, by itself or by its owner tag.
pub(super) async fn find(cx: &Context<'_, Address>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.ec2().describe_addresses();
    let request = match cx.external_name {
        Some(id) if id.starts_with(ALLOCATION) => request.allocation_ids(id),
        Some(ip) => request.public_ips(ip),
        None => request.filters(tags::owned_by(cx.uid)),
    };
    let answer = cx.clients.call(Service::Ec2, "DescribeAddresses", request.send()).await;
    let addresses = found(answer)?.and_then(|answer| answer.addresses);
    Ok(addresses.into_iter().flatten().next())
}

/// Allocates an address.
pub(super) async fn create(cx: &Context<'_, Address>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let tags = tags::specification(ResourceType::ElasticIp, &Address::tags(spec), cx.uid);
    let request = cx
        .clients
        .ec2()
        .allocate_address()
        .set_domain(spec.domain.as_deref().map(DomainType::from))
        .set_address(spec.address.clone())
        .set_public_ipv4_pool(spec.public_ipv4_pool.clone())
        .set_customer_owned_ipv4_pool(spec.customer_owned_ipv4_pool.clone())
        .set_network_border_group(spec.network_border_group.clone())
        .tag_specifications(tags);
    let answer = cx.clients.call(Service::Ec2, "AllocateAddress", request.send()).await?;
    Ok(Created { external_name: answer.allocation_id.or(answer.public_ip) })
}

/// Puts tags right.
pub(super) async fn update(cx: &Context<'_, Address>, diff: &[Drift]) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    tags::correct(cx.clients, id, &Address::tags(cx.spec), cx.applied_tags, diff).await
}

/// Releases the address; EC2 refuses while a NAT gateway holds it.
pub(super) async fn delete(cx: &Context<'_, Address>) -> Result<(), CloudError> {
    let Some(id) = cx.external_name else { return Ok(()) };
    let request = cx.clients.ec2().release_address();
    let request = match id.strip_prefix(ALLOCATION) {
        Some(_) => request.allocation_id(id),
        None => request.public_ip(id),
    };
    found(cx.clients.call(Service::Ec2, "ReleaseAddress", request.send()).await).map(drop)
}
