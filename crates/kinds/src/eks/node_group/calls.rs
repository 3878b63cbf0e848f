//! The calls of a node group's life.

use capstan_cloud::aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, Nodegroup as Seen,
    NodegroupScalingConfig, NodegroupUpdateConfig, RemoteAccessConfig, Taint as SdkTaint,
    TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload,
};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, Kind};

use super::NodeGroup;
use super::diff::{image, seen_taints};
use super::types::{Spec, Taint};
use crate::aws::{found, touches};
use crate::eks::tags;

type Cx<'a> = Context<'a, NodeGroup>;

fn name<'a>(cx: &Cx<'a>) -> &'a str {
    cx.external_name.unwrap_or(cx.name)
}

/// The cluster of the group; a call needs one.
fn cluster<'a>(cx: &Cx<'a>, operation: &'static str) -> Result<&'a str, CloudError> {
    cx.spec.cluster_name.as_deref().ok_or_else(|| {
        let message = "spec.forProvider.clusterName is missing: \
             set it, clusterNameRef or clusterNameSelector";
        CloudError::invalid("eks", operation, message)
    })
}

/// The group by its cluster and name. Without its cluster there is none.
pub(super) async fn find(cx: &Cx<'_>) -> Result<Option<Seen>, CloudError> {
    let Some(cluster) = &cx.spec.cluster_name else { return Ok(None) };
    let request = cx.clients.eks().describe_nodegroup();
    let request = request.cluster_name(cluster).nodegroup_name(name(cx));
    let answer = cx.clients.call(Service::Eks, "DescribeNodegroup", request.send()).await;
    Ok(found(answer)?.and_then(|answer| answer.nodegroup))
}

/// Asks for a group; its nodes join within some minutes.
pub(super) async fn create(cx: &Cx<'_>) -> Result<Created, CloudError> {
    const OPERATION: &str = "CreateNodegroup";
    let spec = cx.spec;
    let (version, release) = image(spec);
    let taints = spec.taints.as_ref().map(|taints| taints.iter().map(sdk_taint).collect());
    let request = cx
        .clients
        .eks()
        .create_nodegroup()
        .cluster_name(cluster(cx, OPERATION)?)
        .nodegroup_name(name(cx))
        .client_request_token(cx.client_token)
        .set_version(version.cloned())
        .set_release_version(release.cloned())
        .set_node_role(spec.node_role.clone())
        .set_subnets(spec.subnets.clone())
        .set_instance_types(spec.instance_types.clone())
        .set_ami_type(spec.ami_type.as_deref().map(AmiTypes::from))
        .set_capacity_type(spec.capacity_type.as_deref().map(CapacityTypes::from))
        .set_disk_size(spec.disk_size)
        .set_scaling_config(scaling(spec))
        .set_update_config(update_config(spec))
        .set_labels(spec.labels.clone().map(|labels| labels.into_iter().collect()))
        .set_taints(taints)
        .set_launch_template(launch_template(spec))
        .set_remote_access(remote_access(spec))
        .set_tags(Some(tags::at_create(&NodeGroup::tags(spec), cx.uid)));
    cx.clients.call(Service::Eks, OPERATION, request.send()).await?;
    Ok(Created::default())
}

/// Puts tags right, and then either what the nodes run or how many there are: EKS takes one update
/// at a time.
pub(super) async fn update(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    let Some(group) = find(cx).await? else { return Ok(()) };
    if let Some(arn) = &group.nodegroup_arn {
        tags::correct(cx.clients, arn, &NodeGroup::tags(cx.spec), cx.applied_tags, diff).await?;
    }
    if ["version", "releaseVersion", "launchTemplate"].iter().any(|field| touches(diff, field)) {
        return update_version(cx, diff).await;
    }
    if ["scalingConfig", "updateConfig", "labels", "taints"]
        .iter()
        .any(|field| touches(diff, field))
    {
        return update_config_of(cx, diff, &group).await;
    }
    Ok(())
}

async fn update_version(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    const OPERATION: &str = "UpdateNodegroupVersion";
    let (version, release) = image(cx.spec);
    let request = cx
        .clients
        .eks()
        .update_nodegroup_version()
        .cluster_name(cluster(cx, OPERATION)?)
        .nodegroup_name(name(cx))
        .set_force(cx.spec.update_config.as_ref().and_then(|config| config.force));
    // A template carries its own image where it names one, so version and template are sent apart.
    let request = if touches(diff, "launchTemplate") {
        request.set_launch_template(launch_template(cx.spec))
    } else {
        request.set_version(version.cloned()).set_release_version(release.cloned())
    };
    cx.clients.call(Service::Eks, OPERATION, request.send()).await.map(drop)
}

async fn update_config_of(cx: &Cx<'_>, diff: &[Drift], group: &Seen) -> Result<(), CloudError> {
    const OPERATION: &str = "UpdateNodegroupConfig";
    let labels = touches(diff, "labels").then(|| labels(cx.spec, group));
    let taints = touches(diff, "taints").then(|| taints(cx.spec, group));
    let scaling = touches(diff, "scalingConfig").then(|| scaling(cx.spec)).flatten();
    let pace = touches(diff, "updateConfig").then(|| update_config(cx.spec)).flatten();
    let request = cx
        .clients
        .eks()
        .update_nodegroup_config()
        .cluster_name(cluster(cx, OPERATION)?)
        .nodegroup_name(name(cx))
        .set_labels(labels)
        .set_taints(taints)
        .set_scaling_config(scaling)
        .set_update_config(pace);
    cx.clients.call(Service::Eks, OPERATION, request.send()).await.map(drop)
}

/// Asks for the removal; EKS drains the nodes.
pub(super) async fn delete(cx: &Cx<'_>) -> Result<(), CloudError> {
    let Some(cluster) = &cx.spec.cluster_name else { return Ok(()) };
    let request = cx.clients.eks().delete_nodegroup();
    let request = request.cluster_name(cluster).nodegroup_name(name(cx));
    found(cx.clients.call(Service::Eks, "DeleteNodegroup", request.send()).await).map(drop)
}

fn scaling(spec: &Spec) -> Option<NodegroupScalingConfig> {
    let config = spec.scaling_config.as_ref()?;
    let request = NodegroupScalingConfig::builder()
        .set_min_size(config.min_size)
        .set_max_size(config.max_size)
        .set_desired_size(config.desired_size);
    Some(request.build())
}

fn update_config(spec: &Spec) -> Option<NodegroupUpdateConfig> {
    let config = spec.update_config.as_ref()?;
    // `force` belongs to the call that changes the version, not to the group.
    config.max_unavailable.or(config.max_unavailable_percentage)?;
    let request = NodegroupUpdateConfig::builder()
        .set_max_unavailable(config.max_unavailable)
        .set_max_unavailable_percentage(config.max_unavailable_percentage);
    Some(request.build())
}

fn launch_template(spec: &Spec) -> Option<LaunchTemplateSpecification> {
    let template = spec.launch_template.as_ref()?;
    let request = LaunchTemplateSpecification::builder()
        .set_id(template.id.clone())
        .set_name(template.name.clone())
        .set_version(template.version.clone());
    Some(request.build())
}

fn remote_access(spec: &Spec) -> Option<RemoteAccessConfig> {
    let access = spec.remote_access.as_ref()?;
    let request = RemoteAccessConfig::builder()
        .set_ec2_ssh_key(access.ec2_ssh_key.clone())
        .set_source_security_groups(access.source_security_groups.clone());
    Some(request.build())
}

fn sdk_taint(taint: &Taint) -> SdkTaint {
    SdkTaint::builder()
        .set_key(taint.key.clone())
        .set_value(taint.value.clone())
        .effect(TaintEffect::from(taint.effect.as_str()))
        .build()
}

/// All wanted labels, and those of the group that are not wanted.
fn labels(spec: &Spec, group: &Seen) -> UpdateLabelsPayload {
    let wanted = spec.labels.clone().unwrap_or_default();
    let extra = group.labels.iter().flatten().map(|(key, _)| key.clone());
    let extra: Vec<_> = extra.filter(|key| !wanted.contains_key(key)).collect();
    UpdateLabelsPayload::builder()
        .set_add_or_update_labels(Some(wanted.into_iter().collect()))
        .set_remove_labels(Some(extra))
        .build()
}

/// All wanted taints, and those of the group that are not wanted: a taint is known by its key and
/// effect.
fn taints(spec: &Spec, group: &Seen) -> UpdateTaintsPayload {
    let wanted = spec.taints.as_deref().unwrap_or_default();
    let extra = seen_taints(group).into_iter().filter(|seen| {
        !wanted.iter().any(|taint| (&taint.key, &taint.effect) == (&seen.key, &seen.effect))
    });
    UpdateTaintsPayload::builder()
        .set_add_or_update_taints(Some(wanted.iter().map(sdk_taint).collect()))
        .set_remove_taints(Some(extra.map(|taint| sdk_taint(&taint)).collect()))
        .build()
}
