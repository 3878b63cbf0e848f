use super::present;
use crate::eks::cluster::Spec;
use capstan_cloud::aws_sdk_eks::types::{
    Certificate, Cluster, ClusterHealth, ClusterIssue, ClusterIssueCode, ClusterStatus, Identity,
    LogSetup, LogType, Logging, Oidc, VpcConfigResponse,
};
use capstan_provision::{Drift, Owner, State, tags::OWNER_TAG};
use serde_json::json;
use std::collections::BTreeSet;

fn spec(change: serde_json::Value) -> Spec {
    let mut spec = json!({
        "region": "r", "roleArn": "arn:role", "version": "1.28",
        "resourcesVpcConfig": {
            "endpointPrivateAccess": false, "endpointPublicAccess": true,
            "subnetIds": ["subnet-1", "subnet-2"],
        },
    });
    json_patch(&mut spec, change);
    serde_json::from_value(spec).expect("it is valid")
}

fn json_patch(into: &mut serde_json::Value, change: serde_json::Value) {
    let (Some(into), serde_json::Value::Object(change)) = (into.as_object_mut(), change) else {
        return;
    };
    for (key, value) in change {
        into.insert(key, value);
    }
}

fn cluster(status: ClusterStatus) -> Cluster {
    let vpc = VpcConfigResponse::builder()
        .subnet_ids("subnet-2")
        .subnet_ids("subnet-1")
        .vpc_id("vpc-1")
        .endpoint_public_access(true)
        .public_access_cidrs("0.0.0.0/0")
        .build();
    let api = LogSetup::builder().types(LogType::Api).enabled(true).build();
    let rest = LogSetup::builder().types(LogType::Audit).enabled(false).build();
    Cluster::builder()
        .name("shop-x1")
        .arn("arn:aws:eks:r:111122223333:cluster/shop-x1")
        .endpoint("https://api.example")
        .certificate_authority(Certificate::builder().data("Q0E=").build())
        .identity(
            Identity::builder()
                .oidc(Oidc::builder().issuer("https://oidc.example/id/A").build())
                .build(),
        )
        .role_arn("arn:role")
        .version("1.28")
        .status(status)
        .resources_vpc_config(vpc)
        .logging(Logging::builder().cluster_logging(api).cluster_logging(rest).build())
        .tags(OWNER_TAG, "uid-1")
        .build()
}

fn diff(change: serde_json::Value) -> Vec<Drift> {
    present(&spec(change), &BTreeSet::new(), &cluster(ClusterStatus::Active)).diff
}

fn fields(diff: &[Drift]) -> Vec<(&str, bool)> {
    diff.iter().map(|drift| (drift.field.as_str(), drift.immutable)).collect()
}

#[test]
fn an_active_cluster_is_ready_and_shows_what_others_read() {
    let present = present(&spec(json!({})), &BTreeSet::new(), &cluster(ClusterStatus::Active));
    assert_eq!((present.state, present.diff), (State::Ready, vec![]));
    assert_eq!(present.owner, Owner::Uid("uid-1".to_owned()));
    let status = serde_json::to_value(&present.status).expect("it is valid");
    assert_eq!(status["arn"], "arn:aws:eks:r:111122223333:cluster/shop-x1");
    assert_eq!(status["identity"]["oidc"]["issuer"], "https://oidc.example/id/A");
    assert_eq!(status["certificateAuthorityData"], "Q0E=");
    assert_eq!(status["endpoint"], "https://api.example");
    assert_eq!(status["resourcesVpcConfig"]["vpcId"], "vpc-1");
}

#[test]
fn nothing_is_compared_while_eks_would_refuse_it() {
    for (status, state) in [
        (ClusterStatus::Creating, State::Creating),
        (ClusterStatus::Pending, State::Creating),
        (ClusterStatus::Updating, State::Updating),
        (ClusterStatus::Deleting, State::Deleting),
    ] {
        let present =
            present(&spec(json!({"version": "1.29"})), &BTreeSet::new(), &cluster(status));
        assert_eq!((present.state, present.diff), (state, vec![]));
    }
}

#[test]
fn a_failed_cluster_says_why() {
    let mut cluster = cluster(ClusterStatus::Failed);
    let issue = ClusterIssue::builder()
        .code(ClusterIssueCode::Ec2SubnetNotFound)
        .message("subnet-1 is gone")
        .build();
    cluster.health = Some(ClusterHealth::builder().issues(issue).build());
    let State::Failed { message, .. } = present(&spec(json!({})), &BTreeSet::new(), &cluster).state
    else {
        panic!("it failed")
    };
    assert_eq!(message, "Ec2SubnetNotFound: subnet-1 is gone");
}

#[test]
fn versions_move_up_only() {
    assert_eq!(fields(&diff(json!({"version": "1.29"}))), [("version", false)]);
    assert_eq!(fields(&diff(json!({"version": "1.9"}))), [("version", true)]);
}

#[test]
fn changes_come_in_the_order_in_which_eks_takes_them() {
    let key = json!([{"provider": {"keyArn": "arn:key"}, "resources": ["secrets"]}]);
    let diff = diff(json!({
        "roleArn": "arn:other", "version": "1.29", "encryptionConfig": key, "tags": {"a": "b"},
        "logging": {"clusterLogging": [{"enabled": true, "types": ["audit"]}]},
        "kubernetesNetworkConfig": {"ipFamily": "ipv6"},
        "resourcesVpcConfig": {
            "endpointPrivateAccess": true, "publicAccessCidrs": ["192.0.2.9/24"],
            "subnetIds": ["subnet-1"],
        },
    }));
    assert_eq!(
        fields(&diff),
        [
            ("tags", false),
            ("encryptionConfig", false),
            ("version", false),
            ("logging", false),
            ("resourcesVpcConfig.endpointPrivateAccess", false),
            ("resourcesVpcConfig.publicAccessCidrs", false),
            ("resourcesVpcConfig.subnetIds", false),
            ("roleArn", true),
            ("kubernetesNetworkConfig.ipFamily", true),
        ]
    );
    assert_eq!(diff[5].wanted, json!(["192.0.2.0/24"]));
}

#[test]
fn logs_that_are_not_named_are_left_alone() {
    let logging = |types: &[&str], enabled: bool| {
        let setup = json!({"enabled": enabled, "types": types});
        json!({"logging": {"clusterLogging": [setup]}})
    };
    assert_eq!(diff(logging(&["api"], true)), vec![]);
    assert_eq!(diff(logging(&["audit", "scheduler"], false)), vec![]);
    assert_eq!(fields(&diff(logging(&["api"], false))), [("logging", false)]);
}
