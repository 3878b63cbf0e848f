//! Objects that units wait for, or that units and sources read from: one watch a kind and namespace, shared, opened when first followed.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_cluster::{Change, Cluster, ClusterError, Mirror, Selection, mirror_for_ever};
use capstan_model::{GroupVersionKind, Manifest, ObjectId};
use capstan_runtime::Queue;

use crate::world::Place;

/// How long a look waits for the first list of a watch; after that each object is asked for. Whoever may not list never gets one.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);

/// What was seen at a place.
pub(crate) type Seen = (Place, Result<Option<Arc<Manifest>>, ClusterError>);

/// A unit or a source, as its queue knows it.
pub(crate) trait Follower: Clone + Debug + Eq + Hash + Send + 'static {}

impl<K: Clone + Debug + Eq + Hash + Send + 'static> Follower for K {}

/// What units or sources follow. Cheap to clone.
pub(crate) struct Followed<K> {
    wake: Queue<K>,
    state: Arc<Mutex<State<K>>>,
}

impl<K> Clone for Followed<K> {
    fn clone(&self) -> Self {
        Self { wake: self.wake.clone(), state: Arc::clone(&self.state) }
    }
}

struct State<K> {
    watches: HashMap<WatchKey, Watch>,
    followers: HashMap<(u64, ObjectId), HashSet<K>>,
    follows: HashMap<(K, Topic), Vec<(u64, ObjectId)>>,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self { watches: HashMap::new(), followers: HashMap::new(), follows: HashMap::new() }
    }
}

/// Why objects are followed: each topic is replaced on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// Its inputs: ConfigMaps and Secrets of variables, credentials.
    Inputs,
    /// Its health checks, or what it waits to see gone.
    Health,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct WatchKey {
    /// The client: what one user may watch, another may not.
    cluster: u64,
    gvk: GroupVersionKind,
    namespace: String,
}

struct Watch {
    mirror: Mirror,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<K: Follower> Followed<K> {
    pub(crate) fn new(wake: Queue<K>) -> Self {
        Self { wake, state: Arc::default() }
    }

    /// Replaces what a follower follows under a topic; from now on it is woken when one of the places changes.
    pub(crate) fn follow(&self, follower: &K, topic: Topic, cluster: &Cluster, places: &[Place]) {
        let ids: Vec<_> = places.iter().map(|place| (cluster.identity(), place.id())).collect();
        let mut state = self.state.lock().expect("no holder of this lock can panic");
        let slot = (follower.clone(), topic);
        if state.follows.get(&slot) == Some(&ids) {
            return;
        }
        let before = state.follows.insert(slot, ids.clone()).unwrap_or_default();
        for old in before {
            let still = [Topic::Inputs, Topic::Health].into_iter().any(|topic| {
                state.follows.get(&(follower.clone(), topic)).is_some_and(|ids| ids.contains(&old))
            });
            if !still && let Some(followers) = state.followers.get_mut(&old) {
                followers.remove(follower);
            }
        }
        for id in ids {
            state.followers.entry(id).or_default().insert(follower.clone());
        }
        for place in places {
            self.open(&mut state, cluster, place);
        }
        close_unused(&mut state);
    }

    /// The objects at some places, as the watches have them; what is not watched yet is asked for.
    pub(crate) async fn look(&self, cluster: &Cluster, places: &[Place]) -> Vec<Seen> {
        let end = tokio::time::Instant::now() + SYNC_TIMEOUT;
        let mut seen = Vec::with_capacity(places.len());
        for place in places {
            let object = match self.mirror(cluster, place) {
                Some(mirror) if is_synced(&mirror, cluster, place, end).await => {
                    Ok(mirror.get(&place.key()))
                }
                _ => {
                    let found = cluster.get(&place.gvk, &place.namespace, &place.name).await;
                    found.map(|object| object.map(Arc::new))
                }
            };
            seen.push((place.clone(), object));
        }
        seen
    }

    /// Is one of the places empty? What went before its watch began has woken nobody.
    pub(crate) async fn any_is_gone(&self, cluster: &Cluster, places: &[Place]) -> bool {
        self.look(cluster, places).await.iter().any(|(_, found)| matches!(found, Ok(None)))
    }

    /// Does every place wake its followers when it changes?
    pub(crate) fn watches(&self, cluster: &Cluster, places: &[Place]) -> bool {
        let synced = |place| self.mirror(cluster, place).is_some_and(|mirror| mirror.is_synced());
        places.iter().all(synced)
    }

    fn mirror(&self, cluster: &Cluster, place: &Place) -> Option<Mirror> {
        let state = self.state.lock().expect("no holder of this lock can panic");
        state.watches.get(&watch_key(cluster, place)).map(|watch| watch.mirror.clone())
    }

    fn open(&self, state: &mut State<K>, cluster: &Cluster, place: &Place) {
        let key = watch_key(cluster, place);
        if state.watches.contains_key(&key) {
            return;
        }
        let mirror = Mirror::default();
        let run = watch(self.clone(), cluster.clone(), key.clone(), mirror.clone());
        let task = tokio::spawn(run);
        state.watches.insert(key, Watch { mirror, task });
    }

    fn changed(&self, cluster: u64, change: &Change) {
        let id = change.object().id();
        let state = self.state.lock().expect("no holder of this lock can panic");
        for follower in state.followers.get(&(cluster, id)).into_iter().flatten() {
            self.wake.wake(follower.clone());
        }
    }
}

/// Has the watch of a place its first list? Waits for it until `end`, if the kind is served at all.
async fn is_synced(
    mirror: &Mirror,
    cluster: &Cluster,
    place: &Place,
    end: tokio::time::Instant,
) -> bool {
    cluster.resource(&place.gvk).await.is_ok()
        && tokio::time::timeout_at(end, mirror.synced()).await.is_ok()
}

fn watch_key(cluster: &Cluster, place: &Place) -> WatchKey {
    WatchKey {
        cluster: cluster.identity(),
        gvk: place.gvk.clone(),
        namespace: place.namespace.clone(),
    }
}

/// Watches that nobody needs any more are closed.
fn close_unused<K>(state: &mut State<K>) {
    let used: HashSet<(u64, String, String, String)> = state
        .followers
        .iter()
        .filter(|(_, units)| !units.is_empty())
        .map(|((cluster, id), _)| {
            (*cluster, id.group.clone(), id.kind.clone(), id.namespace.clone())
        })
        .collect();
    state.watches.retain(|key, _| {
        let gvk = &key.gvk;
        used.contains(&(key.cluster, gvk.group.clone(), gvk.kind.clone(), key.namespace.clone()))
    });
    state.followers.retain(|_, units| !units.is_empty());
}

async fn watch<K: Follower>(
    followed: Followed<K>,
    cluster: Cluster,
    key: WatchKey,
    mirror: Mirror,
) {
    let selection = Selection { namespace: key.namespace.clone(), ..Selection::default() };
    let told = |change: Change| followed.changed(key.cluster, &change);
    mirror_for_ever(&cluster, &key.gvk, selection, &mirror, told).await;
}
