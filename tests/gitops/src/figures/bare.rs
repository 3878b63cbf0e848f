//! The same objects in bare calls, without an engine: what no engine can be faster than.

use anyhow::Result;
use capstan_kit::Parts;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{no_op, ready};
use crate::fleet::{kustomization, kustomization_of, objects, request, unit};
use crate::ground::{CONNECTIONS, Ground};
use crate::options::Name;
use crate::stopwatch::Stopwatch;
use crate::{Options, Sample};

/// Applies the objects of all units, each size on a control plane of its own; then asks Kustomizations that nobody reconciles.
pub(crate) async fn measure(parts: &Parts, options: &Options) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for units in [options.few, options.units].into_iter().chain(options.many) {
        let ground = Ground::prepare(parts, options).await?;
        let all = (0..units).flat_map(|number| objects(number, ground.namespaces)).collect();
        let stopwatch = Stopwatch::start(&ground, Vec::new()).await?;
        ground.apply(all).await?;
        let reading = stopwatch.read(&ready::figure(units)).await?;
        samples.push(Sample::time(Name::Bare, ready::figure(units), reading.wall));
        samples.push(Sample::time(Name::Bare, ready::server_figure(units), reading.server));
        if units == options.units {
            samples.extend(ask(&ground, units).await?);
        }
        ground.end(options.keep).await;
    }
    Ok(samples)
}

async fn ask(ground: &Ground, units: usize) -> Result<[Sample; 2]> {
    ground.apply((0..units).map(|number| kustomization_of(number, None)).collect()).await?;
    let stopwatch = Stopwatch::start(ground, Vec::new()).await?;
    request_all(ground, units, "now").await?;
    let reading = stopwatch.read(&no_op::figure(units)).await?;
    Ok([
        Sample::time(Name::Bare, no_op::figure(units), reading.wall),
        Sample::time(Name::Bare, no_op::server_figure(units), reading.server),
    ])
}

/// Asks every unit for a reconciliation.
pub(super) async fn request_all(ground: &Ground, units: usize, token: &str) -> Result<()> {
    let (cluster, kind) = (&ground.cluster, &kustomization());
    let asked = stream::iter((0..units).map(unit))
        .map(|name| async move { request(cluster, kind, &name, token).await });
    asked.buffer_unordered(CONNECTIONS).try_collect().await
}
