//! What the reconcilers share.

use std::sync::Arc;
use std::time::Duration;

use capstan_api::flux::{FINALIZER, REQUESTED_AT};
use capstan_cloud::Cloud;
use capstan_cluster::{Change, Cluster, ClusterError, EventType, Mirror, Note};
use capstan_git::Repositories;
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, ObjectId};
use capstan_remote::Fetcher;
use capstan_report::Attempt;
use capstan_runtime::{Metrics, Queue};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::args::Args;
use crate::follow::Followed;
use crate::holders::Holders;
use crate::kinds;
use crate::owned::Owned;
use crate::source::{Etags, SourceKey, SourceObjects, Sources};
use crate::unit::{Clusters, Dependents, Memories};
use crate::watches;

/// What the reconcilers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) args: Arc<Args>,
    pub(crate) cluster: Cluster,
    pub(crate) repositories: Repositories,
    /// AWS, as this process itself.
    pub(crate) cloud: Arc<Cloud>,
    /// Fetches remote bases, where they are allowed.
    pub(crate) fetcher: Option<Fetcher>,
    pub(crate) store: Arc<capstan_store::Store>,
    pub(crate) sources: Sources,
    pub(crate) etags: Etags,
    pub(crate) source_objects: SourceObjects,
    pub(crate) generators: Mirror,
    pub(crate) kustomizations: Mirror,
    /// Who waits for which of them.
    pub(crate) dependents: Dependents,
    /// Who has which object.
    pub(crate) holders: Holders,
    pub(crate) receivers: Mirror,
    pub(crate) source_queue: Queue<SourceKey>,
    pub(crate) generator_queue: Queue<NamespacedName>,
    pub(crate) unit_queue: Queue<NamespacedName>,
    pub(crate) receiver_queue: Queue<NamespacedName>,
    /// Objects that nothing reconciles, by where they are.
    pub(crate) unreconciled_queue: Queue<Place>,
    /// What units own.
    pub(crate) owned: Owned,
    /// Events on their way, so many at once.
    pub(crate) announcing: Arc<Semaphore>,
    /// What units follow.
    pub(crate) followed: Followed<NamespacedName>,
    /// What sources follow.
    pub(crate) followed_by_sources: Followed<SourceKey>,
    /// The Secrets that Receivers follow.
    pub(crate) followed_by_receivers: Followed<NamespacedName>,
    pub(crate) memories: Memories,
    pub(crate) clusters: Clusters,
    pub(crate) metrics: Metrics,
}

/// Field manager of applied objects, as Flux's: a take-over finds its own fields.
pub(crate) const FIELD_MANAGER: &str = "kustomize-controller";
/// Field manager of status and finalizers.
pub(crate) const STATUS_MANAGER: &str = "gotk-kustomize-controller";

/// So long good news may wait for work to be done.
const PATIENCE: Duration = Duration::from_secs(30);

impl World {
    /// The attempt that is being made for an object, still under way.
    pub(crate) fn attempt(object: &Manifest) -> Attempt<'_> {
        Attempt {
            generation: object.generation().unwrap_or_default(),
            requested_at: None,
            now: Timestamp::now(),
        }
    }

    /// The attempt that was made for an object, at its end.
    pub(crate) fn ended(object: &Manifest) -> Attempt<'_> {
        Attempt { requested_at: object.annotation(REQUESTED_AT), ..Self::attempt(object) }
    }

    /// Writes a status. The rest of the object stays as it was read: what is reported of an attempt is about the spec and
    /// the request that it began with, whatever came meanwhile. An object that is gone is no error.
    pub(crate) async fn write_status(
        &self,
        object: &mut Manifest,
        status: Value,
    ) -> Result<(), ClusterError> {
        let gvk = object.gvk();
        let patch = json!({ "status": status });
        let (namespace, name) = (object.namespace(), object.name());
        match self.cluster.merge_status(&gvk, namespace, name, &patch, STATUS_MANAGER).await {
            Ok(stored) => {
                object.value_mut()["status"] = kinds::status(&stored);
                self.stored(stored);
                Ok(())
            }
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Adds our finalizer.
    pub(crate) async fn add_finalizer(&self, object: &mut Manifest) -> Result<(), ClusterError> {
        let mut finalizers = finalizers(object);
        if finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            return Ok(());
        }
        finalizers.push(FINALIZER.to_owned());
        self.write_finalizers(object, &finalizers).await
    }

    /// Removes our finalizer; the object goes when it was the last.
    pub(crate) async fn remove_finalizer(&self, object: &mut Manifest) -> Result<(), ClusterError> {
        let mut finalizers = finalizers(object);
        finalizers.retain(|finalizer| finalizer != FINALIZER);
        match self.write_finalizers(object, &finalizers).await {
            Err(error) if error.is_not_found() => Ok(()),
            written => written,
        }
    }

    async fn write_finalizers(
        &self,
        object: &mut Manifest,
        finalizers: &[String],
    ) -> Result<(), ClusterError> {
        // The resourceVersion makes the write a conflict when somebody else changed the list meanwhile.
        let patch = json!({"metadata": {
            "finalizers": finalizers, "resourceVersion": object.resource_version(),
        }});
        let (gvk, namespace, name) = (object.gvk(), object.namespace(), object.name());
        *object = self.cluster.merge(&gvk, namespace, name, &patch, STATUS_MANAGER).await?;
        self.stored(object.clone());
        Ok(())
    }

    /// Records an event, behind the back of whoever tells it. What is no trouble is told when the units have nothing to do.
    pub(crate) fn announce(&self, object: &Manifest, component: &'static str, note: Note) {
        let (now, cluster, units) =
            (Timestamp::now(), self.cluster.clone(), self.unit_queue.clone());
        let (object, announcing) = (object.identity(), Arc::clone(&self.announcing));
        let patience = if note.type_ == EventType::Normal { PATIENCE } else { Duration::ZERO };
        tokio::spawn(async move {
            let end = Instant::now() + patience;
            loop {
                let is_late = tokio::time::timeout_at(end, units.idle()).await.is_err();
                // Nobody closes it.
                let permit = announcing.acquire().await;
                if is_late || units.is_idle() {
                    cluster.record(&object, component, note, now).await;
                    return drop(permit);
                }
            }
        });
    }

    /// A unit keeps objects only until their heirs have taken them over, which they do now.
    pub(crate) fn hand_over(&self, unit: &NamespacedName, left: &[(ObjectId, NamespacedName)]) {
        self.holders.release(unit, left.iter().map(|(id, _)| id.clone()).collect());
        left.iter().for_each(|(_, heir)| self.unit_queue.wake(heir.clone()));
    }

    /// An own write shows at once, and wakes whom it concerns, before the watch tells it.
    fn stored(&self, object: Manifest) {
        if object.gvk() == kinds::kustomization() {
            if let Some(change) = self.kustomizations.put(object) {
                watches::unit_changed(self, &change);
            }
        } else if let Some(key) = SourceKey::of(&object)
            && let Some(change) = self.source_objects.of(key.kind).put(object)
        {
            watches::source_changed(self, &change);
        }
    }
}

/// An object's finalizers.
fn finalizers(object: &Manifest) -> Vec<String> {
    let list = object.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.map(|list| list.iter().filter_map(text).collect()).unwrap_or_default()
}

/// Does a change concern the reconciler of the object itself? Its own status writes do not.
pub(crate) fn is_ours_to_see(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return true };
    before.generation() != after.generation()
        || before.is_deleting() != after.is_deleting()
        || before.uid() != after.uid()
        || before.value().pointer("/metadata/annotations")
            != after.value().pointer("/metadata/annotations")
}

/// An object of this cluster that may be watched: its kind and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) gvk: GroupVersionKind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn new(gvk: GroupVersionKind, namespace: &str, name: &str) -> Self {
        Self { gvk, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn id(&self) -> ObjectId {
        ObjectId {
            group: self.gvk.group.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    pub(crate) fn key(&self) -> NamespacedName {
        NamespacedName::new(&*self.namespace, &*self.name)
    }
}
