//! What the agent answers on.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::Context;
use capstan_cluster::Cluster;
use capstan_runtime::{OnExit, Readiness, Tasks, serve_health, serve_metrics};

use crate::receiver;
use crate::world::World;

/// Health, metrics and webhooks: also of an agent that does not lead, since whoever gets a webhook has to pass it on.
pub(crate) async fn serve(world: &World, unfenced: Cluster, tasks: &Tasks) -> anyhow::Result<()> {
    let stop = tasks.stop();
    let ready = Readiness::default();
    ready.set_ready();
    spawn(tasks, "health", serve_health(world.args.health_addr, ready, stop.clone()));
    let metrics = world.metrics.clone();
    spawn(tasks, "metrics", serve_metrics(world.args.metrics_addr, metrics, stop.clone()));
    let webhooks = listen("webhooks", world.args.receiver_addr).await?;
    let world = World { cluster: unfenced, ..world.clone() };
    let serving = receiver::serve(webhooks, world, stop.clone())?;
    tasks.spawn("webhooks", OnExit::StopProcess, serving);
    Ok(())
}

/// Artifacts: of who leads, since only he has them.
pub(crate) async fn serve_artifacts(world: &World, tasks: &Tasks) -> anyhow::Result<()> {
    let listener = listen("artifacts", world.args.storage_addr).await?;
    let router = capstan_store::router(&world.store);
    let stop = tasks.stop().clone();
    let serving = async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    };
    spawn(tasks, "artifacts", serving);
    Ok(())
}

fn spawn<E: std::error::Error + Send + 'static>(
    tasks: &Tasks,
    name: &'static str,
    serving: impl Future<Output = Result<(), E>> + Send + 'static,
) {
    tasks.spawn(name, OnExit::StopProcess, async move {
        if let Err(error) = serving.await {
            tracing::error!(error = %capstan_model::Chain(&error), name, "server failed");
        }
    });
}

async fn listen(what: &str, address: SocketAddr) -> anyhow::Result<tokio::net::TcpListener> {
    let listening = tokio::net::TcpListener::bind(address).await;
    listening.with_context(|| format!("failed to serve {what} on {address}"))
}
