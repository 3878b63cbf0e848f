use std::time::Duration;

use capstan_model::{GroupVersionKind, Manifest};
use tokio::sync::Notify;

use crate::{Cluster, ClusterError, Mirror, Selection, mirror_into};

impl Cluster {
    /// Waits until an object, or its absence, satisfies a predicate; false after the timeout. Watches, never polls.
    pub async fn wait_until(
        &self,
        gvk: &GroupVersionKind,
        namespace: &str,
        name: &str,
        timeout: Duration,
        holds: impl Fn(Option<&Manifest>) -> bool,
    ) -> Result<bool, ClusterError> {
        let selection = Selection {
            namespace: namespace.to_owned(),
            fields: format!("metadata.name={name}"),
            ..Selection::default()
        };
        let (mirror, changed) = (Mirror::default(), Notify::new());
        let key = capstan_model::NamespacedName::new(namespace, name);
        let satisfied = async {
            mirror.synced().await;
            while !holds(mirror.get(&key).as_deref()) {
                changed.notified().await;
            }
        };
        tokio::select! {
            ended = mirror_into(self, gvk, selection, &mirror, |_| changed.notify_one()) => {
                ended.map(|()| false)
            }
            () = satisfied => Ok(true),
            () = tokio::time::sleep(timeout) => Ok(false),
        }
    }
}
