//! What differs between a cluster as it is wanted and as it is.

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::aws_sdk_eks::types::{
    Cluster, ClusterHealth, ClusterStatus, Logging as SdkLogging, VpcConfigResponse,
};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{
    EncryptionConfig, Identity, Logging, ObservedKubernetesNetworkConfig, ObservedOutpostConfig,
    ObservedResourcesVpcConfig, Oidc, Provider, Spec, Status,
};
use crate::aws::{rfc3339, timestamp};
use crate::ec2::canonical_range;
use crate::eks::tags;

/// The resource as the lifecycle wants to know it. EKS takes one update at a time and only of an
/// active cluster, so nothing is compared in any other state.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    cluster: &Cluster,
) -> Present<Status> {
    let state = state(cluster);
    let diff = match state {
        State::Ready => drifts(spec, applied, cluster),
        _ => Vec::new(),
    };
    Present {
        diff,
        owner: tags::owner(cluster.tags.as_ref()),
        created_at: cluster.created_at.as_ref().and_then(timestamp),
        ..Present::new(status(cluster), state)
    }
}

fn state(cluster: &Cluster) -> State {
    match cluster.status {
        Some(ClusterStatus::Active) => State::Ready,
        Some(ClusterStatus::Updating) => State::Updating,
        Some(ClusterStatus::Deleting) => State::Deleting,
        Some(ClusterStatus::Failed) => State::Failed { message: failure(cluster), replace: false },
        _ => State::Creating,
    }
}

fn failure(cluster: &Cluster) -> String {
    let issues = cluster.health.as_ref().map(ClusterHealth::issues).unwrap_or_default();
    let issues: Vec<_> = issues
        .iter()
        .map(|issue| {
            let code = issue.code.as_ref().map_or("unknown", |code| code.as_str());
            format!("{code}: {}", issue.message().unwrap_or("EKS says no more"))
        })
        .collect();
    if issues.is_empty() {
        "the cluster failed, and EKS says no more".to_owned()
    } else {
        issues.join("; ")
    }
}

/// In the order in which they are put right: what a later change may need comes first.
fn drifts(spec: &Spec, applied: &BTreeSet<String>, cluster: &Cluster) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let wanted = spec.tags.clone().unwrap_or_default();
    drifts.extend(owner_tags::drift(&wanted, &tags::found(cluster.tags.as_ref()), applied));
    compare_encryption(&mut drifts, spec, cluster);
    compare_version(&mut drifts, spec.version.as_ref(), cluster.version.as_ref());
    compare_logging(&mut drifts, spec.logging.as_ref(), cluster);
    if let Some(seen) = &cluster.resources_vpc_config {
        compare_endpoint(&mut drifts, spec, seen);
        compare_network(&mut drifts, spec, seen);
    }
    drifts.immutable("roleArn", spec.role_arn.as_ref(), cluster.role_arn.as_ref());
    let wanted = spec.kubernetes_network_config.as_ref();
    let seen = cluster.kubernetes_network_config.as_ref();
    let family =
        seen.and_then(|seen| seen.ip_family.as_ref()).map(|family| family.as_str().to_owned());
    drifts.immutable(
        "kubernetesNetworkConfig.ipFamily",
        wanted.map(|wanted| &wanted.ip_family),
        family.as_ref(),
    );
    drifts.immutable(
        "kubernetesNetworkConfig.serviceIpv4Cidr",
        wanted.and_then(|wanted| wanted.service_ipv4_cidr.as_ref()),
        seen.and_then(|seen| seen.service_ipv4_cidr.as_ref()),
    );
    drifts.into_vec()
}

/// Encryption can be switched on once; a key can neither be changed nor taken away.
#[expect(deprecated, reason = "the field is part of the manifest, and EKS answers it still")]
fn compare_encryption(drifts: &mut Drifts, spec: &Spec, cluster: &Cluster) {
    let seen = cluster.encryption_config().iter().map(|seen| EncryptionConfig {
        provider: Provider {
            key_arn: seen.provider().and_then(|seen| seen.key_arn.clone()).unwrap_or_default(),
        },
        resources: seen.resources().to_vec(),
    });
    let seen: Vec<_> = seen.collect();
    let wanted = spec.encryption_config.as_ref().filter(|wanted| !wanted.is_empty());
    if seen.is_empty() {
        drifts.field("encryptionConfig", wanted, Some(&seen));
    } else {
        drifts.immutable("encryptionConfig", wanted, Some(&seen));
    }
}

/// Versions move up only; EKS itself refuses more than one minor version at a time, and says so.
fn compare_version(drifts: &mut Drifts, wanted: Option<&String>, seen: Option<&String>) {
    let number = |version: &str| -> Option<(u32, u32)> {
        let (major, minor) = version.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let back = match (wanted.and_then(|text| number(text)), seen.and_then(|text| number(text))) {
        (Some(wanted), Some(seen)) => wanted < seen,
        _ => false,
    };
    if back {
        drifts.immutable("version", wanted, seen);
    } else {
        drifts.field("version", wanted, seen);
    }
}

/// Each type of log is compared by itself; types that the manifest does not name are left alone.
fn compare_logging(drifts: &mut Drifts, wanted: Option<&Logging>, cluster: &Cluster) {
    let Some(wanted) = wanted else { return };
    let mut wanted_types = BTreeMap::new();
    for setup in &wanted.cluster_logging {
        for name in setup.types.iter().flatten() {
            wanted_types.insert(name.clone(), setup.enabled.unwrap_or(false));
        }
    }
    let mut seen_types: BTreeMap<String, bool> =
        wanted_types.keys().map(|k| (k.clone(), false)).collect();
    let seen = cluster.logging.as_ref().map(SdkLogging::cluster_logging).unwrap_or_default();
    for setup in seen.iter().filter(|setup| setup.enabled == Some(true)) {
        for name in setup.types() {
            if let Some(on) = seen_types.get_mut(name.as_str()) {
                *on = true;
            }
        }
    }
    drifts.field("logging", Some(&wanted_types), Some(&seen_types));
}

fn compare_endpoint(drifts: &mut Drifts, spec: &Spec, seen: &VpcConfigResponse) {
    let wanted = &spec.resources_vpc_config;
    drifts.field(
        "resourcesVpcConfig.endpointPublicAccess",
        wanted.endpoint_public_access.as_ref(),
        Some(&seen.endpoint_public_access),
    );
    drifts.field(
        "resourcesVpcConfig.endpointPrivateAccess",
        wanted.endpoint_private_access.as_ref(),
        Some(&seen.endpoint_private_access),
    );
    let ranges =
        |list: &[String]| list.iter().map(|range| canonical_range(range)).collect::<Vec<_>>();
    let cidrs = wanted.public_access_cidrs.as_deref().map(ranges);
    let seen_cidrs = ranges(seen.public_access_cidrs());
    drifts.set("resourcesVpcConfig.publicAccessCidrs", cidrs.as_deref(), &seen_cidrs);
}

fn compare_network(drifts: &mut Drifts, spec: &Spec, seen: &VpcConfigResponse) {
    let wanted = &spec.resources_vpc_config;
    let subnets = wanted.subnet_ids.as_deref();
    drifts.set("resourcesVpcConfig.subnetIds", subnets, seen.subnet_ids());
    let groups = wanted.security_group_ids.as_deref();
    drifts.set("resourcesVpcConfig.securityGroupIds", groups, seen.security_group_ids());
}

fn status(cluster: &Cluster) -> Status {
    let issuer = cluster.identity.as_ref().and_then(|identity| identity.oidc.as_ref());
    let identity = issuer.map(|oidc| Identity { oidc: Some(Oidc { issuer: oidc.issuer.clone() }) });
    let network =
        cluster.kubernetes_network_config.as_ref().map(|seen| ObservedKubernetesNetworkConfig {
            ip_family: seen.ip_family.as_ref().map(|family| family.as_str().to_owned()),
            service_ipv4_cidr: seen.service_ipv4_cidr.clone(),
            service_ipv6_cidr: seen.service_ipv6_cidr.clone(),
        });
    let outpost = cluster.outpost_config.as_ref().map(|seen| ObservedOutpostConfig {
        control_plane_instance_type: Some(seen.control_plane_instance_type.clone()),
        outpost_arns: Some(seen.outpost_arns.clone()),
    });
    let vpc = cluster.resources_vpc_config.as_ref().map(|seen| ObservedResourcesVpcConfig {
        cluster_security_group_id: seen.cluster_security_group_id.clone(),
        vpc_id: seen.vpc_id.clone(),
    });
    Status {
        arn: cluster.arn.clone(),
        certificate_authority_data: cluster
            .certificate_authority
            .as_ref()
            .and_then(|ca| ca.data.clone()),
        created_at: cluster.created_at.as_ref().and_then(rfc3339),
        endpoint: cluster.endpoint.clone(),
        identity,
        kubernetes_network_config: network,
        outpost_config: outpost,
        platform_version: cluster.platform_version.clone(),
        resources_vpc_config: vpc,
        status: cluster.status.as_ref().map(|status| status.as_str().to_owned()),
        version: cluster.version.clone(),
    }
}

#[cfg(test)]
mod tests;
