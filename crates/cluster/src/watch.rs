use std::time::Duration;

use capstan_model::{GroupVersionKind, Manifest};
use futures::StreamExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event};

use crate::access::manifest;
use crate::{Change, Cluster, ClusterError, Mirror};

/// Which objects of a kind are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only this namespace; all when empty.
    pub namespace: String,
    /// Only what matches this label selector; all when empty.
    pub labels: String,
    /// Only what matches this field selector; all when empty.
    pub fields: String,
}

/// How soon a failed watch is opened again: soon, because the API server may only have been restarted.
const REOPEN: Duration = Duration::from_millis(500);

/// Watches a kind into a mirror and tells every change, for ever: until the future is dropped or the kind is gone.
///
/// Failures are logged and the watch is opened again; after each reopening what was missed is told as changes.
pub async fn mirror_into(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    selection: Selection,
    mirror: &Mirror,
    mut told: impl FnMut(Change),
) -> Result<(), ClusterError> {
    let resource = cluster.resource(gvk).await?;
    let api = cluster.api(&resource, &selection.namespace);
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let config = watcher::Config {
        label_selector: given(selection.labels),
        field_selector: given(selection.fields),
        ..watcher::Config::default()
    };
    let mut events = std::pin::pin!(watcher::watcher(api, config));
    let mut listing = Vec::new();
    let mut failures = 0_u32;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                failures = 0;
                for change in take(event, gvk, mirror, &mut listing) {
                    told(change);
                }
            }
            Err(error) if kind_is_gone(&error) => {
                cluster.forget(gvk);
                for change in mirror.replace(Vec::new()) {
                    told(change);
                }
                return Err(ClusterError::NoSuchKind(gvk.clone()));
            }
            Err(error) => {
                tracing::debug!(%gvk, %error, "watch interrupted");
                failures += 1;
                tokio::time::sleep(REOPEN * failures.min(10)).await;
            }
        }
    }
    Ok(())
}

fn kind_is_gone(error: &watcher::Error) -> bool {
    let cause = match error {
        watcher::Error::InitialListFailed(cause) | watcher::Error::WatchStartFailed(cause) => cause,
        _ => return false,
    };
    matches!(cause, kube::Error::Api(status) if status.code == 404)
}

fn take(
    event: Event<DynamicObject>,
    gvk: &GroupVersionKind,
    mirror: &Mirror,
    listing: &mut Vec<Manifest>,
) -> Vec<Change> {
    let read = |object| match manifest("watch", &gvk.to_string(), gvk, object) {
        Ok(object) => Some(object),
        Err(error) => {
            tracing::warn!(%error, "an unreadable object was skipped");
            None
        }
    };
    match event {
        Event::Init => {
            listing.clear();
            Vec::new()
        }
        Event::InitApply(object) => {
            listing.extend(read(object));
            Vec::new()
        }
        Event::InitDone => mirror.replace(std::mem::take(listing)),
        Event::Apply(object) => read(object).map(|object| mirror.put(object)).into_iter().collect(),
        Event::Delete(object) => {
            read(object).map(|object| mirror.remove(&object)).into_iter().collect()
        }
    }
}
