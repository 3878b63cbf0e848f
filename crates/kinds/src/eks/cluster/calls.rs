//! The calls of a cluster's life.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_cloud::aws_sdk_eks::types::builders::VpcConfigRequestBuilder;
use capstan_cloud::aws_sdk_eks::types::{
    Cluster as Seen, EncryptionConfig, IpFamily, KubernetesNetworkConfigRequest, LogSetup, LogType,
    Logging, OutpostConfigRequest, Provider, VpcConfigRequest,
};
use capstan_cloud::{Class, CloudError, Service, kubeconfig};
use capstan_model::Secret;
use capstan_provision::{Context, Created, Drift, Kind};

use super::Cluster;
use super::types::{OutpostConfig, Spec};
use crate::aws::{drift, found, touches};
use crate::eks::tags;

type Cx<'a> = Context<'a, Cluster>;

fn name<'a>(cx: &Cx<'a>) -> &'a str {
    cx.external_name.unwrap_or(cx.name)
}

/// The cluster by its name.
pub(super) async fn find(cx: &Cx<'_>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.eks().describe_cluster().name(name(cx));
    let answer = cx.clients.call(Service::Eks, "DescribeCluster", request.send()).await;
    Ok(found(answer)?.and_then(|answer| answer.cluster))
}

/// What the connection Secret holds, under the keys that provider-aws used; nothing before EKS
/// tells where the API is.
pub(super) async fn connection(
    cx: &Cx<'_>,
    cluster: &Seen,
) -> Result<BTreeMap<String, Secret<Vec<u8>>>, CloudError> {
    let ca = cluster.certificate_authority.as_ref().and_then(|ca| ca.data());
    let (Some(endpoint), Some(ca)) = (cluster.endpoint(), ca) else { return Ok(BTreeMap::new()) };
    let pem = BASE64_STANDARD.decode(ca).map_err(|cause| {
        let message = format!("the certificate authority in the answer is not base64: {cause}");
        CloudError::new("eks", "DescribeCluster", Class::Unanswered, message)
    })?;
    let token = cx.clients.eks_token(name(cx)).await?;
    let config = kubeconfig(name(cx), endpoint, ca, &token.token);
    let config = config.expose().clone().into_bytes();
    Ok(BTreeMap::from([
        ("endpoint".to_owned(), Secret::new(endpoint.as_bytes().to_vec())),
        ("clusterCA".to_owned(), Secret::new(pem)),
        ("kubeconfig".to_owned(), Secret::new(config)),
    ]))
}

/// Asks for a cluster; it is CREATING for about ten minutes.
pub(super) async fn create(cx: &Cx<'_>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let request = cx
        .clients
        .eks()
        .create_cluster()
        .name(name(cx))
        .client_request_token(cx.client_token)
        .set_role_arn(spec.role_arn.clone())
        .set_version(spec.version.clone())
        .resources_vpc_config(
            with_endpoint(with_network(VpcConfigRequest::builder(), spec), spec).build(),
        )
        .set_encryption_config(encryption(spec))
        .set_kubernetes_network_config(network(spec))
        .set_logging(logging(spec))
        .set_outpost_config(spec.outpost_config.as_ref().map(outpost).transpose()?)
        .set_tags(Some(tags::at_create(&Cluster::tags(spec), cx.uid)));
    cx.clients.call(Service::Eks, "CreateCluster", request.send()).await?;
    Ok(Created::default())
}

/// Puts tags right, and the first of the other drifts: EKS takes one update at a time.
pub(super) async fn update(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    let (clients, client, spec) = (cx.clients, cx.clients.eks(), cx.spec);
    if drift(diff, "tags").is_some()
        && let Some(arn) = find(cx).await?.and_then(|cluster| cluster.arn)
    {
        tags::correct(clients, &arn, &Cluster::tags(spec), cx.applied_tags, diff).await?;
    }
    if touches(diff, "encryptionConfig") {
        let request = client.associate_encryption_config().cluster_name(name(cx));
        let request = request.set_encryption_config(encryption(spec));
        return clients
            .call(Service::Eks, "AssociateEncryptionConfig", request.send())
            .await
            .map(drop);
    }
    if touches(diff, "version") {
        let request = client.update_cluster_version().name(name(cx));
        let request = request.set_version(spec.version.clone());
        return clients.call(Service::Eks, "UpdateClusterVersion", request.send()).await.map(drop);
    }
    let request = client.update_cluster_config().name(name(cx));
    let request = if touches(diff, "logging") {
        request.set_logging(logging(spec))
    } else if ENDPOINT.iter().any(|field| touches(diff, field)) {
        request.resources_vpc_config(with_endpoint(VpcConfigRequest::builder(), spec).build())
    } else if touches(diff, "resourcesVpcConfig") {
        request.resources_vpc_config(with_network(VpcConfigRequest::builder(), spec).build())
    } else {
        return Ok(());
    };
    clients.call(Service::Eks, "UpdateClusterConfig", request.send()).await.map(drop)
}

/// What EKS changes in one call; subnets and security groups need one of their own.
const ENDPOINT: [&str; 3] = [
    "resourcesVpcConfig.endpointPublicAccess",
    "resourcesVpcConfig.endpointPrivateAccess",
    "resourcesVpcConfig.publicAccessCidrs",
];

/// Asks for the removal; EKS refuses while a node group is there.
pub(super) async fn delete(cx: &Cx<'_>) -> Result<(), CloudError> {
    let request = cx.clients.eks().delete_cluster().name(name(cx));
    found(cx.clients.call(Service::Eks, "DeleteCluster", request.send()).await).map(drop)
}

#[expect(deprecated, reason = "the field is part of the manifest, and EKS takes it still")]
fn encryption(spec: &Spec) -> Option<Vec<EncryptionConfig>> {
    let configs = spec.encryption_config.as_ref()?.iter().map(|config| {
        let provider = Provider::builder().key_arn(&config.provider.key_arn).build();
        let resources = Some(config.resources.clone());
        EncryptionConfig::builder().provider(provider).set_resources(resources).build()
    });
    Some(configs.collect())
}

fn network(spec: &Spec) -> Option<KubernetesNetworkConfigRequest> {
    let config = spec.kubernetes_network_config.as_ref()?;
    let request = KubernetesNetworkConfigRequest::builder()
        .ip_family(IpFamily::from(config.ip_family.as_str()))
        .set_service_ipv4_cidr(config.service_ipv4_cidr.clone());
    Some(request.build())
}

fn logging(spec: &Spec) -> Option<Logging> {
    let setups = spec.logging.as_ref()?.cluster_logging.iter().map(|setup| {
        let types = setup.types.iter().flatten().map(|name| LogType::from(name.as_str()));
        LogSetup::builder().set_types(Some(types.collect())).set_enabled(setup.enabled).build()
    });
    Some(Logging::builder().set_cluster_logging(Some(setups.collect())).build())
}

fn outpost(config: &OutpostConfig) -> Result<OutpostConfigRequest, CloudError> {
    OutpostConfigRequest::builder()
        .set_outpost_arns(Some(config.outpost_arns.clone()))
        .control_plane_instance_type(&config.control_plane_instance_type)
        .build()
        .map_err(|cause| CloudError::invalid("eks", "CreateCluster", cause.to_string()))
}

fn with_network(request: VpcConfigRequestBuilder, spec: &Spec) -> VpcConfigRequestBuilder {
    let config = &spec.resources_vpc_config;
    request
        .set_subnet_ids(config.subnet_ids.clone())
        .set_security_group_ids(config.security_group_ids.clone())
}

fn with_endpoint(request: VpcConfigRequestBuilder, spec: &Spec) -> VpcConfigRequestBuilder {
    let config = &spec.resources_vpc_config;
    request
        .set_endpoint_public_access(config.endpoint_public_access)
        .set_endpoint_private_access(config.endpoint_private_access)
        .set_public_access_cidrs(config.public_access_cidrs.clone())
}
