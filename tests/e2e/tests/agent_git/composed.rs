use anyhow::{Result, ensure};
use capstan_e2e::look::find_condition;
use capstan_e2e::stage::Stage;
use capstan_model::Manifest;
use serde_json::{Value, json};

use super::Named;
use super::world::World;

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("include", Box::pin(include(stage))),
        ("include-circle", Box::pin(include_circle(stage))),
        ("submodules", Box::pin(submodules(stage))),
        ("sparse", Box::pin(sparse(stage))),
    ]
}

fn includes(name: &str, to: &str) -> Value {
    json!([{"repository": {"name": name}, "fromPath": "here", "toPath": to}])
}

async fn include(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-include").await?;
    let other = World::new(stage, "git-included").await?;
    world.source(json!({"include": includes("git-included", "there")})).await?;
    let words = &["could not get resource for include 'git-included'"];
    world.refused(("IncludeUnavailable", "True", "NotFound"), words).await?;
    other.source(json!({})).await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    let first = world.stored(&format!("main@sha1:{commit}")).await?;
    let status = &first.value()["status"];
    let inner = other.repo.head("main").await?.unwrap_or_default();
    assert_eq!(status["includedArtifacts"][0]["revision"], format!("main@sha1:{inner}"));
    assert_eq!(status["observedInclude"], includes("git-included", "there"));
    ensure!(find_condition(&first, "IncludeUnavailable").is_none(), "{status}");
    world.unit_shows("./there", "git-included", "one").await?;

    // The artifact follows what is included, though its own revision stays.
    let newer = other.commit("here/map.yaml", "two").await?;
    other.source(json!({"interval": "29m"})).await?;
    let follows = |object: &Manifest| {
        let status = &object.value()["status"];
        status["includedArtifacts"][0]["revision"] == format!("main@sha1:{newer}")
            && status["artifact"]["digest"] != first.value()["status"]["artifact"]["digest"]
    };
    world.wait(follows).await?;

    world.source(json!({"include": includes("git-included", "here")})).await?;
    let words = &["failed to copy 'git-included' include from here to here", "exists already"];
    world.refused(("StorageOperationFailed", "True", "CopyFailure"), words).await?;
    world.source(json!({})).await?;
    let without = world.wait(|object| {
        let status = &object.value()["status"];
        status.get("includedArtifacts").is_none() && status.get("observedInclude").is_none()
    });
    without.await?;
    Ok(())
}

async fn include_circle(stage: &Stage) -> Result<()> {
    let (one, two) =
        (World::new(stage, "git-circle").await?, World::new(stage, "git-circle-two").await?);
    two.source(json!({"include": includes("git-circle", "there")})).await?;
    one.source(json!({"include": includes("git-circle-two", "there")})).await?;
    let words = &["'git-circle-two' includes this GitRepository in turn", "spec.include"];
    one.refused(("IncludeUnavailable", "True", "CircularInclude"), words).await
}

async fn submodules(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-modules").await?;
    let inner = World::new(stage, "git-module").await?;
    let pinned = inner.repo.head("main").await?.unwrap_or_default();
    inner.commit("here/map.yaml", "newer").await?;
    let commit =
        world.repo.add_submodule("main", "parts/inner", "../git-module.git", &pinned).await?;
    world.source(json!({"recurseSubmodules": true})).await?;
    let stored = world.stored(&format!("main@sha1:{commit}")).await?;
    assert_eq!(stored.value()["status"]["observedRecurseSubmodules"], true);
    world.unit_shows("./parts/inner/here", "git-module", "one").await?;
    world.repo.add_submodule("main", "parts/gone", "../git-no-module.git", &pinned).await?;
    world.source(json!({"recurseSubmodules": true, "interval": "29m"})).await?;
    world
        .not_fetched("GitOperationFailed", &["submodule 'parts/gone'", "git-no-module.git"])
        .await?;
    let kept = world
        .stage
        .management
        .get(&super::world::source_kind(), "flux-system", "git-modules")
        .await?;
    assert_eq!(
        kept.map(|kept| kept.value()["status"]["artifact"]["revision"].clone()),
        Some(Value::from(format!("main@sha1:{commit}")))
    );
    Ok(())
}

async fn sparse(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-sparse").await?;
    world.commit("elsewhere/map.yaml", "elsewhere").await?;
    let commit = world.commit("far/away/map.yaml", "far").await?;
    world.source(json!({})).await?;
    let whole = world.stored(&format!("main@sha1:{commit}")).await?;
    world.source(json!({"sparseCheckout": ["./far/away", "here"]})).await?;
    let is_smaller = |object: &Manifest| {
        let status = &object.value()["status"];
        status["observedSparseCheckout"] == json!(["./far/away", "here"])
            && status["artifact"]["digest"] != whole.value()["status"]["artifact"]["digest"]
    };
    world.wait(is_smaller).await?;
    world.unit_shows("./far/away", "git-sparse", "far").await?;
    world.source(json!({"sparseCheckout": ["here", "nowhere"]})).await?;
    let words =
        &["sparse checkout dir 'nowhere' does not exist in repository", "spec.sparseCheckout"];
    world.not_fetched("GitOperationFailed", words).await
}
