use anyhow::{Context, Result, ensure};
use axum::extract::{Path, Request};
use axum::routing::{get, post};
use axum::{Json, Router};
use capstan_e2e::stage::Stage;
use capstan_kit::git::TOKEN;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::Named;
use super::world::World;

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("github", Box::pin(github(stage))),
        ("github-without", Box::pin(github_without(stage))),
        ("aws", Box::pin(aws(stage))),
        ("azure", Box::pin(azure(stage))),
    ]
}

/// GitHub's API, as far as an installation's token goes.
async fn api() -> Result<(String, tokio::task::JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/v3", listener.local_addr()?);
    let find = |Path((folder, owner)): Path<(String, String)>| async move {
        let is_there = folder == "users" && owner == "somebody";
        let status = if is_there { 200 } else { 404 };
        (http::StatusCode::from_u16(status).expect("a status"), Json(json!({"id": 42})))
    };
    let issue = |Path(id): Path<u64>, request: Request| async move {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let is_signed = header.is_some_and(|value| value.starts_with("Bearer ey"));
        let token = if id == 42 && is_signed { TOKEN } else { "none" };
        Json(json!({"token": token, "expires_at": "2099-01-01T00:00:00Z"}))
    };
    let app = Router::new()
        .route("/api/v3/{folder}/{owner}/installation", get(find))
        .route("/api/v3/app/installations/{id}/access_tokens", post(issue));
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Ok((url, task))
}

async fn github(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-github").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    let (url, task) = api().await?;
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).context("an RSA key")?.serialize_pem();
    let app = |owner: &'static str, key: &str| {
        [
            ("githubAppID", "7".to_owned()),
            ("githubAppInstallationOwner", owner.to_owned()),
            ("githubAppPrivateKey", key.to_owned()),
            ("githubAppBaseURL", url.clone()),
        ]
    };
    let store = async |part: &str, data: [(&str, String); 4]| {
        let data: Vec<_> = data.iter().map(|(key, value)| (*key, value.as_str())).collect();
        world.secret(part, &data).await
    };
    store("app", app("somebody", &key)).await?;
    let spec = |part: &str| json!({"provider": "github", "secretRef": {"name": world.part(part)}});
    world.source(spec("app")).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    store("nobody", app("nobody", &key)).await?;
    world.source(spec("nobody")).await?;
    world
        .not_fetched("AuthenticationFailed", &["failed to configure authentication options", "404"])
        .await?;
    store("broken", app("somebody", "no key at all")).await?;
    world.source(spec("broken")).await?;
    world.not_fetched("AuthenticationFailed", &["could not parse private key"]).await?;
    world.source(json!({"secretRef": {"name": world.part("app")}})).await?;
    let words = &["has github app data but provider is not set to github"];
    world.not_fetched("InvalidProviderConfiguration", words).await?;
    task.abort();
    Ok(())
}

async fn github_without(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-github-without").await?;
    let words =
        &["secretRef with github app data must be specified when provider is set to github"];
    world.source(json!({"provider": "github", "secretRef": Value::Null})).await?;
    world.not_fetched("InvalidProviderConfiguration", words).await?;
    world.refused(("Stalled", "True", "InvalidProviderConfiguration"), words).await?;
    world.source(json!({"provider": "github"})).await?;
    world.not_fetched("InvalidProviderConfiguration", words).await
}

async fn aws(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-aws").await?;
    world.source(json!({"provider": "aws", "secretRef": Value::Null})).await?;
    let words = &["AWS CodeCommit authentication requires an HTTPS Git URL"];
    world.not_fetched("AuthenticationFailed", words).await?;
    world
        .source(
            json!({"provider": "aws", "secretRef": Value::Null, "url": "https://example.com/x"}),
        )
        .await?;
    world
        .not_fetched("AuthenticationFailed", &["invalid AWS CodeCommit Git URL: example.com"])
        .await?;
    world.source(json!({"provider": "aws", "serviceAccountName": "x"})).await?;
    world.not_fetched("FeatureGateDisabled", &["spec.serviceAccountName"]).await?;
    let refused = world.source(json!({"serviceAccountName": "x"})).await;
    let message = format!("{:#}", refused.err().context("it was accepted")?);
    ensure!(
        message.contains("serviceAccountName can only be set when provider is 'azure' or 'aws'"),
        "{message}"
    );
    Ok(())
}

async fn azure(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-azure").await?;
    world.source(json!({"provider": "azure"})).await?;
    let words = &["provider 'azure' is not supported", "spec.provider"];
    world.not_fetched("InvalidProviderConfiguration", words).await?;
    world.refused(("Stalled", "True", "InvalidProviderConfiguration"), words).await
}
