use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::git::{PASSWORD, Proxy, TOKEN, USER};
use serde_json::json;

use super::Named;
use super::world::World;

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("semver", Box::pin(semver(stage))),
        ("reference-name", Box::pin(reference_name(stage))),
        ("bearer", Box::pin(bearer(stage))),
        ("tls", Box::pin(tls(stage))),
        ("proxy", Box::pin(proxy(stage))),
    ]
}

async fn semver(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-semver").await?;
    for tag in ["v1.0.0", "v1.10.0", "v2.0.0"] {
        let commit = world.commit("here/map.yaml", tag).await?;
        world.repo.tag(tag, &commit).await?;
    }
    let commit = world.repo.head("v1.10.0").await?.unwrap_or_default();
    world.source(json!({"ref": {"semver": "1.x", "tag": "v2.0.0", "branch": "main"}})).await?;
    world.stored(&format!("v1.10.0@sha1:{commit}")).await?;
    world.unit_shows("./here", "git-semver", "v1.10.0").await?;
    world.source(json!({"ref": {"semver": ">=7"}})).await?;
    world
        .not_fetched("GitOperationFailed", &["no match found for semver: >=7", "spec.ref.semver"])
        .await?;
    world.source(json!({"ref": {"semver": "newest"}})).await?;
    world.not_fetched("GitOperationFailed", &["semver parse error", "newest"]).await
}

async fn reference_name(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-name").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    world.repo.run(&["update-ref", "refs/pull/1/head", &commit]).await?;
    world.source(json!({"ref": {"name": "refs/pull/1/head"}})).await?;
    world.stored(&format!("refs/pull/1/head@sha1:{commit}")).await?;
    world.source(json!({"ref": {"commit": commit}})).await?;
    world.stored(&format!("sha1:{commit}")).await?;
    world.source(json!({"ref": {"commit": commit, "branch": "main"}})).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    Ok(())
}

async fn bearer(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-bearer").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    world.secret("token", &[("bearerToken", TOKEN)]).await?;
    world.source(json!({"secretRef": {"name": world.part("token")}})).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    world.secret("token", &[("bearerToken", "not-the-token")]).await?;
    world.not_fetched("AuthenticationFailed", &["refused the credentials", "spec.secretRef"]).await
}

async fn tls(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-tls").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    let door = stage.kit.git.tls(true).await?;
    let login = [("username", USER), ("password", PASSWORD)];
    let ours = [("tls.crt", &*door.client.0), ("tls.key", &*door.client.1)];
    let authority = [("caFile", &*door.authority)];
    world.secret("tls", &[&login[..], &ours, &authority].concat()).await?;
    let url = format!("{}/git-tls.git", door.url());
    world.source(json!({"url": url, "secretRef": {"name": world.part("tls")}})).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    world.secret("bare", &[&login[..], &authority].concat()).await?;
    world.source(json!({"url": url, "secretRef": {"name": world.part("bare")}})).await?;
    world.not_fetched("GitOperationFailed", &["git-tls.git"]).await?;
    world.secret("bare", &[&login[..], &[("ca.crt", "nonsense")]].concat()).await?;
    world.not_fetched("AuthenticationFailed", &["'ca.crt'", "spec.secretRef"]).await
}

async fn proxy(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-proxy").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    let proxy = Proxy::start().await?;
    world
        .secret("proxy", &[("address", &proxy.url()), ("username", USER), ("password", PASSWORD)])
        .await?;
    world.source(json!({"proxySecretRef": {"name": world.part("proxy")}})).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    ensure!(proxy.passed() > 0, "nothing went through the proxy");
    world.secret("proxy", &[("username", USER)]).await?;
    world.secret("empty", &[("username", USER)]).await?;
    world.source(json!({"proxySecretRef": {"name": world.part("empty")}})).await?;
    world
        .not_fetched("AuthenticationFailed", &["failed to configure proxy options", "'address'"])
        .await
}
