use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use capstan_cluster::{Change, Cluster, Mirror, Selection, mirror_into};
use capstan_e2e::look::{find_condition, summary, text};
use capstan_model::{GroupVersionKind, Manifest};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Objects of a kind that are watched: what becomes of them is known the moment it is.
pub(crate) struct Objects {
    mirror: Mirror,
    changes: mpsc::UnboundedReceiver<Change>,
    task: JoinHandle<()>,
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Objects {
    /// Watches a kind in all namespaces, what has a label or everything.
    pub(crate) async fn watch(cluster: &Cluster, gvk: GroupVersionKind, labels: &str) -> Self {
        let mirror = Mirror::default();
        let (tell, changes) = mpsc::unbounded_channel();
        let (cluster, seen) = (cluster.clone(), mirror.clone());
        let selection = Selection { labels: labels.to_owned(), ..Selection::default() };
        let task = tokio::spawn(async move {
            let told = |change| {
                let _ = tell.send(change);
            };
            let _ = mirror_into(&cluster, &gvk, selection, &seen, told).await;
        });
        mirror.synced().await;
        Self { mirror, changes, task }
    }

    /// Waits until all of these objects are so; gives the moment.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        names: impl IntoIterator<Item = String>,
        timeout: Duration,
        holds: impl Fn(&Manifest) -> bool,
    ) -> Result<Instant> {
        // What was told so far is in the mirror.
        while self.changes.try_recv().is_ok() {}
        let mut missing: HashSet<String> = names.into_iter().collect();
        for object in self.mirror.all().into_iter().filter(|object| holds(object)) {
            missing.remove(object.name());
        }
        let end = tokio::time::Instant::now() + timeout;
        while !missing.is_empty() {
            let Ok(change) = tokio::time::timeout_at(end, self.changes.recv()).await else {
                bail!("{} {what} after {timeout:?}: {}", missing.len(), self.some(&missing));
            };
            let Some(change) = change else { bail!("the watch has ended") };
            if change.after.as_ref().is_some_and(|after| holds(after)) {
                missing.remove(change.object().name());
            }
        }
        Ok(Instant::now())
    }

    /// One of the objects that are not as they should be, and how it is.
    fn some(&self, missing: &HashSet<String>) -> String {
        let all = self.mirror.all();
        let Some(found) = all.iter().find(|object| missing.contains(object.name())) else {
            return "absent".to_owned();
        };
        format!("{}: {}", found.name(), summary(found))
    }
}

/// Is a unit ready at a revision?
pub(crate) fn is_ready_at(unit: &Manifest, revision: &str) -> bool {
    text(unit, "/status/lastAppliedRevision") == revision && is_ready(unit)
}

/// Is an object ready as it is specified now?
pub(crate) fn is_ready(object: &Manifest) -> bool {
    find_condition(object, "Ready").is_some_and(|ready| {
        ready["status"] == "True" && ready["observedGeneration"].as_i64() == object.generation()
    })
}
