use std::time::Duration;

use capstan_model::{GroupVersionKind, Manifest};
use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::core::{DynamicResourceScope, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;

use crate::access::manifest;
use crate::{Change, Cluster, ClusterError, Mirror, Mirrored, Sight};

/// What can be watched: whole objects, or what is to be known of them.
pub trait Watched: Mirrored + Sized {
    /// What the API server sends.
    type Raw: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + 'static;

    /// Reads it.
    ///
    /// # Errors
    /// When it is no object.
    fn read(raw: Self::Raw, gvk: &GroupVersionKind) -> Result<Self, ClusterError>;
}

impl Watched for Manifest {
    type Raw = DynamicObject;

    fn read(raw: DynamicObject, gvk: &GroupVersionKind) -> Result<Self, ClusterError> {
        manifest("watch", &gvk.to_string(), gvk, raw)
    }
}

impl Watched for Sight {
    type Raw = PartialObjectMeta<DynamicObject>;

    fn read(raw: Self::Raw, _: &GroupVersionKind) -> Result<Self, ClusterError> {
        Ok(Self::of(raw.metadata))
    }
}

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
pub async fn mirror_into<T: Watched>(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    selection: Selection,
    mirror: &Mirror<T>,
    mut told: impl FnMut(Change<T>),
) -> Result<(), ClusterError> {
    let resource = cluster.resource(gvk).await?;
    let api = cluster.api::<T::Raw>(&resource, &selection.namespace);
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
                mirror.set_interrupted(false);
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
                mirror.set_interrupted(true);
                failures += 1;
                tokio::time::sleep(REOPEN * failures.min(10)).await;
            }
        }
    }
    Ok(())
}

/// How soon a kind that is not served is looked for again.
const KIND_RETRY: Duration = Duration::from_secs(1);

/// [`mirror_into`] for ever, also while the kind is not served: its CRD may come late, or go and come back.
pub async fn mirror_for_ever<T: Watched>(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    selection: Selection,
    mirror: &Mirror<T>,
    mut told: impl FnMut(Change<T>),
) {
    loop {
        match mirror_into(cluster, gvk, selection.clone(), mirror, &mut told).await {
            Ok(()) => {}
            Err(ClusterError::NoSuchKind(_)) => tracing::debug!(%gvk, "waiting for its CRD"),
            Err(error) => tracing::warn!(%gvk, %error, "watch failed"),
        }
        mirror.set_interrupted(true);
        tokio::time::sleep(KIND_RETRY).await;
    }
}

fn kind_is_gone(error: &watcher::Error) -> bool {
    let cause = match error {
        watcher::Error::InitialListFailed(cause) | watcher::Error::WatchStartFailed(cause) => cause,
        _ => return false,
    };
    matches!(cause, kube::Error::Api(status) if status.code == 404)
}

fn take<T: Watched>(
    event: Event<T::Raw>,
    gvk: &GroupVersionKind,
    mirror: &Mirror<T>,
    listing: &mut Vec<T>,
) -> Vec<Change<T>> {
    let read = |raw| match T::read(raw, gvk) {
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
        Event::InitApply(raw) => {
            listing.extend(read(raw));
            Vec::new()
        }
        Event::InitDone => mirror.replace(std::mem::take(listing)),
        Event::Apply(raw) => read(raw).and_then(|object| mirror.saw(object)).into_iter().collect(),
        Event::Delete(raw) => {
            read(raw).and_then(|object| mirror.remove(object)).into_iter().collect()
        }
    }
}
