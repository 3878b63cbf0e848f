//! What it costs to start again when nothing has changed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use capstan_e2e::calls::Calls;

use super::PATIENCE;
use super::rest::until_quiet;
use crate::ground::Ground;
use crate::run::Subject;
use crate::sample::Sample;

/// How soon it is looked again whether an engine has begun.
const LOOK: Duration = Duration::from_millis(100);

/// Ends the engine, starts it again and waits until it is quiet.
pub(crate) async fn measure(subject: Subject, units: usize) -> Result<Subject> {
    let lists = lists(&subject.ground).await?;
    let mut subject = subject.restart().await?;
    let start = Instant::now();
    let stopwatch = subject.stopwatch().await?;
    has_begun(&subject.ground, lists).await?;
    let quiet = until_quiet(&subject.running.process_ids()).await?;
    let figure = format!("restart with {units} units to quiet");
    let reading = stopwatch.read(&figure).await?;
    let of = subject.of;
    subject.note(Sample::time(of, figure.clone(), quiet - start));
    subject.note(Sample::time(of, format!("{figure}: engine CPU"), reading.engine));
    Ok(subject)
}

/// Waits until Kustomizations have been listed once more: an engine is quiet too before it begins.
async fn has_begun(ground: &Ground, before: u64) -> Result<()> {
    let start = Instant::now();
    while lists(ground).await? == before {
        ensure!(start.elapsed() < PATIENCE, "the engine does not begin");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// How often Kustomizations were listed so far.
async fn lists(ground: &Ground) -> Result<u64> {
    let calls = Calls::read(&ground.cluster).await?.0;
    let is_list = |resource: &str, verb: &str| resource == "kustomizations" && verb == "LIST";
    Ok(calls.iter().filter(|(c, _)| is_list(&c.resource, &c.verb)).map(|(_, count)| count).sum())
}
