//! What cannot be built: sources, paths, YAML, kustomizations, variables.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::text;
use capstan_e2e::stage::{NAMESPACE, Stage};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Named;
use crate::case::{Case, config_map, config_map_kind, secret};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![
        ("build-no-source", no_source(stage).boxed()),
        ("build-no-path", no_path(stage).boxed()),
        ("build-path-escapes", path_escapes(stage).boxed()),
        ("build-yaml", yaml(stage).boxed()),
        ("build-no-kind", no_kind(stage).boxed()),
        ("build-no-resource", no_resource(stage).boxed()),
        ("build-duplicate", duplicate(stage).boxed()),
        ("build-patch", patch(stage).boxed()),
        ("build-no-config-map", no_config_map(stage).boxed()),
        ("build-no-vars-secret", no_vars_secret(stage).boxed()),
        ("build-unknown-variable", unknown_variable(stage).boxed()),
        ("build-odd-variable", odd_variable(stage).boxed()),
    ]
}

/// A push with a fault, and the push that takes it back.
async fn pushed(
    stage: &Stage,
    name: &'static str,
    bad: &[(&str, Option<&str>)],
    words: &[&str],
) -> Result<()> {
    let case = Case::begin(stage, name, &[]).await?;
    let commit = case.push(bad).await?;
    let revision = format!("main@sha1:{commit}");
    case.refused("BuildFailed", words).await?;
    let unit = case.get(&crate::case::unit_kind()).await?;
    let attempted = text(&unit, "/status/lastAttemptedRevision");
    ensure!(attempted == revision, "attempted {attempted}, not {revision}");
    case.neighbour_follows(&commit).await?;
    let good: Vec<_> = bad.iter().map(|(path, _)| (*path, None)).collect();
    let commit = case.push(&good).await?;
    case.mended(&commit).await
}

/// An edit of the unit with a fault, and the edit that takes it back.
async fn edited(
    stage: &Stage,
    name: &'static str,
    (bad, good): (Value, Value),
    (reason, words): (&str, &[&str]),
) -> Result<()> {
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(bad).await?;
    case.refused(reason, words).await?;
    let commit = case.push(&[]).await?;
    case.neighbour_follows(&commit).await?;
    case.set_unit(good).await?;
    case.mended(&commit).await
}

async fn no_source(stage: &Stage) -> Result<()> {
    let name = "build-no-source";
    let source = |name: &str| json!({"sourceRef": {"kind": "GitRepository", "name": name}});
    let says: &[&str] =
        &["'GitRepository/flux-system/absent' not found", "create it", "spec.sourceRef"];
    edited(stage, name, (source("absent"), source(name)), ("ArtifactFailed", says)).await
}

async fn no_path(stage: &Stage) -> Result<()> {
    let edits = (json!({"path": "./nowhere"}), json!({"path": "./unit"}));
    let says: &[&str] = &["path not found", "./nowhere", "main@sha1:", "spec.path"];
    edited(stage, "build-no-path", edits, ("ArtifactFailed", says)).await
}

async fn path_escapes(stage: &Stage) -> Result<()> {
    let edits = (json!({"path": "../../etc"}), json!({"path": "unit"}));
    let says: &[&str] = &["../../etc", "spec.path"];
    edited(stage, "build-path-escapes", edits, ("ArtifactFailed", says)).await
}

async fn yaml(stage: &Stage) -> Result<()> {
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\ndata: {}\n";
    let bad: &[(&str, Option<&str>)] = &[("broken.yaml", Some(broken))];
    pushed(stage, "build-yaml", bad, &["kustomize build failed", "unit/broken.yaml:4"]).await
}

async fn no_kind(stage: &Stage) -> Result<()> {
    let text = "apiVersion: v1\nmetadata:\n  name: x\n";
    let bad: &[(&str, Option<&str>)] = &[("odd.yaml", Some(text))];
    pushed(stage, "build-no-kind", bad, &["unit/odd.yaml", "kind"]).await
}

async fn no_resource(stage: &Stage) -> Result<()> {
    let text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n\
                - kept.yaml\n- absent.yaml\n";
    let bad: &[(&str, Option<&str>)] = &[("kustomization.yaml", Some(text))];
    pushed(stage, "build-no-resource", bad, &["unit/kustomization.yaml:5", "absent.yaml"]).await
}

async fn duplicate(stage: &Stage) -> Result<()> {
    let name = "build-duplicate";
    let twin = config_map(name, "kept", "twin");
    let bad: &[(&str, Option<&str>)] = &[("twin.yaml", Some(&twin))];
    pushed(
        stage,
        name,
        bad,
        &["ConfigMap", "kept", "unit/twin.yaml:1", "unit/kept.yaml:1", "Remove one of them"],
    )
    .await
}

async fn patch(stage: &Stage) -> Result<()> {
    let bad = json!({"patches": [{"patch": "- op: replace\n  path: /data/absent/x\n  value: y\n",
        "target": {"kind": "ConfigMap"}}]});
    let says: &[&str] = &["ConfigMap", "kept", "/data/absent", "spec.patches"];
    edited(stage, "build-patch", (bad, json!({"patches": null})), ("BuildFailed", says)).await
}

fn from(kind: &str, name: &str, optional: bool) -> Value {
    json!({"postBuild": {"substituteFrom": [{"kind": kind, "name": name, "optional": optional}]}})
}

async fn no_config_map(stage: &Stage) -> Result<()> {
    let name = "build-no-config-map";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(from("ConfigMap", name, false)).await?;
    let says = &["ConfigMap flux-system/build-no-config-map not found", "create it", "optional"];
    case.refused("BuildFailed", says).await?;
    case.set_unit(from("ConfigMap", name, true)).await?;
    case.ready_again().await?;
    case.set_unit(from("ConfigMap", name, false)).await?;
    case.refused("BuildFailed", says).await?;
    // Nothing but the ConfigMap: the unit waits for it.
    stage.apply(&config_map(NAMESPACE, name, "there")).await?;
    case.ready_again().await?;
    case.follows_again().await
}

async fn no_vars_secret(stage: &Stage) -> Result<()> {
    let name = "build-no-vars-secret";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(from("Secret", name, false)).await?;
    let says = &["Secret flux-system/build-no-vars-secret not found", "create it", "optional"];
    case.refused("BuildFailed", says).await?;
    stage.apply(&secret(name, &[("value", "there")])).await?;
    case.ready_again().await?;
    case.follows_again().await
}

async fn unknown_variable(stage: &Stage) -> Result<()> {
    let name = "build-unknown-variable";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(json!({"postBuild": {"substitute": {"known": "yes"}}})).await?;
    case.ready_again().await?;
    let asks = config_map(name, "asks", "${known} ${unknown} ${other:=default}");
    let commit = case.push(&[("asks.yaml", Some(&asks))]).await?;
    let says = &[
        "variable not set",
        "\"unknown\"",
        "ConfigMap/build-unknown-variable/asks",
        "Set `unknown` in postBuild.substitute",
        "${unknown:=default}",
    ];
    let message = case.refused("BuildFailed", says).await?;
    ensure!(message.matches("post build failed").count() == 1, "said twice: {message}");
    case.neighbour_follows(&commit).await?;
    case.set_unit(json!({"postBuild": {"substitute": {"unknown": "now"}}})).await?;
    case.mended(&commit).await?;
    let asks = stage.management.get(&config_map_kind(), name, "asks").await?;
    let value = text(&asks.context("no ConfigMap `asks`")?, "/data/value");
    ensure!(value == "yes now default", "{value}");
    Ok(())
}

async fn odd_variable(stage: &Stage) -> Result<()> {
    let name = "build-odd-variable";
    let case = Case::begin(stage, name, &[]).await?;
    case.set_unit(json!({"postBuild": {"substitute": {"known": "yes"}}})).await?;
    case.ready_again().await?;
    let asks = config_map(name, "asks", "${known.field}");
    let commit = case.push(&[("asks.yaml", Some(&asks))]).await?;
    let says = &["missing closing brace", "${known", "ConfigMap/build-odd-variable/asks", "$${"];
    case.refused("BuildFailed", says).await?;
    case.neighbour_follows(&commit).await?;
    let commit = case.push(&[("asks.yaml", None)]).await?;
    case.mended(&commit).await
}
