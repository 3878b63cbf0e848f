//! What an engine needs when there is nothing to do.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use capstan_bench::table::{Target, Unit};

use super::PATIENCE;
use crate::Options;
use crate::run::Subject;
use crate::sample::Sample;
use capstan_e2e::usage::{Memory, processor_time};

/// An engine is quiet that uses less than a twentieth of a core for so long.
const QUIET: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(250);
/// 45 MiB.
const MEMORY: Target = Target::Bound(45 * 1024);
/// 3 mCPU.
const CORES: Target = Target::Bound(3_000);

/// Waits until the engine is quiet, then watches it for a while.
pub(crate) async fn measure(subject: &mut Subject, options: &Options) -> Result<()> {
    until_quiet(&subject.running.process_ids()).await?;
    let stopwatch = subject.stopwatch().await?;
    tokio::time::sleep(Duration::from_secs(options.rest)).await;
    let reading = stopwatch.read("at rest").await?;
    let memory = Memory::of(&subject.running.process_ids())?;
    let millionths = reading.engine.as_nanos() * 1_000_000 / reading.wall.as_nanos().max(1);
    let (of, few) = (subject.of, options.few);
    let memory = Sample::new(of, format!("memory after {few} units"), Unit::Memory, memory.now);
    subject.note(memory.target(MEMORY));
    let cores = u64::try_from(millionths).unwrap_or(u64::MAX);
    let cores = Sample::new(of, format!("use at rest with {few} units"), Unit::Cores, cores);
    subject.note(cores.target(CORES));
    Ok(())
}

/// Waits until an engine is quiet; gives the moment since which it is.
pub(super) async fn until_quiet(processes: &[u32]) -> Result<Instant> {
    let end = Instant::now() + PATIENCE;
    let (mut since, mut before) = (Instant::now(), processor_time(processes)?);
    while Instant::now() < end {
        tokio::time::sleep(LOOK).await;
        let used = processor_time(processes)?;
        if used - before > QUIET / 20 {
            (since, before) = (Instant::now(), used);
        } else if since.elapsed() >= QUIET {
            return Ok(since);
        }
    }
    bail!("the engine is not quiet after {PATIENCE:?}")
}
