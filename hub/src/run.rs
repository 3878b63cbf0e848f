//! Wiring: what runs beside what, from start to stop.

use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_cluster::Cluster;
use capstan_model::NamespacedName;
use capstan_provision::Options;
use capstan_runtime::{OnExit, Readiness, Stop, Tasks, serve_health, stop_on_signals};

use crate::args::Args;
use crate::spoke::identity::HubEndpoint;
use crate::world::World;
use crate::{claim, composite, definition, kinds, spoke};

/// Runs until SIGTERM.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let Args {
        health_addr,
        aws_service_account,
        aws_visibility_window,
        api_server_url,
        runtime_namespace,
        concurrent,
        print_crds: _,
        log_level: _,
        log_encoding: _,
    } = args;
    let config = kube::Config::infer()
        .await
        .context("no cluster is configured: set KUBECONFIG, or run in a pod")?;
    let endpoint = HubEndpoint {
        url: api_server_url.unwrap_or_else(|| config.cluster_url.to_string()),
        ca_pem: config.root_cert.as_deref().map(pem),
    };
    let cluster = Cluster::from_config(config)?;
    let stop = Stop::new();
    let tasks = Tasks::new(stop.clone());
    let mut options = Options::new(cluster.clone(), capstan_kinds::all());
    let (namespace, name) = aws_service_account;
    options.aws_service_account = NamespacedName::new(namespace, name);
    options.visibility_window = aws_visibility_window.0;
    let world = Arc::new(World::new(cluster, runtime_namespace, endpoint, tasks.clone()));
    let ready = Readiness::default();
    let health = serve_health(health_addr, ready.clone(), stop.clone());
    tasks.spawn("health", OnExit::StopProcess, async move {
        if let Err(error) = health.await {
            tracing::error!(error = %capstan_model::Chain(&error), "no health endpoints");
        }
    });
    tasks.spawn("signals", OnExit::Nothing, stop_on_signals(stop.clone()));
    let managed = capstan_provision::run(options, stop.clone());
    tasks.spawn("managed resources", OnExit::StopProcess, managed);
    world.watch_from_start();
    spawn_queues(&world, concurrent);
    let watched = Arc::clone(&world);
    tasks.spawn("readiness", OnExit::Nothing, async move {
        watched.watch(&kinds::definition()).synced().await;
        watched.watch(&kinds::spoke()).synced().await;
        ready.set_ready();
        tracing::info!("the hub is ready");
    });
    stop.cancelled().await;
    tasks.join().await;
    Ok(())
}

fn spawn_queues(world: &Arc<World>, concurrent: usize) {
    macro_rules! spawn {
        ($name:literal, $queue:ident, $reconcile:path) => {{
            let (run, world) = (world.queues.$queue.clone(), Arc::clone(world));
            let (stop, tasks) = (world.tasks.stop().clone(), world.tasks.clone());
            tasks.spawn($name, OnExit::StopProcess, async move {
                run.run(concurrent, &stop, |key| $reconcile(Arc::clone(&world), key)).await;
            });
        }};
    }
    spawn!("definitions", definitions, definition::reconcile);
    spawn!("composites", composites, composite::reconcile);
    spawn!("claims", claims, claim::reconcile);
    spawn!("spokes", spokes, spoke::reconcile);
}

/// Certificates in DER as one PEM text.
fn pem(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = BASE64_STANDARD.encode(certificate);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = tail;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn certificates_are_wrapped_as_pem() {
        let text = pem(&[vec![0; 60], vec![1]]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        assert_eq!((lines[1].len(), lines[2].len()), (64, 16));
        assert_eq!(lines.len(), 7);
    }
}
