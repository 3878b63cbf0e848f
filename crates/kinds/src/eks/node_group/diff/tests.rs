use super::{image, present};
use crate::eks::node_group::Spec;
use capstan_cloud::aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, Issue, Nodegroup, NodegroupHealth, NodegroupIssueCode,
    NodegroupScalingConfig, NodegroupStatus, Taint, TaintEffect,
};
use capstan_provision::{Drift, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn spec(change: Value) -> Spec {
    let mut spec = json!({
        "region": "r", "clusterName": "shop-x1", "nodeRole": "arn:role", "version": "1.28",
        "amiType": "AL2_x86_64", "instanceTypes": ["m5.large"], "subnets": ["subnet-1", "subnet-2"],
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 3},
    });
    if let (Some(spec), Value::Object(change)) = (spec.as_object_mut(), change) {
        spec.extend(change);
    }
    serde_json::from_value(spec).expect("it is valid")
}

fn group(status: NodegroupStatus) -> Nodegroup {
    let scaling = NodegroupScalingConfig::builder().min_size(1).max_size(3).desired_size(3).build();
    Nodegroup::builder()
        .nodegroup_name("workers")
        .status(status)
        .version("1.28")
        .release_version("1.28.5-20240117")
        .node_role("arn:role")
        .ami_type(AmiTypes::Al2X8664)
        .capacity_type(CapacityTypes::OnDemand)
        .instance_types("m5.large")
        .subnets("subnet-2")
        .subnets("subnet-1")
        .scaling_config(scaling)
        .taints(Taint::builder().key("gpu").effect(TaintEffect::NoSchedule).build())
        .build()
}

fn diff(change: Value) -> Vec<Drift> {
    present(&spec(change), &BTreeSet::new(), &group(NodegroupStatus::Active)).diff
}

fn fields(diff: &[Drift]) -> Vec<(&str, bool)> {
    diff.iter().map(|drift| (drift.field.as_str(), drift.immutable)).collect()
}

#[test]
fn what_the_user_did_not_write_is_not_compared() {
    assert_eq!(diff(json!({})), vec![]);
    assert_eq!(
        diff(json!({"taints": [{"key": "gpu", "value": "", "effect": "NO_SCHEDULE"}]})),
        vec![]
    );
}

#[test]
fn the_release_of_the_version_before_is_never_sent() {
    let of = |version: Option<&str>, release: Option<&str>| {
        let spec = spec(json!({"version": version, "releaseVersion": release}));
        let (version, release) = image(&spec);
        (version.cloned(), release.cloned())
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(Some("1.29"), Some("1.28.5-20240117")), (text("1.29"), None));
    assert_eq!(of(Some("1.28"), Some("1.28.5-20240117")), (None, text("1.28.5-20240117")));
    assert_eq!(of(Some("1.2"), Some("1.28.5-20240117")), (text("1.2"), None));
    assert_eq!(of(Some("1.29"), None), (text("1.29"), None));
    assert_eq!(of(None, Some("1.28.5-20240117")), (None, text("1.28.5-20240117")));
}

#[test]
fn version_sizes_labels_and_taints_change() {
    let diff = diff(json!({
        "version": "1.29", "releaseVersion": "1.28.5-20240117", "labels": {"a": "b"}, "taints": [],
        "scalingConfig": {"minSize": 1, "maxSize": 5, "desiredSize": 5},
    }));
    assert_eq!(
        fields(&diff),
        [
            ("version", false),
            ("scalingConfig.maxSize", false),
            ("scalingConfig.desiredSize", false),
            ("labels", false),
            ("taints", false),
        ]
    );
}

#[test]
fn machines_and_places_do_not_change() {
    let diff = diff(json!({
        "amiType": "AL2_x86_64_GPU", "capacityType": "SPOT", "diskSize": 50,
        "nodeRole": "arn:other",
        "instanceTypes": ["m6.large"], "subnets": ["subnet-1"],
    }));
    let expected = ["amiType", "capacityType", "diskSize", "instanceTypes", "nodeRole", "subnets"];
    assert_eq!(fields(&diff), expected.map(|field| (field, true)));
}

#[test]
fn states_are_told_apart() {
    let state =
        |status| present(&spec(json!({"version": "1.29"})), &BTreeSet::new(), &group(status));
    for (status, expected) in [
        (NodegroupStatus::Creating, State::Creating),
        (NodegroupStatus::Updating, State::Updating),
        (NodegroupStatus::Deleting, State::Deleting),
    ] {
        let present = state(status);
        assert_eq!((present.state, present.diff), (expected, vec![]));
    }
    let mut failed = group(NodegroupStatus::CreateFailed);
    let issue = Issue::builder()
        .code(NodegroupIssueCode::NodeCreationFailure)
        .message("Instances failed to join")
        .resource_ids("i-1")
        .build();
    failed.health = Some(NodegroupHealth::builder().issues(issue).build());
    let present = present(&spec(json!({})), &BTreeSet::new(), &failed);
    let message = "CREATE_FAILED: NodeCreationFailure: Instances failed to join (i-1)".to_owned();
    assert_eq!(present.state, State::Failed { message, replace: true });
}
