//! Somebody changes what Git says: it comes back at once, and an event tells who it was.

use anyhow::{Context, Result, ensure};
use capstan_cluster::ApplyOptions;
use capstan_e2e::look::{text, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::wait_until;
use capstan_model::Manifest;
use futures::FutureExt;
use serde_json::json;

use crate::Named;
use crate::case::{Case, SOON, config_map_kind, deployment, deployment_kind, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("drift-deleted", deleted(stage).boxed()),
        ("drift-edited", edited(stage).boxed()),
        ("drift-detect", detected(stage).boxed()),
        ("drift-by-hand", by_hand(stage).boxed()),
        ("drift-ignored", ignored(stage).boxed()),
    ]
}

/// Waits for an event of the unit.
async fn told(case: &Case<'_>, reason: &str, words: &[&str]) -> Result<()> {
    let events = capstan_e2e::look::kind("v1", "Event");
    wait_until(&format!("an event {reason} with {words:?}"), SOON, async || {
        let all = case.stage.management.list(&events, NAMESPACE, "").await?;
        let is_it = |event: &&Manifest| {
            text(event, "/involvedObject/name") == case.name && text(event, "/reason") == reason
        };
        let says =
            |event: &Manifest| words.iter().all(|word| text(event, "/message").contains(word));
        ensure!(all.iter().filter(is_it).any(says), "not yet");
        Ok(())
    })
    .await
}

async fn deleted(stage: &Stage) -> Result<()> {
    let name = "drift-deleted";
    let case = Case::begin(stage, name, &[]).await?;
    let cluster = &stage.management;
    let kept = cluster.get(&config_map_kind(), name, "kept").await?.context("applied")?;
    cluster.delete(&config_map_kind(), name, "kept", &Default::default()).await?;
    let is_new = |object: &Manifest| object.uid() != kept.uid();
    wait_for(cluster, &config_map_kind(), (name, "kept"), SOON, is_new).await?;
    told(&case, "DriftCorrected", &["ConfigMap/drift-deleted/kept was deleted"]).await?;
    case.keeps().await
}

async fn edited(stage: &Stage) -> Result<()> {
    let name = "drift-edited";
    let case = Case::begin(stage, name, &[]).await?;
    let patch = json!({"data": {"value": "by hand"}, "metadata": {"labels": {"mine": "too"}}});
    let cluster = &stage.management;
    cluster.merge(&config_map_kind(), name, "kept", &patch, "somebody").await?;
    let is_back = |object: &Manifest| text(object, "/data/value") == "good";
    let back = wait_for(cluster, &config_map_kind(), (name, "kept"), SOON, is_back).await?;
    ensure!(back.label("mine") == Some("too"), "what others add is theirs");
    told(&case, "DriftCorrected", &["kept was changed by somebody (Update)"]).await
}

/// With the annotation drift is told and left, until the source changes the object.
async fn detected(stage: &Stage) -> Result<()> {
    let name = "drift-detect";
    let case = Case::begin(stage, name, &[]).await?;
    let cluster = &stage.management;
    let mode = json!({"metadata": {"annotations": {"fleet.capstan.dev/drift": "detect"}}});
    cluster.merge(&unit_kind(), NAMESPACE, name, &mode, "a-user").await?;
    let patch = json!({"data": {"value": "by hand"}});
    cluster.merge(&config_map_kind(), name, "kept", &patch, "somebody").await?;
    told(&case, "DriftDetected", &["kept was changed by somebody (Update)", "/data/value"]).await?;
    let kept = cluster.get(&config_map_kind(), name, "kept").await?.context("applied")?;
    ensure!(text(&kept, "/data/value") == "by hand", "it was put right");
    Ok(())
}

/// What kubectl added goes; what it added with the mark `Merge` stays.
async fn by_hand(stage: &Stage) -> Result<()> {
    let name = "drift-by-hand";
    let merged = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"value": "x"},
        "metadata": {"name": "merged", "namespace": name,
            "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Merge"}}})
    .to_string();
    let case = Case::begin(stage, name, &[("merged.yaml", &merged)]).await?;
    let cluster = &stage.management;
    let patch = json!({"data": {"extra": "by hand"}});
    for object in ["merged", "kept"] {
        cluster.merge(&config_map_kind(), name, object, &patch, "kubectl-edit").await?;
    }
    let is_clean = |object: &Manifest| object.value()["data"].get("extra").is_none();
    wait_for(cluster, &config_map_kind(), (name, "kept"), SOON, is_clean).await?;
    case.follows_again().await?;
    let merged = cluster.get(&config_map_kind(), name, "merged").await?.context("applied")?;
    ensure!(text(&merged, "/data/extra") == "by hand", "what was to be merged was removed");
    Ok(())
}

/// A field that the unit ignores is somebody else's, also when the rest of the object changes.
async fn ignored(stage: &Stage) -> Result<()> {
    let name = "drift-ignored";
    let first = deployment(name, "app", "example.org/app:1", "app");
    let case = Case::begin(stage, name, &[("app.yaml", &first)]).await?;
    let rule = json!([{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]);
    case.set_unit(json!({"ignore": rule})).await?;
    case.ready_again().await?;
    let cluster = &stage.management;
    let scale = json!({"spec": {"replicas": 3}});
    cluster.merge(&deployment_kind(), name, "app", &scale, "autoscaler").await?;
    let second = deployment(name, "app", "example.org/app:2", "app");
    let commit = case.push(&[("app.yaml", Some(&second))]).await?;
    case.mended(&commit).await?;
    let app = cluster.get(&deployment_kind(), name, "app").await?.context("applied")?;
    ensure!(app.value()["spec"]["replicas"] == 3, "the ignored field was written");
    let image = text(&app, "/spec/template/spec/containers/0/image");
    ensure!(image == "example.org/app:2", "the rest was not applied: {image}");
    let mine = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 4},
        "metadata": {"name": "app", "namespace": name}});
    let options = ApplyOptions { field_manager: "scaler", force: true, dry_run: false };
    cluster.apply(&Manifest::try_from(mine)?, options).await?;
    let third = deployment(name, "app", "example.org/app:3", "app");
    let commit = case.push(&[("app.yaml", Some(&third))]).await?;
    case.mended(&commit).await?;
    let app = cluster.get(&deployment_kind(), name, "app").await?.context("applied")?;
    ensure!(app.value()["spec"]["replicas"] == 4, "a field that another applies was written");
    Ok(())
}
