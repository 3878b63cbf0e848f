//! What differs between a node group as it is wanted and as it is.

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::aws_sdk_eks::types::{
    Nodegroup, NodegroupHealth, NodegroupStatus, RemoteAccessConfig,
};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{
    AutoScalingGroup, Issue, NodeGroupHealth, ObservedScalingConfig, ObservedUpdateConfig,
    Resources, Spec, Status, Taint,
};
use crate::aws::{rfc3339, timestamp};
use crate::eks::tags;

/// The resource as the lifecycle wants to know it. Nothing is compared while EKS is at work on the
/// group.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    group: &Nodegroup,
) -> Present<Status> {
    let settled = matches!(group.status, Some(NodegroupStatus::Active | NodegroupStatus::Degraded));
    let diff = if settled { drifts(spec, applied, group) } else { Vec::new() };
    Present {
        diff,
        owner: tags::owner(group.tags.as_ref()),
        created_at: group.created_at.as_ref().and_then(timestamp),
        ..Present::new(status(group), state(group))
    }
}

fn state(group: &Nodegroup) -> State {
    match group.status {
        Some(NodegroupStatus::Active) => State::Ready,
        Some(NodegroupStatus::Updating) => State::Updating,
        Some(NodegroupStatus::Deleting) => State::Deleting,
        // A group whose creation failed never had a node that joined: EKS can only delete it.
        Some(NodegroupStatus::CreateFailed) => {
            State::Failed { message: failure(group), replace: true }
        }
        Some(NodegroupStatus::Degraded | NodegroupStatus::DeleteFailed) => {
            State::Failed { message: failure(group), replace: false }
        }
        _ => State::Creating,
    }
}

fn failure(group: &Nodegroup) -> String {
    let status = group.status.as_ref().map_or("failed", NodegroupStatus::as_str);
    let issues = group.health.as_ref().map(NodegroupHealth::issues).unwrap_or_default().iter();
    let issues = issues.map(|issue| {
        let code = issue.code.as_ref().map_or("unknown", |code| code.as_str());
        let about = issue.resource_ids().join(", ");
        let about = if about.is_empty() { about } else { format!(" ({about})") };
        format!("{code}: {}{about}", issue.message().unwrap_or("EKS says no more"))
    });
    let issues: Vec<_> = issues.collect();
    if issues.is_empty() {
        format!("the node group is {status}, and EKS says no more")
    } else {
        format!("{status}: {}", issues.join("; "))
    }
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, group: &Nodegroup) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let wanted = spec.tags.clone().unwrap_or_default();
    drifts.extend(owner_tags::drift(&wanted, &tags::found(group.tags.as_ref()), applied));
    compare_image(&mut drifts, spec, group);
    compare_scaling(&mut drifts, spec, group);
    let labels: BTreeMap<_, _> = group.labels.clone().unwrap_or_default().into_iter().collect();
    drifts.field("labels", spec.labels.as_ref(), Some(&labels));
    let wanted = spec.taints.as_deref().map(in_order);
    drifts.field("taints", wanted.as_ref(), Some(&in_order(&seen_taints(group))));
    if let (Some(wanted), Some(seen)) = (&spec.update_config, &group.update_config) {
        let most = wanted.max_unavailable.as_ref();
        drifts.field("updateConfig.maxUnavailable", most, seen.max_unavailable.as_ref());
        drifts.field(
            "updateConfig.maxUnavailablePercentage",
            wanted.max_unavailable_percentage.as_ref(),
            seen.max_unavailable_percentage.as_ref(),
        );
    }
    compare_immutable(&mut drifts, spec, group);
    drifts.into_vec()
}

/// What the nodes run. A release that does not belong to the wanted version is a left-over of the
/// version before, so the version decides; a group with an image of its own has neither.
fn compare_image(drifts: &mut Drifts, spec: &Spec, group: &Nodegroup) {
    if group.version.is_some() {
        drifts.field("version", spec.version.as_ref(), group.version.as_ref());
    }
    let (_, release) = image(spec);
    if group.release_version.is_some() {
        drifts.field("releaseVersion", release, group.release_version.as_ref());
    }
    let (wanted, seen) = (spec.launch_template.as_ref(), group.launch_template.as_ref());
    let version = wanted.and_then(|wanted| wanted.version.as_ref());
    // `$Latest` and `$Default` are answered as the number that they stood for.
    if let Some(version) = version.filter(|version| !version.starts_with('$')) {
        let seen = seen.and_then(|seen| seen.version.as_ref());
        drifts.field("launchTemplate.version", Some(version), seen);
    }
}

/// Version and release as they may be sent: never both, because EKS refuses a release of another
/// version.
pub(super) fn image(spec: &Spec) -> (Option<&String>, Option<&String>) {
    match (&spec.version, &spec.release_version) {
        (Some(version), Some(release)) => {
            let rest = release.strip_prefix(version.as_str());
            let belongs = rest.is_some_and(|rest| rest.starts_with(['.', '-']));
            if belongs { (None, Some(release)) } else { (Some(version), None) }
        }
        (version, release) => (version.as_ref(), release.as_ref()),
    }
}

/// A desired size that is written is enforced, as provider-aws did: whoever runs an autoscaler
/// leaves it out.
fn compare_scaling(drifts: &mut Drifts, spec: &Spec, group: &Nodegroup) {
    let Some(wanted) = &spec.scaling_config else { return };
    let seen = group.scaling_config.as_ref();
    let sizes = [
        ("minSize", wanted.min_size, seen.and_then(|seen| seen.min_size)),
        ("maxSize", wanted.max_size, seen.and_then(|seen| seen.max_size)),
        ("desiredSize", wanted.desired_size, seen.and_then(|seen| seen.desired_size)),
    ];
    for (field, wanted, seen) in sizes {
        drifts.field(&format!("scalingConfig.{field}"), wanted.as_ref(), seen.as_ref());
    }
}

/// The taints of an answer.
pub(super) fn seen_taints(group: &Nodegroup) -> Vec<Taint> {
    let taints = group.taints().iter().map(|taint| Taint {
        effect: taint.effect.as_ref().map(|effect| effect.as_str().to_owned()).unwrap_or_default(),
        key: taint.key.clone(),
        value: taint.value.clone().filter(|value| !value.is_empty()),
    });
    taints.collect()
}

fn in_order(taints: &[Taint]) -> Vec<Taint> {
    let mut taints = taints.to_vec();
    for taint in &mut taints {
        taint.value = taint.value.take().filter(|value| !value.is_empty());
    }
    taints.sort_by(|a, b| (&a.key, &a.effect).cmp(&(&b.key, &b.effect)));
    taints
}

fn compare_immutable(drifts: &mut Drifts, spec: &Spec, group: &Nodegroup) {
    let ami = group.ami_type.as_ref().map(|ami| ami.as_str().to_owned());
    drifts.immutable("amiType", spec.ami_type.as_ref(), ami.as_ref());
    let capacity = group.capacity_type.as_ref().map(|capacity| capacity.as_str().to_owned());
    drifts.immutable("capacityType", spec.capacity_type.as_ref(), capacity.as_ref());
    drifts.immutable("diskSize", spec.disk_size.as_ref(), group.disk_size.as_ref());
    immutable_set(drifts, "instanceTypes", spec.instance_types.as_deref(), group.instance_types());
    drifts.immutable("nodeRole", spec.node_role.as_ref(), group.node_role.as_ref());
    immutable_set(drifts, "subnets", spec.subnets.as_deref(), group.subnets());
    let access = (spec.remote_access.as_ref(), group.remote_access.as_ref());
    drifts.immutable(
        "remoteAccess.ec2SSHKey",
        access.0.and_then(|wanted| wanted.ec2_ssh_key.as_ref()),
        access.1.and_then(|seen| seen.ec2_ssh_key.as_ref()),
    );
    let wanted = access.0.and_then(|wanted| wanted.source_security_groups.as_deref());
    let seen = access.1.map(RemoteAccessConfig::source_security_groups).unwrap_or_default();
    immutable_set(drifts, "remoteAccess.sourceSecurityGroups", wanted, seen);
}

fn immutable_set(drifts: &mut Drifts, field: &str, wanted: Option<&[String]>, seen: &[String]) {
    let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    drifts.immutable(field, wanted.map(sorted).as_ref(), Some(&sorted(seen)));
}

fn status(group: &Nodegroup) -> Status {
    let issues = group.health.as_ref().map(|health| NodeGroupHealth {
        issues: Some(health.issues().iter().map(issue).collect()),
    });
    let resources = group.resources.as_ref().map(|seen| Resources {
        auto_scaling_group: Some(
            seen.auto_scaling_groups()
                .iter()
                .map(|group| AutoScalingGroup { name: group.name.clone() })
                .collect(),
        ),
        remote_access_security_group: seen.remote_access_security_group.clone(),
    });
    let scaling = group.scaling_config.as_ref();
    let update = group.update_config.as_ref().map(|seen| ObservedUpdateConfig {
        max_unavailable: seen.max_unavailable,
        max_unavailable_percentage: seen.max_unavailable_percentage,
    });
    Status {
        created_at: group.created_at.as_ref().and_then(rfc3339),
        modified_at: group.modified_at.as_ref().and_then(rfc3339),
        node_group_arn: group.nodegroup_arn.clone(),
        node_group_health: issues,
        release_version: group.release_version.clone(),
        resources,
        scaling_config: scaling
            .map(|seen| ObservedScalingConfig { desired_size: seen.desired_size }),
        status: group.status.as_ref().map(|status| status.as_str().to_owned()),
        update_config: update,
        version: group.version.clone(),
    }
}

fn issue(issue: &capstan_cloud::aws_sdk_eks::types::Issue) -> Issue {
    Issue {
        code: issue.code.as_ref().map(|code| code.as_str().to_owned()),
        message: issue.message.clone(),
        resource_ids: issue.resource_ids.clone(),
    }
}

#[cfg(test)]
mod tests;
