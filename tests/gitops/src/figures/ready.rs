//! How long a new fleet takes to be ready.

use anyhow::{Context, Result};
use capstan_bench::table::Target;

use super::PATIENCE;
use super::chain::LENGTH;
use crate::fleet::{self, SOURCE, git_repository, kustomization, kustomization_of, unit};
use crate::objects::{Objects, is_ready, is_ready_at};
use crate::run::Subject;
use crate::sample::{BARE, FLUX, Sample};

/// Pushes units, waits for the source, creates the Kustomizations and waits until all are ready.
pub(crate) async fn measure(subject: &mut Subject, units: usize) -> Result<()> {
    let ground = &subject.ground;
    let revision = fleet::push(&ground.repo, units + LENGTH, ground.namespaces).await?;
    let mut sources = Objects::watch(&ground.cluster, git_repository(), "").await;
    ground.apply(vec![fleet::source(&ground.repo)]).await?;
    sources
        .until("sources are not ready", [SOURCE.to_owned()], PATIENCE, is_ready)
        .await
        .context("is the engine well?")?;
    let mut watched = Objects::watch(&ground.cluster, kustomization(), "").await;
    let stopwatch = subject.stopwatch().await?;
    ground.apply((0..units).map(|number| kustomization_of(number, None)).collect()).await?;
    let is_done = |object: &_| is_ready_at(object, &revision);
    watched.until("units are not ready", (0..units).map(unit), PATIENCE, is_done).await?;
    let reading = stopwatch.read(&figure(units)).await?;

    let of = subject.of;
    let wall = Sample::time(of, figure(units), reading.wall);
    subject.note(wall.target(Target::Of(FLUX, 0.15)).target(Target::Of(BARE, 2.0)));
    let engine = Sample::time(of, format!("{}: engine CPU", figure(units)), reading.engine);
    subject.note(engine.target(Target::Of(FLUX, 0.1)));
    let server = Sample::time(of, server_figure(units), reading.server);
    subject.note(server.target(Target::Of(FLUX, 0.35)));
    Ok(())
}

pub(super) fn figure(units: usize) -> String {
    format!("{units} Kustomizations to ready")
}

pub(super) fn server_figure(units: usize) -> String {
    format!("{}: API server CPU", figure(units))
}
