//! What every reconciler works with: the cluster, what is watched of it, and the queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_api::fleet::LEASE_NAMESPACE;
use capstan_cluster::{Cluster, ClusterError, Mirror, Selection, mirror_into};
use capstan_model::{GroupVersionKind, NamespacedName};
use capstan_runtime::{OnExit, Queue, Stop, Tasks};
use jiff::Timestamp;

use crate::composite::Composites;
use crate::spoke::Spokes;
use crate::spoke::identity::HubEndpoint;
use crate::{kinds, wake};

/// A cluster-scoped object of a kind that comes and goes with an XRD.
pub(crate) type CompositeKey = (GroupVersionKind, String);
/// A claim.
pub(crate) type ClaimKey = (GroupVersionKind, NamespacedName);

/// How soon a kind that is not served yet is asked for again.
const ABSENT: Duration = Duration::from_secs(1);

/// What is to be reconciled. Keys only: everything else is read again.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// XRDs.
    pub(crate) definitions: Queue<String>,
    /// Composites.
    pub(crate) composites: Queue<CompositeKey>,
    /// Claims.
    pub(crate) claims: Queue<ClaimKey>,
    /// Spokes.
    pub(crate) spokes: Queue<String>,
}

/// A watched kind.
#[derive(Debug)]
struct Watched {
    mirror: Mirror,
    stop: Stop,
}

/// What every reconciler works with.
pub(crate) struct World {
    /// The management cluster.
    pub(crate) cluster: Cluster,
    /// The hub's own namespace.
    pub(crate) namespace: String,
    /// How spokes reach this cluster.
    pub(crate) endpoint: HubEndpoint,
    /// What is to be done.
    pub(crate) queues: Queues,
    /// What is remembered of composites.
    pub(crate) composites: Composites,
    /// What is remembered of spokes.
    pub(crate) spokes: Spokes,
    /// The heartbeats of the spokes' agents.
    pub(crate) leases: Mirror,
    /// What runs beside the queues.
    pub(crate) tasks: Tasks,
    watched: Mutex<HashMap<GroupVersionKind, Watched>>,
}

impl World {
    pub(crate) fn new(
        cluster: Cluster,
        namespace: String,
        endpoint: HubEndpoint,
        tasks: Tasks,
    ) -> Self {
        Self {
            cluster,
            namespace,
            endpoint,
            queues: Queues::default(),
            composites: Composites::default(),
            spokes: Spokes::default(),
            leases: Mirror::default(),
            tasks,
            watched: Mutex::default(),
        }
    }

    /// The time. The only clock that reconcilers see.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Watches a kind, from now on. The same mirror is given to everyone who asks.
    pub(crate) fn watch(self: &Arc<Self>, gvk: &GroupVersionKind) -> Mirror {
        let mut watched = self.watched.lock().expect("no holder of this lock can panic");
        if let Some(known) = watched.get(gvk) {
            return known.mirror.clone();
        }
        let (mirror, stop) = (Mirror::default(), self.tasks.stop().child_token());
        watched.insert(gvk.clone(), Watched { mirror: mirror.clone(), stop: stop.clone() });
        drop(watched);
        self.follow(gvk.clone(), Selection::default(), mirror.clone(), stop);
        mirror
    }

    /// Ends the watch of a kind that is no longer served.
    pub(crate) fn unwatch(&self, gvk: &GroupVersionKind) {
        let removed = self.watched.lock().expect("no holder of this lock can panic").remove(gvk);
        if let Some(watched) = removed {
            watched.stop.cancel();
            self.cluster.forget(gvk);
        }
    }

    /// The kinds that are watched.
    pub(crate) fn watched_kinds(&self) -> Vec<GroupVersionKind> {
        self.watched.lock().expect("no holder of this lock can panic").keys().cloned().collect()
    }

    fn follow(
        self: &Arc<Self>,
        gvk: GroupVersionKind,
        selection: Selection,
        mirror: Mirror,
        stop: Stop,
    ) {
        let world = Arc::clone(self);
        self.tasks.spawn("watch", OnExit::Nothing, async move {
            let told = |change| wake::told(&world, &gvk, &change);
            while !stop.is_cancelled() {
                let watching = mirror_into(&world.cluster, &gvk, selection.clone(), &mirror, told);
                let ended = tokio::select! {
                    ended = watching => ended,
                    () = stop.cancelled() => return,
                };
                if let Err(error) = ended
                    && !matches!(error, ClusterError::NoSuchKind(_))
                {
                    tracing::warn!(%gvk, %error, "watch not started");
                }
                tokio::select! {
                    () = tokio::time::sleep(ABSENT) => {}
                    () = stop.cancelled() => {}
                }
            }
        });
    }

    /// Starts the watches that are there from the beginning.
    pub(crate) fn watch_from_start(self: &Arc<Self>) {
        for gvk in [kinds::definition(), kinds::composition(), kinds::crd(), kinds::spoke()] {
            self.watch(&gvk);
        }
        let stop = self.tasks.stop();
        let leases = Selection {
            namespace: LEASE_NAMESPACE.to_owned(),
            labels: "fleet.capstan.dev/spoke".to_owned(),
            ..Selection::default()
        };
        self.follow(kinds::lease(), leases, self.leases.clone(), stop.clone());
        for (namespace, fields) in
            [("flux-system", ""), ("crossplane-system", "type=connection.crossplane.io/v1alpha1")]
        {
            let selection = Selection {
                namespace: namespace.to_owned(),
                fields: fields.to_owned(),
                ..Selection::default()
            };
            self.follow(kinds::secret(), selection, Mirror::default(), stop.clone());
        }
    }
}
