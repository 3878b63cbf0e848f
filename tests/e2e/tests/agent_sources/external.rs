//! ExternalArtifacts: a test makes them, as another controller would.

use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use axum::Router;
use axum::routing::get;
use capstan_e2e::look::{find_condition, kind, wait_for};
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage};
use capstan_model::Manifest;
use capstan_store::{Packed, pack};
use capstan_tree::MemTree;
use futures::FutureExt;
use serde_json::json;

use crate::source::{Named, Source, config_map};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![("external", external(stage).boxed())]
}

/// What the status points to is applied once it is what its digest says.
async fn external(stage: &Stage) -> Result<()> {
    let source = Source::new(stage, "ExternalArtifact", "external");
    let served = Arc::new(Mutex::new(packed("one")?.bytes));
    let url = serve(Arc::clone(&served)).await?;
    source.set(&json!({"sourceRef": {"kind": "Maker", "name": "made"}})).await?;
    source.unit().await?;
    let describe = async |revision: &str, packed: &Packed| {
        let artifact = json!({"url": url, "path": "any", "revision": revision, "digest": packed.digest,
            "lastUpdateTime": "2026-01-01T00:00:00Z",
            "metadata": {"org.opencontainers.image.revision": "main@sha1:1"}});
        let patch = json!({"status": {"artifact": artifact}});
        let cluster = &stage.management;
        cluster.merge_status(&source.gvk, NAMESPACE, "external", &patch, "maker").await
    };
    describe("latest@sha256:other", &packed("other")?).await?;
    let unit = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    let says = |unit: &Manifest| {
        let ready = find_condition(unit, "Ready");
        ready.is_some_and(|ready| {
            ready["message"].as_str().is_some_and(|m| m.contains("should have"))
        })
    };
    wait_for(&stage.management, &unit, (NAMESPACE, "external"), PATIENCE, says).await?;
    describe("latest@sha256:one", &packed("one")?).await?;
    source.applied().await?;
    ensure!(source.value("external").await? == "one");
    *served.lock().expect("nobody panics with it") = packed("two")?.bytes;
    describe("latest@sha256:two", &packed("two")?).await?;
    let applied = source.applied().await?;
    ensure!(source.value("external").await? == "two");
    let origin = &applied.value()["status"]["lastAppliedOriginRevision"];
    ensure!(origin == "main@sha1:1", "{origin}");
    Ok(())
}

fn packed(value: &str) -> Result<Packed> {
    let mut tree = MemTree::default();
    tree.insert("config-map.yaml", config_map("external", value).into_bytes())?;
    Ok(pack(&tree)?)
}

/// Serves an archive, whatever is asked for.
async fn serve(archive: Arc<Mutex<Vec<u8>>>) -> Result<String> {
    let answer = move || {
        let bytes = archive.lock().expect("nobody panics with it").clone();
        async move { bytes }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/any.tar.gz", listener.local_addr()?);
    let router = Router::new().route("/any.tar.gz", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}
