//! A stand-in whose clusters are empty shells, and a network to build in it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_kit::aws::{
    AwsClient, AwsDelays, AwsOptions, AwsStandIn, NodeOrder, Plane, PlaneOrder, Planes,
};
use capstan_kit::{Part, Parts, wait_until};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Control planes that are ready at once and only remember their nodes.
#[derive(Default)]
pub(crate) struct Shells {
    pub(crate) nodes: Arc<Mutex<Vec<String>>>,
    pub(crate) public_key: String,
}

struct Shell {
    nodes: Arc<Mutex<Vec<String>>>,
    public_key: String,
}

impl Planes for Shells {
    fn start(&self, _: PlaneOrder) -> BoxFuture<'static, anyhow::Result<Arc<dyn Plane>>> {
        let shell = Shell { nodes: self.nodes.clone(), public_key: self.public_key.clone() };
        async move { Ok(Arc::new(shell) as Arc<dyn Plane>) }.boxed()
    }
}

impl Plane for Shell {
    fn endpoint(&self) -> String {
        "https://127.0.0.1:1".into()
    }

    fn ca_pem(&self) -> String {
        "-----BEGIN CERTIFICATE-----".into()
    }

    fn sa_public_key_pem(&self) -> String {
        self.public_key.clone()
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        async { true }.boxed()
    }

    fn add_node(&self, node: NodeOrder) -> BoxFuture<'_, anyhow::Result<()>> {
        self.nodes.lock().unwrap().push(node.name);
        async { Ok(()) }.boxed()
    }

    fn remove_node(&self, name: String) -> BoxFuture<'_, anyhow::Result<()>> {
        self.nodes.lock().unwrap().retain(|node| *node != name);
        async { Ok(()) }.boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// Long enough to be seen, short enough for a test.
pub(crate) fn quick() -> AwsDelays {
    AwsDelays {
        nat_available: Duration::from_millis(400),
        nat_deleted: Duration::from_millis(400),
        cluster_active: Duration::from_millis(600),
        cluster_deleted: Duration::from_millis(400),
        nodegroup_active: Duration::from_millis(300),
        nodegroup_deleted: Duration::from_millis(300),
        update: Duration::from_millis(300),
        ..AwsDelays::default()
    }
}

pub(crate) struct Started {
    pub(crate) aws: AwsStandIn,
    pub(crate) nodes: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn start(delays: AwsDelays) -> Started {
    let shells =
        Shells { public_key: super::identity::Issuer::new().public_pem, ..Shells::default() };
    let nodes = shells.nodes.clone();
    let folder = tempfile::tempdir().unwrap();
    let aws = start_with(Arc::new(shells), delays, folder.path().to_owned()).await;
    Started { aws, nodes, _folder: folder }
}

pub(crate) async fn start_with(
    planes: Arc<dyn Planes>,
    delays: AwsDelays,
    folder: PathBuf,
) -> AwsStandIn {
    let parts = Parts::get(&[Part::MotoServer]).await.unwrap();
    let moto_server = parts.path(Part::MotoServer).unwrap().to_owned();
    let options = AwsOptions { moto_server, folder, region: REGION.into(), planes, delays };
    AwsStandIn::start(options).await.unwrap()
}

/// Calls EC2 and returns the text of an element.
pub(crate) async fn ec2(
    aws: &AwsStandIn,
    action: &str,
    params: &[(&str, &str)],
    out: &str,
) -> String {
    let answer = aws.client().query("ec2", action, params).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error:#}"));
    answer.find_text(out).unwrap_or_default().to_owned()
}

/// Calls a form-based service, which has to refuse with this code.
pub(crate) async fn refused(
    client: &AwsClient,
    service: &str,
    action: &str,
    params: &[(&str, &str)],
    code: &str,
) {
    let error = match client.query(service, action, params).await {
        Ok(_) => panic!("{action} was accepted, want {code}"),
        Err(error) => format!("{error:#}"),
    };
    assert!(error.contains(&format!(": {code}:")), "{action}: want {code}, got: {error}");
}

/// Calls EKS, which has to refuse with this code.
pub(crate) async fn eks_refused(
    aws: &AwsStandIn,
    method: &str,
    path: &str,
    body: Value,
    code: &str,
) {
    let error = match aws.client().eks(method, path, &body).await {
        Ok(answer) => panic!("{method} {path} was accepted, want {code}: {answer}"),
        Err(error) => format!("{error:#}"),
    };
    assert!(error.contains(&format!(": {code}:")), "{path}: want {code}, got: {error}");
}

/// Waits until a cluster or node group has a status; `gone` when it is no longer found.
pub(crate) async fn eks_status(aws: &AwsStandIn, path: &str, status: &str) -> Value {
    wait_until(&format!("{path} to be {status}"), LIMIT, || async {
        match aws.client().eks("GET", path, &Value::Null).await {
            Ok(answer) => {
                let body = answer.as_object().and_then(|o| o.values().next()).cloned();
                let body = body.unwrap_or_default();
                if body["status"] == status { Ok(body) } else { Err(body["status"].to_string()) }
            }
            Err(error) if status == "gone" && format!("{error:#}").contains("NotFound") => {
                Ok(Value::Null)
            }
            Err(error) => Err(format!("{error:#}")),
        }
    })
    .await
    .unwrap()
}

pub(crate) async fn nat_state(aws: &AwsStandIn, nat: &str, state: &str) {
    wait_until(&format!("{nat} to be {state}"), LIMIT, || async {
        let now = ec2(aws, "DescribeNatGateways", &[("NatGatewayId.1", nat)], "state").await;
        if now == state { Ok(()) } else { Err(now) }
    })
    .await
    .unwrap();
}

pub(crate) fn service_trust(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    }]})
    .to_string()
}

/// A VPC with two public and two private subnets.
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) public: [String; 2],
    pub(crate) private: [String; 2],
}

impl Vpc {
    pub(crate) async fn create(aws: &AwsStandIn) -> Self {
        let id = ec2(aws, "CreateVpc", &[("CidrBlock", "10.20.0.0/16")], "vpcId").await;
        let subnet = async |cidr: &str, zone: &str| {
            let params = [("VpcId", id.as_str()), ("CidrBlock", cidr), ("AvailabilityZone", zone)];
            ec2(aws, "CreateSubnet", &params, "subnetId").await
        };
        let public = [
            subnet("10.20.1.0/24", "eu-west-1a").await,
            subnet("10.20.2.0/24", "eu-west-1b").await,
        ];
        let private = [
            subnet("10.20.11.0/24", "eu-west-1a").await,
            subnet("10.20.12.0/24", "eu-west-1b").await,
        ];
        Self { id, public, private }
    }
}
