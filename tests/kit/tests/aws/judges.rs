//! Software that we did not write judges the stand-in: botocore, the AWS command line, kubectl.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use capstan_kit::aws::{AwsStandIn, Keys, KitPlanes};
use capstan_kit::process::{Process, ProcessSpec};
use capstan_kit::{Part, Parts};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::support::{REGION, Vpc, eks_status, quick, service_trust, start, start_with};

const PARTS: [Part; 7] = [
    Part::Etcd,
    Part::KubeApiserver,
    Part::KubeControllerManager,
    Part::Kubectl,
    Part::MotoServer,
    Part::AwsCli,
    Part::Python,
];

fn script(name: &str) -> PathBuf {
    let folder = Path::new("tests/aws").canonicalize().expect("cargo runs tests in their package");
    folder.join(name)
}

/// The environment of a program that calls AWS with these keys.
fn with_keys(spec: ProcessSpec, aws: &AwsStandIn, keys: &Keys) -> ProcessSpec {
    let spec = spec
        .env("AWS_ENDPOINT_URL", aws.endpoint())
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_key)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    match &keys.session_token {
        Some(token) => spec.env("AWS_SESSION_TOKEN", token),
        None => spec,
    }
}

/// Runs a program to its end: whether it ended well, and what it printed.
async fn run(spec: &ProcessSpec) -> (bool, String) {
    let process = Process::spawn(spec).unwrap();
    let exit = process.wait().await;
    (exit.success(), process.tail(40))
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_drives_every_eks_call() {
    let started = start(quick()).await;
    let parts = Parts::get(&PARTS).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.json");
    let spec = ProcessSpec::new(parts.path(Part::Python).unwrap(), dir.path().join("log"))
        .arg(script("eks.py"))
        .arg(started.aws.endpoint())
        .arg(&out);
    let (ok, printed) = run(&spec).await;
    assert!(ok, "{printed}");
    assert!(std::fs::read_to_string(out).unwrap().contains("\"ok\": true"));
}

/// A cluster with a real control plane.
async fn real_cluster(aws: &AwsStandIn) -> Value {
    let vpc = Vpc::create(aws).await;
    let client = aws.client();
    let role =
        client.iam_create_role("cluster", &service_trust("eks.amazonaws.com")).await.unwrap();
    let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
    client.iam_attach_role_policy("cluster", policy).await.unwrap();
    let wanted = json!({
        "name": "spoke", "version": "1.34", "roleArn": role,
        "resourcesVpcConfig": {"subnetIds": vpc.private},
    });
    client.eks("POST", "/clusters", &wanted).await.unwrap();
    eks_status(aws, "/clusters/spoke", "ACTIVE").await
}

/// A token of a ServiceAccount for STS.
async fn sts_token(planes: &KitPlanes) -> String {
    let client = planes.get("spoke").unwrap().control_plane().client();
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
    let wanted = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec!["sts.amazonaws.com".into()],
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let made =
        accounts.create_token_request("default", &PostParams::default(), &wanted).await.unwrap();
    made.status.unwrap().token
}

async fn kubectl(
    aws: &AwsStandIn,
    parts: &Parts,
    dir: &Path,
    keys: &Keys,
    args: &[&str],
) -> (bool, String) {
    let aws_folder = parts.path(Part::AwsCli).unwrap().parent().unwrap().to_owned();
    let path = format!("{}:{}", aws_folder.display(), std::env::var("PATH").unwrap());
    let log = tempfile::NamedTempFile::new_in(dir).unwrap();
    let spec = ProcessSpec::new(parts.path(Part::Kubectl).unwrap(), log.path())
        .arg("--kubeconfig")
        .arg(dir.join("kubeconfig"))
        .args(args.iter().copied())
        .env("PATH", path);
    run(&with_keys(spec, aws, keys)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_logs_in_and_a_pod_takes_on_its_role() {
    let parts = Parts::get(&PARTS).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let planes = Arc::new(KitPlanes::new(dir.path().join("planes"), parts.clone()));
    let aws = start_with(planes.clone(), quick(), dir.path().to_owned()).await;
    let cluster = real_cluster(&aws).await;

    // The AWS command line writes the kubeconfig; kubectl asks it for a token.
    let spec = ProcessSpec::new(parts.path(Part::AwsCli).unwrap(), dir.path().join("update.log"))
        .args(["eks", "update-kubeconfig", "--name", "spoke", "--kubeconfig"])
        .arg(dir.path().join("kubeconfig"));
    let (ok, printed) = run(&with_keys(spec, &aws, &aws.root_keys())).await;
    assert!(ok, "{printed}");
    let namespaces = ["get", "namespaces", "-o", "name"];
    let (ok, printed) = kubectl(&aws, &parts, dir.path(), &aws.root_keys(), &namespaces).await;
    assert!(ok && printed.contains("namespace/kube-system"), "{printed}");

    // A web identity of that cluster, through botocore's own provider.
    let issuer = cluster["identity"]["oidc"]["issuer"].as_str().unwrap().to_owned();
    let client = aws.client();
    let provider = client.iam_create_oidc_provider(&issuer, &["sts.amazonaws.com"]).await.unwrap();
    let host = issuer.trim_start_matches("https://");
    let trust = json!({"Statement": [{
        "Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{host}:sub"): "system:serviceaccount:default:default",
        }},
    }]});
    let role = client.iam_create_role("app", &trust.to_string()).await.unwrap();
    let token = sts_token(&planes).await;
    let (file, out) = (dir.path().join("token"), dir.path().join("arn"));
    std::fs::write(&file, &token).unwrap();
    let spec = ProcessSpec::new(parts.path(Part::Python).unwrap(), dir.path().join("web.log"))
        .arg(script("web_identity.py"))
        .arg(aws.endpoint())
        .arg(&out)
        .env("AWS_ENDPOINT_URL", aws.endpoint())
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ROLE_ARN", &role)
        .env("AWS_ROLE_SESSION_NAME", "pod")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
    let (ok, printed) = run(&spec).await;
    assert!(ok, "{printed}");
    let arn = std::fs::read_to_string(out).unwrap();
    assert_eq!(arn, "arn:aws:sts::123456789012:assumed-role/app/pod");

    // Somebody who did not create the cluster is known, and may do nothing.
    let keys = client.assume_role_with_web_identity(&role, "pod", &token).await.unwrap();
    let (ok, printed) = kubectl(&aws, &parts, dir.path(), &keys, &namespaces).await;
    assert!(!ok && printed.contains("Forbidden"), "{printed}");
    let mut forged = keys;
    forged.secret_key.push('x');
    let (ok, printed) = kubectl(&aws, &parts, dir.path(), &forged, &namespaces).await;
    assert!(!ok && printed.contains("must be logged in"), "{printed}");

    // When the cluster is gone, so is its control plane.
    drop(planes.get("spoke").unwrap());
    client.eks("DELETE", "/clusters/spoke", &Value::Null).await.unwrap();
    eks_status(&aws, "/clusters/spoke", "gone").await;
    assert!(planes.names().is_empty());
}
