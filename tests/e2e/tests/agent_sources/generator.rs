//! ArtifactGenerators: what they make of a bucket is applied.

use anyhow::{Result, ensure};
use capstan_e2e::look::{condition, find_condition, kind, text, wait_for, wait_gone};
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage};
use capstan_kit::ObjectStore;
use capstan_model::{GroupVersionKind, Manifest};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::bucket::spec;
use crate::source::{Named, Source, config_map};

const BUCKET: &str = "monorepo";

pub(crate) fn cases<'a>(stage: &'a Stage, store: &'a ObjectStore) -> Vec<Named<'a>> {
    vec![("generator", generator(stage, store).boxed())]
}

fn gvk() -> GroupVersionKind {
    kind("source.extensions.fluxcd.io/v1beta1", "ArtifactGenerator")
}

async fn set(stage: &Stage, artifacts: Value, pattern: Option<&str>) -> Result<()> {
    let sources = json!([{"alias": "all", "kind": "Bucket", "name": BUCKET}]);
    let mut generator = json!({"apiVersion": "source.extensions.fluxcd.io/v1beta1", "kind": "ArtifactGenerator",
        "metadata": {"name": "parts", "namespace": NAMESPACE},
        "spec": {"sources": sources, "artifacts": artifacts}});
    if let Some(pattern) = pattern {
        generator["spec"]["pathPattern"] = pattern.into();
    }
    stage.apply(&generator.to_string()).await
}

/// An artifact a directory: a change of one leaves the others alone, what is gone is removed, and nothing stays behind.
async fn generator(stage: &Stage, store: &ObjectStore) -> Result<()> {
    let source = Source::new(stage, "Bucket", BUCKET);
    store.put(BUCKET, "", "").await?;
    for app in ["web", "api"] {
        store.put(BUCKET, &format!("apps/{app}/x.yaml"), &config_map(app, "one")).await?;
        store.put(BUCKET, &format!("apps/{app}/README.md"), "text").await?;
    }
    source.set(&spec(store, BUCKET, json!({}))).await?;
    let copy = json!([{"from": "@all/apps/{app}/**", "to": "@artifact/", "exclude": ["*.md"]}]);
    let all = json!([{"name": "{app}", "originRevision": "@all", "copy": copy}]);
    set(stage, all, Some("@all/apps/{app}")).await?;
    let (web, api) = (
        Source::new(stage, "ExternalArtifact", "web"),
        Source::new(stage, "ExternalArtifact", "api"),
    );
    for app in [&web, &api] {
        app.unit().await?;
    }
    let is_ready = |object: &Manifest| condition(object, "Ready");
    let made =
        wait_for(&stage.management, &gvk(), (NAMESPACE, "parts"), PATIENCE, is_ready).await?;
    let count = made.value()["status"]["inventory"].as_array().map(Vec::len);
    ensure!(count == Some(2), "{:?}", made.value()["status"]);
    web.applied().await?;
    let first = text(&api.applied().await?, "/status/lastAppliedRevision");
    ensure!(web.value("web").await? == "one" && first.starts_with("latest@sha256:"), "{first}");
    store.put(BUCKET, "apps/web/x.yaml", &config_map("web", "two")).await?;
    source.look_again("two").await?;
    let is_new = |object: &Manifest| object.value().pointer("/data/value") == Some(&json!("two"));
    let place = (NAMESPACE, "web");
    wait_for(&stage.management, &kind("v1", "ConfigMap"), place, PATIENCE, is_new).await?;
    ensure!(text(&api.get().await?, "/status/artifact/revision") == first, "api stays");
    let one = json!([{"name": "web", "copy": [{"from": "@all/none/*", "to": "@artifact/"}]}]);
    set(stage, one, None).await?;
    let says = |object: &Manifest| {
        find_condition(object, "Ready").is_some_and(|ready| {
            ready["reason"] == "BuildFailed"
                && ready["message"].to_string().contains("no files match")
        })
    };
    wait_for(&stage.management, &gvk(), (NAMESPACE, "parts"), PATIENCE, says).await?;
    ensure!(web.value("web").await? == "two", "what was made stays");
    let one =
        json!([{"name": "web", "copy": [{"from": "@all/apps/web/x.yaml", "to": "@artifact/"}]}]);
    set(stage, one, None).await?;
    wait_gone(&stage.management, &api.gvk, (NAMESPACE, "api"), PATIENCE).await?;
    stage.management.delete(&gvk(), NAMESPACE, "parts", &Default::default()).await?;
    wait_gone(&stage.management, &web.gvk, (NAMESPACE, "web"), PATIENCE).await?;
    wait_gone(&stage.management, &gvk(), (NAMESPACE, "parts"), PATIENCE).await?;
    Ok(())
}
