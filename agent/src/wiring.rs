//! What runs, and how it hangs together.

use std::sync::Arc;

use anyhow::Context;
use capstan_cluster::{Cluster, Mirror};
use capstan_git::Repositories;
use capstan_remote::{Fetcher, Policy};
use capstan_runtime::{OnExit, Queue, Readiness, Stop, Tasks, serve_health, stop_on_signals};
use capstan_store::Store;
use tokio::sync::Semaphore;

use crate::args::Args;
use crate::follow::Followed;
use crate::owned::Owned;
use crate::source::{Etags, SourceKind, SourceObjects, Sources};
use crate::unit::{Clusters, Memories};
use crate::world::World;
use crate::{generator, heartbeat, kinds, managed, receiver, source, unit, unreconciled, watches};

/// So many events are sent at once: they must not hold up what they tell of.
const ANNOUNCING: usize = 4;

/// Runs the agent until it is told to stop.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let cluster = Cluster::infer().await?;
    let stop = Stop::new();
    let tasks = Tasks::new(stop.clone());
    let world = world(args, cluster)?;
    tasks.spawn("signals", OnExit::Nothing, stop_on_signals(stop.clone()));
    serve(&world, &tasks).await?;
    watch(&world, &tasks);
    reconcile(&world, &tasks);
    tasks.spawn("heartbeat", OnExit::StopProcess, heartbeat::run(world.clone(), stop.clone()));
    if !world.args.no_managed_resources {
        tasks.spawn("managed resources", OnExit::StopProcess, managed::run(world, stop.clone()));
    }
    stop.cancelled().await;
    tasks.join().await;
    Ok(())
}

fn world(args: Args, cluster: Cluster) -> anyhow::Result<World> {
    let (unit_queue, source_queue, receiver_queue) = (Queue::new(), Queue::new(), Queue::new());
    let store = Store::open(args.storage_path.join("artifacts"))
        .context("the folder of --storage-path must be writable")?;
    // Apart from those of sources, which may have come with credentials.
    let bases = Repositories::new(args.storage_path.join("bases"));
    let fetcher = (!args.no_remote_bases).then(|| Fetcher::new(bases, Policy::CONTROLLER));
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
        generator_queue: Queue::new(),
        kustomizations: Mirror::default(),
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
    })
}

/// The ports: artifacts, webhooks, health.
async fn serve(world: &World, tasks: &Tasks) -> anyhow::Result<()> {
    let stop = tasks.stop().clone();
    let ready = Readiness::default();
    ready.set_ready();
    let health = serve_health(world.args.health_addr, ready, stop.clone());
    tasks.spawn("health", OnExit::StopProcess, async move {
        if let Err(error) = health.await {
            tracing::error!(error = %capstan_model::Chain(&error), "health endpoints failed");
        }
    });
    let artifacts = listen("artifacts", world.args.storage_addr).await?;
    let router = capstan_store::router(&world.store);
    let stopped = stop.clone();
    tasks.spawn("artifacts", OnExit::StopProcess, async move {
        let shutdown = async move { stopped.cancelled().await };
        if let Err(error) = axum::serve(artifacts, router).with_graceful_shutdown(shutdown).await {
            tracing::error!(%error, "artifact server failed");
        }
    });
    let webhooks = listen("webhooks", world.args.receiver_addr).await?;
    let serving = receiver::serve(webhooks, world.clone(), stop)?;
    tasks.spawn("webhooks", OnExit::StopProcess, serving);
    Ok(())
}

async fn listen(
    what: &str,
    address: std::net::SocketAddr,
) -> anyhow::Result<tokio::net::TcpListener> {
    let listening = tokio::net::TcpListener::bind(address).await;
    listening.with_context(|| format!("failed to serve {what} on {address}"))
}

/// Whom a change wakes.
type Woken = fn(&World, &capstan_cluster::Change);

fn watch(world: &World, tasks: &Tasks) {
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

fn reconcile(world: &World, tasks: &Tasks) {
    let (stop, concurrent) = (tasks.stop(), world.args.concurrent);
    let (shared, stopped) = (world.clone(), stop.clone());
    tasks.spawn("sources", OnExit::StopProcess, async move {
        let queue = shared.source_queue.clone();
        queue.run(concurrent, &stopped, |key| source::reconcile(shared.clone(), key)).await;
    });
    let (shared, stopped) = (world.clone(), stop.clone());
    tasks.spawn("generators", OnExit::StopProcess, async move {
        // Until the first lists are whole, a source could look absent.
        tokio::select! {
            () = shared.source_objects.synced() => {}
            () = stopped.cancelled() => {}
        }
        let queue = shared.generator_queue.clone();
        queue.run(concurrent, &stopped, |key| generator::reconcile(shared.clone(), key)).await;
    });
    let (shared, stopped) = (world.clone(), stop.clone());
    tasks.spawn("units", OnExit::StopProcess, async move {
        // Until the first lists are whole, a dependency or a source could look absent.
        let synced = async {
            shared.kustomizations.synced().await;
            shared.source_objects.synced().await;
        };
        tokio::select! {
            () = synced => {}
            () = stopped.cancelled() => {}
        }
        let queue = shared.unit_queue.clone();
        queue.run(concurrent, &stopped, |key| unit::reconcile(shared.clone(), key)).await;
    });
    let (shared, stopped) = (world.clone(), stop.clone());
    tasks.spawn("receivers", OnExit::StopProcess, async move {
        let queue = shared.receiver_queue.clone();
        queue.run(1, &stopped, |key| receiver::reconcile(shared.clone(), key)).await;
    });
    let (shared, stopped) = (world.clone(), stop.clone());
    tasks.spawn("what is not reconciled", OnExit::StopProcess, async move {
        let queue = shared.unreconciled_queue.clone();
        queue.run(1, &stopped, |place| unreconciled::report(shared.clone(), place)).await;
    });
}
