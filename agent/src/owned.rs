//! What units have applied, as the clusters have it: one watch a kind, of metadata alone, shared by all units.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_api::flux::KUSTOMIZE_GROUP;
use capstan_apply::Live;
use capstan_cluster::{Change, Cluster, Mirror, Selection, Sight, mirror_for_ever};
use capstan_model::{GroupVersionKind, NamespacedName, ObjectId};
use capstan_runtime::Queue;
use tokio::time::Instant;

use crate::holders::Holders;

/// How long the first list of a watch may take; without it each object is asked for. Whoever may not list never gets one.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);

/// What units own. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Owned {
    wake: Queue<NamespacedName>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    watches: HashMap<Kind, Watch>,
    users: HashMap<NamespacedName, HashSet<Kind>>,
}

/// A kind in a cluster, as one of its users sees it.
type Kind = (u64, GroupVersionKind);

struct Watch {
    mirror: Mirror<Sight>,
    opened: Instant,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Owned {
    pub(crate) fn new(wake: Queue<NamespacedName>) -> Self {
        Self { wake, state: Arc::default() }
    }

    /// From now on a unit is woken when somebody changes or deletes an object of these kinds that it owns. Waits for the first
    /// lists, so that [`Owned::of`] shows what is there.
    pub(crate) async fn watch(
        &self,
        unit: &NamespacedName,
        cluster: &Cluster,
        gvks: HashSet<GroupVersionKind>,
    ) {
        let kinds: HashSet<Kind> = gvks.into_iter().map(|gvk| (cluster.identity(), gvk)).collect();
        let opened = self.open(unit, cluster, kinds);
        for (gvk, mirror, opened) in opened {
            // A kind that the unit itself defines comes later.
            if cluster.resource(&gvk).await.is_ok() {
                let _ = tokio::time::timeout_at(opened + SYNC_TIMEOUT, mirror.synced()).await;
            }
        }
    }

    /// The watches that have no list yet.
    fn open(
        &self,
        unit: &NamespacedName,
        cluster: &Cluster,
        kinds: HashSet<Kind>,
    ) -> Vec<(GroupVersionKind, Mirror<Sight>, Instant)> {
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        let mut opened = Vec::new();
        for kind in &kinds {
            let watch = state.watches.entry(kind.clone()).or_insert_with(|| {
                let mirror = Mirror::default();
                let run = run(self.wake.clone(), cluster.clone(), kind.1.clone(), mirror.clone());
                Watch { mirror, opened: Instant::now(), task: tokio::spawn(run) }
            });
            if !watch.mirror.is_synced() {
                opened.push((kind.1.clone(), watch.mirror.clone(), watch.opened));
            }
        }
        state.users.insert(unit.clone(), kinds);
        state.close_unused();
        opened
    }

    /// A unit owns nothing any more.
    pub(crate) fn forget(&self, unit: &NamespacedName) {
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        state.users.remove(unit);
        state.close_unused();
    }

    /// What is owned in a cluster, as a unit sees it.
    pub(crate) const fn of<'a>(
        &'a self,
        cluster: u64,
        holders: &'a Holders,
        unit: &'a NamespacedName,
    ) -> OwnedIn<'a> {
        OwnedIn { owned: self, cluster, holders, unit }
    }
}

impl State {
    fn close_unused(&mut self) {
        let used: HashSet<&Kind> = self.users.values().flatten().collect();
        self.watches.retain(|kind, _| used.contains(kind));
    }
}

/// What is owned in one cluster, as a unit sees it.
#[derive(Clone, Copy)]
pub(crate) struct OwnedIn<'a> {
    owned: &'a Owned,
    cluster: u64,
    holders: &'a Holders,
    unit: &'a NamespacedName,
}

impl OwnedIn<'_> {
    fn mirror(&self, gvk: &GroupVersionKind) -> Option<Mirror<Sight>> {
        let state = self.owned.state.lock().expect("no holder of this lock can panic");
        let watch = state.watches.get(&(self.cluster, gvk.clone()))?;
        Some(watch.mirror.clone())
    }
}

impl Live for OwnedIn<'_> {
    fn sight(&self, gvk: &GroupVersionKind, id: &ObjectId) -> Option<Option<Arc<Sight>>> {
        let mirror = self.mirror(gvk).filter(Mirror::is_current)?;
        Some(mirror.get(&NamespacedName::new(&*id.namespace, &*id.name)))
    }

    fn saw(&self, gvk: &GroupVersionKind, sight: Sight) {
        if let Some(mirror) = self.mirror(gvk) {
            mirror.put(sight);
        }
    }

    fn is_held_by(&self, unit: &NamespacedName, id: &ObjectId) -> bool {
        self.holders.is_held(unit, id, self.unit)
    }

    fn wanted_by(&self, id: &ObjectId) -> Option<NamespacedName> {
        self.holders.other(id, self.unit)
    }
}

async fn run(
    wake: Queue<NamespacedName>,
    cluster: Cluster,
    gvk: GroupVersionKind,
    mirror: Mirror<Sight>,
) {
    let labels = format!("{KUSTOMIZE_GROUP}/name");
    let selection = Selection { labels, ..Selection::default() };
    let told = |change: Change<Sight>| {
        if matters(&change) {
            owners(&change).for_each(|unit| wake.wake(unit));
        }
    };
    mirror_for_ever(&cluster, &gvk, selection, &mirror, told).await;
}

/// May somebody have changed what is wanted? What comes with the first list is compared by the unit itself.
fn matters(change: &Change<Sight>) -> bool {
    let Some(before) = &change.before else { return false };
    let Some(after) = &change.after else { return true };
    let version = before.version();
    !after.is_unchanged_since(&version) || after.version().marks != version.marks
}

/// The units that own an object, before or after a change.
fn owners(change: &Change<Sight>) -> impl Iterator<Item = NamespacedName> {
    let owner = |sight: &Arc<Sight>| {
        let label = |key: &str| sight.labels.get(&format!("{KUSTOMIZE_GROUP}/{key}")).cloned();
        Some(NamespacedName::new(label("namespace")?, label("name")?))
    };
    let both = [&change.before, &change.after].into_iter().flatten();
    both.filter_map(owner).collect::<HashSet<_>>().into_iter()
}
