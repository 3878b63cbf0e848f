//! What runs, and how it hangs together.

use std::fmt::Debug;
use std::future::{Future, ready};
use std::hash::Hash;
use std::sync::Arc;

use anyhow::Context;
use capstan_cluster::{Cluster, Mirror};
use capstan_git::Repositories;
use capstan_model::NamespacedName;
use capstan_remote::{Fetcher, Policy};
use capstan_runtime::{Backoff, Metrics, Next, OnExit, Pace, Queue, Stop, Tasks, stop_on_signals};
use capstan_store::Store;
use tokio::sync::Semaphore;

use crate::args::Args;
use crate::follow::Followed;
use crate::holders::Holders;
use crate::observe::{self, observed};
use crate::owned::Owned;
use crate::source::{Etags, SourceKey, SourceKind, SourceObjects, Sources};
use crate::unit::{Clusters, Dependents, Memories};
use crate::world::World;
use crate::{
    generator, heartbeat, kinds, lead, managed, ports, receiver, source, unit, unreconciled,
    watches,
};

/// So many events are sent at once: they must not hold up what they tell of.
const ANNOUNCING: usize = 4;

/// Runs the agent until it is told to stop.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let fence = lead::install(&args);
    let (cluster, unfenced) = (Cluster::infer().await?, Cluster::infer_unfenced().await?);
    let stop = Stop::new();
    let tasks = Tasks::new(stop.clone());
    let world = world(args, cluster)?;
    observe::count_objects(&world);
    tasks.spawn("signals", OnExit::Nothing, stop_on_signals(stop.clone()));
    ports::serve(&world, unfenced.clone(), &tasks).await?;
    watch(&world, &tasks);
    let lead = lead::win(&world, unfenced, fence, &stop).await;
    if lead.is_some() {
        work(&world, &tasks).await?;
    }
    stop.cancelled().await;
    let grace = world.args.graceful_shutdown_timeout;
    let all_ended = tokio::time::timeout(grace, tasks.join()).await.is_ok();
    if !all_ended {
        tracing::warn!("work went on for longer than --graceful-shutdown-timeout");
    }
    if let Some(lead) = lead {
        lead.end(all_ended).await;
    }
    Ok(())
}

/// What only who leads does.
async fn work(world: &World, tasks: &Tasks) -> anyhow::Result<()> {
    ports::serve_artifacts(world, tasks).await?;
    reconcile(world, tasks);
    // A shard leaves to the main agent what there is once in a cluster.
    if !world.args.is_main() {
        return Ok(());
    }
    let stop = tasks.stop();
    tasks.spawn("heartbeat", OnExit::StopProcess, heartbeat::run(world.clone(), stop.clone()));
    if !world.args.no_managed_resources {
        let managed = managed::run(world.clone(), stop.clone());
        tasks.spawn("managed resources", OnExit::StopProcess, managed);
    }
    Ok(())
}

pub(crate) fn world(args: Args, cluster: Cluster) -> anyhow::Result<World> {
    let pace = Pace {
        backoff: Backoff { first: args.min_retry_delay, longest: args.max_retry_delay },
        jitter: f64::from(args.interval_jitter_percentage) / 100.0,
    };
    let unit_queue = Queue::paced(pace);
    let source_queue = Queue::paced(pace);
    let generator_queue = Queue::paced(pace);
    let receiver_queue = Queue::paced(pace);
    let metrics = Metrics::new();
    metrics.watch_queue("kustomization", unit_queue.clone(), args.concurrent);
    metrics.watch_queue("source", source_queue.clone(), args.concurrent);
    metrics.watch_queue("artifactgenerator", generator_queue.clone(), args.concurrent);
    metrics.watch_queue("receiver", receiver_queue.clone(), 1);
    let store = Store::open(args.storage_path.join("artifacts"))
        .context("the folder of --storage-path must be writable")?;
    // Apart from those of sources, which may have come with credentials.
    let bases = Repositories::new(args.storage_path.join("bases"));
    let fetcher = (!args.no_remote_bases).then(|| Fetcher::new(bases, Policy::CONTROLLER));
    let kustomizations = Mirror::default();
    Ok(World {
        fetcher,
        repositories: Repositories::new(args.storage_path.join("git")),
        cloud: Arc::default(),
        store: Arc::new(store),
        args: Arc::new(args),
        cluster,
        sources: Sources::default(),
        etags: Etags::default(),
        source_objects: SourceObjects::default(),
        generators: Mirror::default(),
        generator_queue,
        holders: Holders::new(kustomizations.clone()),
        kustomizations,
        dependents: Dependents::default(),
        receivers: Mirror::default(),
        owned: Owned::new(unit_queue.clone()),
        announcing: Arc::new(Semaphore::new(ANNOUNCING)),
        followed: Followed::new(unit_queue.clone()),
        followed_by_sources: Followed::new(source_queue.clone()),
        followed_by_receivers: Followed::new(receiver_queue.clone()),
        source_queue,
        unit_queue,
        receiver_queue,
        unreconciled_queue: Queue::new(),
        memories: Memories::default(),
        clusters: Clusters::default(),
        metrics,
    })
}

/// Whom a change wakes.
type Woken = fn(&World, &capstan_cluster::Change);

pub(crate) fn watch(world: &World, tasks: &Tasks) {
    let stop = tasks.stop();
    let sources = SourceKind::ALL.into_iter().map(|kind| {
        let mirror = world.source_objects.of(kind).clone();
        ("watch sources", kind.gvk(), mirror, watches::source_changed as Woken)
    });
    let others: [(&'static str, _, _, Woken); 3] = [
        (
            "watch generators",
            generator::gvk(),
            world.generators.clone(),
            watches::generator_changed,
        ),
        (
            "watch units",
            kinds::kustomization(),
            world.kustomizations.clone(),
            watches::unit_changed,
        ),
        ("watch receivers", kinds::receiver(), world.receivers.clone(), watches::receiver_changed),
    ];
    let unreconciled = capstan_api::flux::UNRECONCILED.iter().map(|kind| {
        let gvk = unreconciled::gvk(kind);
        (
            "watch what is not reconciled",
            gvk,
            Mirror::default(),
            watches::unreconciled_changed as Woken,
        )
    });
    for (name, gvk, mirror, woken) in sources.chain(others).chain(unreconciled) {
        let watching = watches::watch(world.clone(), gvk, mirror, woken);
        let stop = stop.clone();
        tasks.spawn(name, OnExit::StopProcess, async move {
            tokio::select! { () = watching => {}, () = stop.cancelled() => {} }
        });
    }
}

/// What a queue works on, and when it may begin.
struct Work<K> {
    /// The task's name.
    name: &'static str,
    queue: Queue<K>,
    /// So many keys at once.
    concurrent: usize,
}

impl<K: Clone + Debug + Eq + Hash + Send + 'static> Work<K> {
    /// Works on the queue after `ready` until the agent stops.
    fn spawn<F: Future<Output = Next> + Send + 'static>(
        self,
        tasks: &Tasks,
        ready: impl Future<Output = ()> + Send + 'static,
        run: impl Fn(K) -> F + Send + Sync + 'static,
    ) {
        let stop = tasks.stop().clone();
        let Self { name, queue, concurrent } = self;
        tasks.spawn(name, OnExit::StopProcess, async move {
            tokio::select! { () = ready => {}, () = stop.cancelled() => {} }
            queue.run(concurrent, &stop, run).await;
        });
    }
}

fn reconcile(world: &World, tasks: &Tasks) {
    let concurrent = world.args.concurrent;
    let shared = world.clone();
    let sources = Work { name: "sources", queue: world.source_queue.clone(), concurrent };
    sources.spawn(tasks, ready(()), move |key: SourceKey| {
        let (world, place) = (shared.clone(), key.place.clone());
        let of = (key.kind.gvk(), world.source_objects.of(key.kind).clone());
        observed(world.clone(), "source", of, place, source::reconcile(world, key))
    });
    // Until the first lists are whole, a dependency or a source could look absent.
    let shared = world.clone();
    let synced = all_synced(world.source_objects.clone(), None);
    let generators = Work { name: "generators", queue: world.generator_queue.clone(), concurrent };
    generators.spawn(tasks, synced, move |key: NamespacedName| {
        let (world, place) = (shared.clone(), key.clone());
        let of = (generator::gvk(), world.generators.clone());
        observed(world.clone(), "artifactgenerator", of, place, generator::reconcile(world, key))
    });
    reconcile_units(world, tasks);
    let shared = world.clone();
    let receivers = Work { name: "receivers", queue: world.receiver_queue.clone(), concurrent: 1 };
    receivers.spawn(tasks, ready(()), move |key: NamespacedName| {
        let (world, place) = (shared.clone(), key.clone());
        let of = (kinds::receiver(), world.receivers.clone());
        observed(world.clone(), "receiver", of, place, receiver::reconcile(world, key))
    });
    let shared = world.clone();
    let rest = world.unreconciled_queue.clone();
    let rest = Work { name: "what is not reconciled", queue: rest, concurrent: 1 };
    rest.spawn(tasks, ready(()), move |place| unreconciled::report(shared.clone(), place));
}

pub(crate) fn reconcile_units(world: &World, tasks: &Tasks) {
    let shared = world.clone();
    let synced = all_synced(world.source_objects.clone(), Some(world.kustomizations.clone()));
    let units =
        Work { name: "units", queue: world.unit_queue.clone(), concurrent: world.args.concurrent };
    units.spawn(tasks, synced, move |key: NamespacedName| {
        let (world, place) = (shared.clone(), key.clone());
        let of = (kinds::kustomization(), world.kustomizations.clone());
        observed(world.clone(), "kustomization", of, place, unit::reconcile(world, key))
    });
}

async fn all_synced(sources: SourceObjects, units: Option<Mirror>) {
    if let Some(units) = units {
        units.synced().await;
    }
    sources.synced().await;
}
