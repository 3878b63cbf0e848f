//! Letting go of a cluster: the agent removes what it has applied, and what that holds in AWS, before anything below it goes.
//!
//! The order is the reverse of the way up: the root Kustomization, whose agent prunes the rest; Kustomizations that nobody
//! prunes; managed resources that nobody prunes. Each step begins when the one before it has nothing left.

use std::time::Duration;

use capstan_api::fleet::{Drain, OnTimeout};
use capstan_cluster::{Cluster, ClusterError, DeleteOptions};
use capstan_model::{FluxDuration, GroupVersionKind, Manifest};
use jiff::Timestamp;

use super::bundle::{FLUX_NAMESPACE, ROOT};
use crate::object::{ready_text, text};

/// Half an hour: what twenty tables and a load balancer take to go, with room for a retry of each.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How many blockers are named before the rest is counted.
const NAMED: usize = 3;

/// How far a drain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is left.
    Drained,
    /// This is left.
    Left(String),
}

pub(crate) fn kustomization() -> GroupVersionKind {
    GroupVersionKind::new("kustomize.toolkit.fluxcd.io", "v1", "Kustomization")
}

/// Makes one step and says what is left. Every step may be repeated.
pub(crate) async fn step(
    remote: &Cluster,
    managed: &[GroupVersionKind],
) -> Result<Progress, ClusterError> {
    let options = DeleteOptions::default();
    remote.delete(&kustomization(), FLUX_NAMESPACE, ROOT, &options).await.or_else(absent_kind)?;
    let units = list(remote, &kustomization()).await?;
    let is_root = |unit: &Manifest| unit.namespace() == FLUX_NAMESPACE && unit.name() == ROOT;
    if units.iter().any(is_root) {
        return Ok(Progress::Left(left(&units)));
    }
    delete_all(remote, &units).await?;
    if !units.is_empty() {
        return Ok(Progress::Left(left(&units)));
    }
    // All kinds at once: an API server that serves a kind for the first time takes a second for it.
    let lists = managed.iter().map(|gvk| list(remote, gvk));
    let resources = futures::future::try_join_all(lists).await?.concat();
    delete_all(remote, &resources).await?;
    Ok(if resources.is_empty() { Progress::Drained } else { Progress::Left(left(&resources)) })
}

/// Stops the agent, once there is nothing left for it to do.
pub(crate) async fn retire(remote: &Cluster) -> Result<(), ClusterError> {
    let deployment = GroupVersionKind::new("apps", "v1", "Deployment");
    let secret = GroupVersionKind::new("", "v1", "Secret");
    let options = DeleteOptions::default();
    remote.delete(&deployment, FLUX_NAMESPACE, "capstan-agent", &options).await?;
    let (namespace, name) =
        (capstan_api::fleet::HUB_SECRET_NAMESPACE, capstan_api::fleet::HUB_SECRET);
    remote.delete(&secret, namespace, name, &options).await?;
    Ok(())
}

async fn list(remote: &Cluster, gvk: &GroupVersionKind) -> Result<Vec<Manifest>, ClusterError> {
    match remote.list(gvk, "", "").await {
        Err(ClusterError::NoSuchKind(_)) => Ok(Vec::new()),
        other => other,
    }
}

fn absent_kind(error: ClusterError) -> Result<bool, ClusterError> {
    match error {
        ClusterError::NoSuchKind(_) => Ok(false),
        error => Err(error),
    }
}

async fn delete_all(remote: &Cluster, objects: &[Manifest]) -> Result<(), ClusterError> {
    for object in objects.iter().filter(|object| !object.is_deleting()) {
        let options =
            DeleteOptions { uid: Some(object.uid().to_owned()), ..DeleteOptions::default() };
        let gvk = object.gvk();
        match remote.delete(&gvk, object.namespace(), object.name(), &options).await {
            // A namesake that came meanwhile is met in the next step.
            Err(error) if error.is_conflict() => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// The first few of what is left, each with why.
fn left(objects: &[Manifest]) -> String {
    let named = objects.iter().take(NAMED);
    let mut parts: Vec<_> =
        named.map(|object| format!("{} ({})", object.id(), ready_text(object))).collect();
    if objects.len() > NAMED {
        parts.push(format!("{} more", objects.len() - NAMED));
    }
    parts.join(", ")
}

/// Has a drain taken longer than its Spoke allows? Nothing when it may go on; a wrong duration is the default one.
pub(crate) fn overdue(spoke: &Manifest, drain: &Drain, now: Timestamp) -> Option<OnTimeout> {
    let since: Timestamp = text(spoke, "/metadata/deletionTimestamp").parse().ok()?;
    let timeout = drain.timeout.as_deref().and_then(|text| text.parse::<FluxDuration>().ok());
    let deadline = since + timeout.map_or(TIMEOUT, |duration| duration.0);
    (now >= deadline).then(|| drain.on_timeout.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{left, overdue};
    use capstan_api::fleet::{Drain, OnTimeout};
    use capstan_model::Manifest;
    use jiff::Timestamp;
    use serde_json::json;

    fn table(name: &str) -> Manifest {
        let value = json!({"apiVersion": "d/v1", "kind": "Table", "metadata": {"name": name},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Deleting",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn a_few_blockers_are_named_and_the_rest_counted() {
        assert_eq!(left(&[table("a")]), "Table/a (Deleting)");
        let many: Vec<_> = ["a", "b", "c", "d", "e"].map(table).into();
        let told = left(&many);
        assert!(told.ends_with("Table/c (Deleting), 2 more"), "{told}");
    }

    #[test]
    fn a_drain_has_a_deadline() {
        let spoke = json!({"apiVersion": "f/v1", "kind": "Spoke",
            "metadata": {"name": "a", "deletionTimestamp": "1970-01-01T00:00:00Z"}});
        let spoke = Manifest::try_from(spoke).expect("valid");
        let at = |second| Timestamp::from_second(second).expect("valid");
        let drain = Drain { timeout: Some("5m".to_owned()), on_timeout: Some(OnTimeout::Continue) };
        assert_eq!(overdue(&spoke, &drain, at(299)), None);
        assert_eq!(overdue(&spoke, &drain, at(300)), Some(OnTimeout::Continue));
        assert_eq!(overdue(&spoke, &Drain::default(), at(1799)), None);
        assert_eq!(overdue(&spoke, &Drain::default(), at(1800)), Some(OnTimeout::Hold));
    }
}
