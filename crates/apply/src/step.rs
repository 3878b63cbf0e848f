use std::time::Duration;

use capstan_cluster::{ApplyOptions, Cluster, ClusterError, DeleteOptions};
use capstan_model::Manifest;
use capstan_plan::{ApplyMode, ApplyStep};

use crate::{Action, FailureCause};

/// How long a deleted object may take to go before it is made anew.
const RECREATE_TIMEOUT: Duration = Duration::from_secs(60);

/// Applies one object. Idempotent: server-side apply of the same object changes nothing.
pub(crate) async fn run(cluster: &Cluster, step: &ApplyStep) -> Result<Action, FailureCause> {
    let manifest = &step.manifest;
    let gvk = manifest.gvk();
    let live = cluster
        .get(&gvk, manifest.namespace(), manifest.name())
        .await
        .map_err(FailureCause::Cluster)?;
    if let Some(live) = &live
        && (step.mode == ApplyMode::IfNotPresent || step.spares(live))
    {
        return Ok(Action::Skipped);
    }
    match send(cluster, step).await {
        Ok(stored) => Ok(action(live.as_ref(), &stored)),
        Err(error) if step.recreate && is_immutable(&error) => recreate(cluster, step).await,
        Err(error) => Err(FailureCause::Cluster(error)),
    }
}

async fn send(cluster: &Cluster, step: &ApplyStep) -> Result<Manifest, ClusterError> {
    let options = ApplyOptions { field_manager: &step.field_manager, force: true, dry_run: false };
    cluster.apply(&step.manifest, options).await
}

fn action(live: Option<&Manifest>, stored: &Manifest) -> Action {
    match live {
        None => Action::Created,
        Some(live) if live.resource_version() == stored.resource_version() => Action::Unchanged,
        Some(_) => Action::Configured,
    }
}

fn is_immutable(error: &ClusterError) -> bool {
    error.is_invalid()
        || (error.is_conflict() && !error.is_already_exists())
        || error.api().is_some_and(|fault| fault.message.contains("immutable"))
}

async fn recreate(cluster: &Cluster, step: &ApplyStep) -> Result<Action, FailureCause> {
    let (gvk, manifest) = (step.manifest.gvk(), &step.manifest);
    let (namespace, name) = (manifest.namespace(), manifest.name());
    cluster
        .delete(&gvk, namespace, name, &DeleteOptions::default())
        .await
        .map_err(FailureCause::Cluster)?;
    let gone = cluster
        .wait_until(&gvk, namespace, name, RECREATE_TIMEOUT, |live| live.is_none())
        .await
        .map_err(FailureCause::Cluster)?;
    if !gone {
        let what = "it must be recreated, and the old one is not gone yet".to_owned();
        return Err(FailureCause::Waiting(what));
    }
    send(cluster, step).await.map_err(FailureCause::Cluster)?;
    Ok(Action::Recreated)
}
