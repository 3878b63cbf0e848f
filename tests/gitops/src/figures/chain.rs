//! How long a chain of dependencies takes.

use std::time::Duration;

use anyhow::Result;
use capstan_bench::table::Target;

use super::PATIENCE;
use crate::fleet::{kustomization, kustomization_of, unit};
use crate::objects::{Objects, is_ready};
use crate::run::Subject;
use crate::sample::Sample;

/// How many units depend on one another.
pub(crate) const LENGTH: usize = 8;
const TARGET: Duration = Duration::from_secs(2);

/// Creates units that each depend on the one before, beside those that are there.
pub(crate) async fn measure(subject: &mut Subject, first: usize) -> Result<()> {
    let ground = &subject.ground;
    let mut watched = Objects::watch(&ground.cluster, kustomization(), "").await;
    let stopwatch = subject.stopwatch().await?;
    let numbers = first..first + LENGTH;
    let after = |number: usize| Some(number - 1).filter(|before| *before >= first);
    let chain = numbers.clone().map(|number| kustomization_of(number, after(number)));
    ground.apply(chain.collect()).await?;
    watched.until("units are not ready", numbers.map(unit), PATIENCE, is_ready).await?;
    let reading = stopwatch.read("chain").await?;
    let sample = Sample::time(subject.of, format!("chain of {LENGTH} dependencies"), reading.wall);
    subject.note(sample.target(within(TARGET)));
    Ok(())
}

/// A bound in wall time.
pub(super) fn within(time: Duration) -> Target {
    Target::Bound(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
