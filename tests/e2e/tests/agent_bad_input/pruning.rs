//! What vanishes from Git vanishes from the cluster, and nothing else does.

use anyhow::{Result, ensure};
use capstan_e2e::look::wait_gone;
use capstan_e2e::stage::Stage;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, SOON, config_map, config_map_kind, unit_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("prune-removes", removes(stage).boxed()),
        ("prune-broken", broken(stage).boxed()),
        ("prune-rejected", rejected(stage).boxed()),
        ("prune-guard", guarded(stage).boxed()),
    ]
}

async fn is_there(case: &Case<'_>, name: &str) -> Result<bool> {
    Ok(case.stage.management.get(&config_map_kind(), case.name, name).await?.is_some())
}

async fn removes(stage: &Stage) -> Result<()> {
    let name = "prune-removes";
    let mut spared: Value = serde_json::from_str(&config_map(name, "spared", "x"))?;
    spared["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"});
    let (gone, spared) = (config_map(name, "gone", "x"), spared.to_string());
    let files: &[(&str, &str)] = &[("gone.yaml", &gone), ("spared.yaml", &spared)];
    let case = Case::begin(stage, name, files).await?;
    let commit = case.push(&[("gone.yaml", None), ("spared.yaml", None)]).await?;
    case.mended(&commit).await?;
    ensure!(!is_there(&case, "gone").await?, "what vanished from Git is still there");
    ensure!(is_there(&case, "spared").await?, "what must not be pruned was pruned");
    let inventory = case.get(&unit_kind()).await?.value()["status"]["inventory"].to_string();
    ensure!(!inventory.contains("_gone_"), "{inventory}");
    case.keeps().await?;
    let commit = case.push(&[("gone.yaml", Some(&gone))]).await?;
    case.mended(&commit).await?;
    ensure!(is_there(&case, "gone").await?, "what came back to Git did not come back");
    Ok(())
}

/// A file vanishes in the commit that breaks another.
async fn broken(stage: &Stage) -> Result<()> {
    let name = "prune-broken";
    let other = config_map(name, "other", "x");
    let case = Case::begin(stage, name, &[("other.yaml", &other)]).await?;
    let bad = "kind: [\n";
    let commit = case.push(&[("other.yaml", None), ("bad.yaml", Some(bad))]).await?;
    case.refused("BuildFailed", &["unit/bad.yaml:"]).await?;
    case.neighbour_follows(&commit).await?;
    ensure!(is_there(&case, "other").await?, "a failed build pruned");
    let commit = case.push(&[("bad.yaml", None)]).await?;
    case.mended(&commit).await?;
    wait_gone(&stage.management, &config_map_kind(), (name, "other"), SOON).await
}

/// With the guard on, a revision that would delete much waits for somebody to approve it.
async fn guarded(stage: &Stage) -> Result<()> {
    let name = "prune-guard";
    let many: String =
        (0..12).map(|n| config_map(name, &format!("many-{n}"), "x") + "\n---\n").collect();
    let case = Case::begin(stage, name, &[("many.yaml", &many)]).await?;
    let guard = json!({"metadata": {"annotations": {"fleet.capstan.dev/prune-guard": "enabled"}}});
    let cluster = &stage.management;
    cluster.merge(&unit_kind(), "flux-system", name, &guard, "a-user").await?;
    let commit = case.push(&[("many.yaml", None)]).await?;
    let words = ["would delete 12 of 13 objects", "fleet.capstan.dev/approve-prune=main@sha1:"];
    case.refused("PruneBlocked", &words).await?;
    ensure!(is_there(&case, "many-3").await?, "it was deleted");
    let approved = json!({"metadata": {"annotations":
        {"fleet.capstan.dev/approve-prune": format!("main@sha1:{commit}")}}});
    cluster.merge(&unit_kind(), "flux-system", name, &approved, "a-user").await?;
    case.mended(&commit).await?;
    wait_gone(cluster, &config_map_kind(), (name, "many-3"), SOON).await
}

/// An object vanishes in the commit in which another is refused: it goes when all is applied.
async fn rejected(stage: &Stage) -> Result<()> {
    let name = "prune-rejected";
    let other = config_map(name, "other", "x");
    let case = Case::begin(stage, name, &[("other.yaml", &other)]).await?;
    let bad = config_map(name, "bad", "x").replace("\"x\"", "7");
    case.push(&[("other.yaml", None), ("bad.yaml", Some(&bad))]).await?;
    case.refused("ReconciliationFailed", &["ConfigMap/prune-rejected/bad"]).await?;
    ensure!(is_there(&case, "other").await?, "a refused revision pruned");
    let inventory = case.get(&unit_kind()).await?.value()["status"]["inventory"].to_string();
    ensure!(inventory.contains("_other_"), "forgotten while it lives: {inventory}");
    let commit = case.push(&[("bad.yaml", None)]).await?;
    case.mended(&commit).await?;
    wait_gone(&stage.management, &config_map_kind(), (name, "other"), SOON).await
}
