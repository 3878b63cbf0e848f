//! Artifacts in a registry of ECR. The registry of the kit stands behind a proxy that knows no other.

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use capstan_e2e::look::text;
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::Registry;
use capstan_kit::aws::ACCOUNT;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::account::{account, role};
use crate::source::says;

const NAME: &str = "ecr-login";
const PROXY: &str = "ecr-proxy";

/// What stands for ECR: a registry that takes moto's login, and a proxy to it.
pub(crate) struct Standing {
    registry: Registry,
    proxy: tokio::task::JoinHandle<()>,
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

pub(crate) async fn prepare(stage: &Stage) -> Result<Standing> {
    let login = ("AWS", &*format!("{ACCOUNT}-auth-token"));
    let registry = Registry::start(stage.kit.parts(), stage.kit.dir(), login).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let app = Router::new().fallback(pass).with_state(registry.address().to_owned());
    let proxy = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": PROXY, "namespace": NAMESPACE}, "stringData": {"address": address}});
    stage.apply(&secret.to_string()).await?;
    Ok(Standing { registry, proxy })
}

/// Whatever host is asked for over plain HTTP, the registry answers.
async fn pass(State(registry): State<String>, request: Request) -> Response {
    let answer = async {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().context("no path")?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut sent = client.request(head.method, format!("http://{registry}{path}"));
        for (name, value) in head.headers.iter().filter(|(name, _)| *name != "host") {
            sent = sent.header(name, value);
        }
        let answer = sent.body(to_bytes(body, 1 << 20).await?).send().await?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        Ok::<_, anyhow::Error>(response.body(Body::from(answer.bytes().await?))?)
    };
    answer.await.unwrap_or_else(|error| {
        let mut refused = Response::new(Body::from(format!("{error:#}")));
        *refused.status_mut() = http::StatusCode::BAD_GATEWAY;
        refused
    })
}

pub(crate) fn cases<'a>(stage: &'a Stage, standing: &'a Standing) -> Vec<Named<'a>> {
    vec![("ecr-login", logs_in(stage, standing).boxed()), ("ecr-faults", faults(stage).boxed())]
}

async fn set(stage: &Stage, name: &str, more: Value) -> Result<()> {
    let host = format!("{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com");
    let mut spec = json!({"interval": "30m", "url": format!("oci://{host}/{name}"),
        "ref": {"tag": "v1"}, "provider": "aws", "insecure": true,
        "proxySecretRef": {"name": PROXY}});
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
    stage.apply(&source.to_string()).await
}

async fn logs_in(stage: &Stage, standing: &Standing) -> Result<()> {
    let mut layer = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    layer.append_data(&mut header, "empty.yaml", &b"{}"[..])?;
    let layer = layer.into_inner()?.finish()?;
    let (digest, _) = standing.registry.push(NAME, "v1", layer).await?;
    let arn = role(stage, NAME, &[]).await?;
    account(stage, NAME, Some(&arn)).await?;
    set(stage, NAME, json!({"serviceAccountName": NAME})).await?;
    let words = [
        "failed to get credential from aws: failed to create artifact registry credentials",
        "ecr GetAuthorizationToken was denied",
    ];
    says(stage, "OCIRepository", NAME, "False", &words).await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}]});
    stage.kit.aws.client().iam_put_role_policy(NAME, "logs-in", &policy.to_string()).await?;
    let stored = says(stage, "OCIRepository", NAME, "True", &[]).await?;
    let revision = text(&stored, "/status/artifact/revision");
    ensure!(revision == format!("v1@{digest}"), "{revision}");
    Ok(())
}

async fn faults(stage: &Stage) -> Result<()> {
    let name = "ecr-faults";
    set(stage, name, json!({"url": "oci://ghcr.io/a/b"})).await?;
    let words = ["failed to get credential from aws: invalid AWS registry: 'ghcr.io'"];
    says(stage, "OCIRepository", name, "False", &words).await?;
    set(stage, name, json!({"serviceAccountName": name})).await?;
    says(
        stage,
        "OCIRepository",
        name,
        "False",
        &["service account 'flux-system/ecr-faults'", "not found"],
    )
    .await?;
    account(stage, name, None).await?;
    let words = ["failed to get access token for artifact registry", "role-arn annotation: ''"];
    says(stage, "OCIRepository", name, "False", &words).await.map(drop)
}
