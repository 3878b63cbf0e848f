//! A unit that applies to a cluster of EKS without a stored credential.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_e2e::look::kind;
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage, administrator};
use capstan_kit::aws::{ACCOUNT, AwsClient};
use capstan_kit::wait_until;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::account::{account, role, with_trust};
use crate::unit::Unit;

const REGION: &str = "eu-west-1";
const NAME: &str = "eks-target";

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![("eks-target", applies(stage).boxed()), ("eks-faults", faults(stage).boxed())]
}

fn arn(cluster: &str) -> String {
    format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{cluster}")
}

async fn config_map(stage: &Stage, name: &str, data: Value) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE}, "data": data});
    stage.apply(&object.to_string()).await
}

fn spec(config_map: &str) -> Value {
    json!({"kubeConfig": {"configMapRef": {"name": config_map}}})
}

fn pushed(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"}, "data": {"value": "pushed"}})
    .to_string()
}

/// AWS as the role of a ServiceAccount.
async fn as_account(stage: &Stage, name: &str, role: &str) -> Result<AwsClient> {
    let audience = "sts.amazonaws.com";
    let token = stage.management.service_account_token(NAMESPACE, name, audience, 3600).await?;
    let client = stage.kit.aws.client();
    let token = token.token.expose();
    let keys = client.assume_role_with_web_identity(role, "a-test", token).await?;
    Ok(client.with_keys(keys))
}

/// Makes a cluster whose administrator is the role of a ServiceAccount, since it made it.
async fn cluster(stage: &Stage, owner: &str) -> Result<()> {
    let client = stage.kit.aws.client();
    let vpc = client.query("ec2", "CreateVpc", &[("CidrBlock", "10.77.0.0/16")]).await?;
    let vpc = vpc.find_text("vpcId").context("a VPC")?.to_owned();
    let mut subnets = Vec::new();
    for (zone, range) in [("eu-west-1a", "10.77.0.0/24"), ("eu-west-1b", "10.77.1.0/24")] {
        let params = [("VpcId", &*vpc), ("CidrBlock", range), ("AvailabilityZone", zone)];
        let subnet = client.query("ec2", "CreateSubnet", &params).await?;
        subnets.push(subnet.find_text("subnetId").context("a subnet")?.to_owned());
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let role = with_trust(stage, "eks-control-plane", &trust, &[]).await?;
    let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
    client.iam_attach_role_policy("eks-control-plane", policy).await?;
    let wanted = json!({"name": NAME, "version": "1.34", "roleArn": role,
        "clientRequestToken": "a-test", "resourcesVpcConfig": {"subnetIds": subnets}});
    let owner = as_account(stage, NAME, owner).await?;
    owner.eks("POST", "/clusters", &wanted).await?;
    let path = format!("/clusters/{NAME}");
    wait_until("the cluster to be active", PATIENCE, async || {
        let told = client.eks("GET", &path, &Value::Null).await;
        let told = told.map_err(|error| format!("{error:#}"))?;
        if told["cluster"]["status"] == "ACTIVE" { Ok(()) } else { Err(told.to_string()) }
    })
    .await
}

async fn applies(stage: &Stage) -> Result<()> {
    let allowed = [("eks:*", "*"), ("iam:PassRole", "*"), ("iam:GetRole", "*"), ("ec2:*", "*")];
    let owner = role(stage, NAME, &allowed).await?;
    account(stage, NAME, Some(&owner)).await?;
    cluster(stage, &owner).await?;
    let unit = Unit::begin(stage, NAME, &[("pushed.yaml", &pushed("pushed"))]).await?;
    let data = json!({"provider": "aws", "cluster": arn(NAME), "serviceAccountName": NAME});
    config_map(stage, NAME, data).await?;
    unit.set(spec(NAME)).await?;
    unit.applied().await?;
    let remote = administrator(&stage.kit.cluster(NAME)?).await?;
    let found = remote.get(&kind("v1", "ConfigMap"), "default", "pushed").await?;
    ensure!(found.is_some(), "it is not in the cluster of EKS");
    let here = stage.management.get(&kind("v1", "ConfigMap"), "default", "pushed").await?;
    ensure!(here.is_none(), "it is in the cluster of the agent");
    let asked = stage.kit.aws.calls_of("DescribeCluster", "eks-target.flux-system.eu-west-1");
    ensure!(asked == 1, "the cluster was described {asked} times");
    // Where address and authority are given, AWS is not asked for them.
    let path = format!("/clusters/{NAME}");
    let told = stage.kit.aws.client().eks("GET", &path, &Value::Null).await?;
    let ca = told.pointer("/cluster/certificateAuthority/data").and_then(Value::as_str);
    let ca = String::from_utf8(STANDARD.decode(ca.context("an authority")?)?)?;
    let data = json!({"provider": "aws", "cluster": arn(NAME), "serviceAccountName": NAME,
        "address": told["cluster"]["endpoint"], "ca.crt": ca});
    config_map(stage, NAME, data).await?;
    let mut again = spec(NAME);
    again["commonMetadata"] = json!({"labels": {"again": "yes"}});
    unit.set(again).await?;
    unit.applied().await?;
    let asked = stage.kit.aws.calls_of("DescribeCluster", "eks-target.flux-system.eu-west-1");
    ensure!(asked == 1, "the cluster was described {asked} times");
    Ok(())
}

async fn faults(stage: &Stage) -> Result<()> {
    let name = "eks-faults";
    let unit = Unit::begin(stage, name, &[("pushed.yaml", &pushed(name))]).await?;
    config_map(stage, name, json!({"provider": "aws"})).await?;
    unit.set(spec(name)).await?;
    let prefix = "kubeConfig ConfigMap 'flux-system/eks-faults': ";
    let words = [prefix, "invalid EKS cluster ARN: ''. must match ^arn:aws"];
    unit.refused("ReconciliationFailed", &words).await?;
    let data = json!({"provider": "aws", "cluster": arn("absent"), "serviceAccountName": name});
    config_map(stage, name, data.clone()).await?;
    let words = [prefix, "failed to get service account 'flux-system/eks-faults': not found"];
    unit.refused("ReconciliationFailed", &words).await?;
    let allowed = role(stage, name, &[("eks:DescribeCluster", "*")]).await?;
    account(stage, name, Some(&allowed)).await?;
    let words = ["failed to describe EKS cluster", "cluster/absent'", "ResourceNotFoundException"];
    unit.refused("ReconciliationFailed", &words).await.map(drop)
}
