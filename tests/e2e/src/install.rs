//! Installs what deploy/ holds, as a user would: CRDs, then the rest, rendered by our own build.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_build::{Options, Overlay};
use capstan_cluster::{ApplyOptions, Cluster};
use capstan_model::Manifest;
use capstan_store::Folder;

use crate::root;

/// Who installs.
const OPTIONS: ApplyOptions<'static> =
    ApplyOptions { field_manager: "capstan-install", force: true, dry_run: false };

/// Installs the CRDs, the agent and the hub in the management cluster; the hub with further arguments.
pub async fn management(cluster: &Cluster, hub_args: &[&str]) -> Result<()> {
    crds(cluster).await?;
    apply(cluster, &with_args(render("management")?, "capstan-hub", hub_args)).await
}

/// Installs the CRDs and the agent alone, with further arguments.
pub async fn agent(cluster: &Cluster, args: &[&str]) -> Result<()> {
    crds(cluster).await?;
    apply(cluster, &with_args(render("agent")?, "capstan-agent", args)).await
}

/// The same objects, with further arguments for the program of a Deployment.
fn with_args(mut objects: Vec<Manifest>, deployment: &str, args: &[&str]) -> Vec<Manifest> {
    for object in objects.iter_mut().filter(|object| object.name() == deployment) {
        let present = object.value_mut().pointer_mut("/spec/template/spec/containers/0/args");
        if let Some(present) = present.and_then(serde_json::Value::as_array_mut) {
            present.extend(args.iter().map(|arg| (*arg).into()));
        }
    }
    objects
}

/// Installs the CRDs and waits until they are served.
pub async fn crds(cluster: &Cluster) -> Result<()> {
    let crds = render("crds")?;
    apply(cluster, &crds).await?;
    for crd in &crds {
        let established = |live: Option<&Manifest>| {
            live.is_some_and(|live| crate::look::condition(live, "Established"))
        };
        let timeout = Duration::from_secs(30);
        let met = cluster.wait_until(&crd.gvk(), "", crd.name(), timeout, established).await?;
        ensure!(met, "CRD {} is not established after 30 s", crd.name());
    }
    Ok(())
}

/// The objects of a folder of deploy/, built as `capstan build` builds it.
pub fn render(folder: &str) -> Result<Vec<Manifest>> {
    let deploy = root().join("deploy");
    build(&deploy, folder)
}

/// The objects of a folder below another.
pub fn build(base: &Path, folder: &str) -> Result<Vec<Manifest>> {
    let tree = Folder::open(base)?;
    capstan_build::build(&tree, folder, &Overlay::default(), Options::KUSTOMIZE)
        .with_context(|| format!("{} does not build", base.join(folder).display()))
}

/// Applies objects in the order given.
pub async fn apply(cluster: &Cluster, objects: &[Manifest]) -> Result<()> {
    for object in objects {
        cluster
            .apply(object, OPTIONS)
            .await
            .with_context(|| format!("failed to install {}", object.id()))?;
    }
    Ok(())
}
