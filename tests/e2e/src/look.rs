//! What is seen in clusters, and waiting for it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::Value;

/// A kind by API version and name.
pub fn kind(api_version: &str, kind: &str) -> GroupVersionKind {
    GroupVersionKind::from_api_version(api_version, kind)
}

/// Does a condition hold?
pub fn condition(object: &Manifest, type_: &str) -> bool {
    find_condition(object, type_).is_some_and(|condition| condition["status"] == "True")
}

/// A condition of an object.
pub fn find_condition<'a>(object: &'a Manifest, type_: &str) -> Option<&'a Value> {
    let list = object.value().pointer("/status/conditions")?.as_array()?;
    list.iter().find(|condition| condition["type"] == type_)
}

/// Text at a pointer; empty when it is not there.
pub fn text(object: &Manifest, pointer: &str) -> String {
    object.value().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An object that must exist and satisfy a predicate within a time. A kind that is not served yet is waited for too.
pub async fn wait_for(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    (namespace, name): (&str, &str),
    timeout: Duration,
    holds: impl Fn(&Manifest) -> bool,
) -> Result<Manifest> {
    let what = format!("{} {namespace}/{name}", gvk.kind);
    let satisfied = |live: Option<&Manifest>| live.is_some_and(&holds);
    wait(cluster, gvk, (namespace, name), timeout, &satisfied).await?;
    match cluster.get(gvk, namespace, name).await? {
        Some(object) => Ok(object),
        None => bail!("{what} is gone again"),
    }
}

/// What a condition must be: type, status, reason, and words that its message must hold.
pub type Told<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

/// Waits until a condition of an object is this.
pub async fn told(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    place: (&str, &str),
    (type_, status, reason, words): Told<'_>,
    timeout: Duration,
) -> Result<Manifest> {
    let holds = |object: &Manifest| {
        find_condition(object, type_).is_some_and(|found| {
            let message = found["message"].as_str().unwrap_or_default();
            found["status"] == status
                && found["reason"] == reason
                && words.iter().all(|word| message.contains(word))
        })
    };
    let what = || format!("{} never told {type_}={status} {reason} with {words:?}", gvk.kind);
    wait_for(cluster, gvk, place, timeout, holds).await.with_context(what)
}

/// Waits until an object is gone.
pub async fn wait_gone(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    (namespace, name): (&str, &str),
    timeout: Duration,
) -> Result<()> {
    wait(cluster, gvk, (namespace, name), timeout, &|live| live.is_none()).await
}

async fn wait(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    (namespace, name): (&str, &str),
    timeout: Duration,
    holds: &impl Fn(Option<&Manifest>) -> bool,
) -> Result<()> {
    let end = tokio::time::Instant::now() + timeout;
    loop {
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        match cluster.wait_until(gvk, namespace, name, left, holds).await {
            Ok(true) => return Ok(()),
            Err(ClusterError::NoSuchKind(_)) if holds(None) => return Ok(()),
            Err(ClusterError::NoSuchKind(_)) if !left.is_zero() => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) if left.is_zero() => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            Ok(false) => {
                let last = cluster.get(gvk, namespace, name).await.ok().flatten();
                let seen = last.map_or_else(|| "absent".to_owned(), |object| summary(&object));
                bail!("{} {namespace}/{name} after {timeout:?}: {seen}", gvk.kind);
            }
        }
    }
}

/// The conditions of an object in one line.
pub fn summary(object: &Manifest) -> String {
    let list = object.value().pointer("/status/conditions").and_then(Value::as_array);
    let line = |c: &Value| {
        let text = |key: &str| c[key].as_str().unwrap_or_default().to_owned();
        format!("{}={} {}: {}", text("type"), text("status"), text("reason"), text("message"))
    };
    let lines: Vec<_> = list.into_iter().flatten().map(line).collect();
    if lines.is_empty() { "no conditions".to_owned() } else { lines.join("; ") }
}
