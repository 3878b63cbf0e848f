//! Commits, drift, crashes, outages and a unit that fails among healthy ones: nothing is lost, and memory stays flat.
#![expect(clippy::print_stderr, reason = "a soak says which one it is")]

mod fleet;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use capstan_e2e::bare::Bare;
use capstan_e2e::engine::{Capstan, Place, Running};
use capstan_e2e::usage::Memory;
use capstan_kit::Parts;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use fleet::Fleet;

/// How long the short one takes.
const SHORT: Duration = Duration::from_secs(15);
/// How long the long one takes, unless this variable says another number of seconds.
const LONG: Duration = Duration::from_secs(3600);
const SECONDS: &str = "CAPSTAN_SOAK_SECONDS";
/// Repeats the choices of another soak.
const SEED: &str = "CAPSTAN_SOAK_SEED";
/// Memory may grow by so much between the first and the last part of a process' life: what allocators keep.
const GROWTH_KIB: u64 = 6 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_short_while_of_everything_loses_nothing() -> Result<()> {
    soak(SHORT).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: an hour of commits, drift, crashes and outages"]
async fn an_hour_of_everything_loses_nothing_and_takes_no_more_memory() -> Result<()> {
    let length = number(SECONDS).map_or(LONG, Duration::from_secs);
    let memory = soak(length).await?;
    let quarter = memory.len() / 4;
    ensure!(quarter > 0, "only {} looks at the memory", memory.len());
    let (first, last) = (median(&memory[..quarter]), median(&memory[memory.len() - quarter..]));
    eprintln!("memory: {first} KiB at first, {last} KiB at last, {} rounds", memory.len());
    ensure!(last <= first + GROWTH_KIB, "memory grew from {first} KiB to {last} KiB: {memory:?}");
    Ok(())
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Does all sorts of things to a fleet and its agent for a while. Gives the resident memory after each round of the second
/// half, in which one process lives on.
async fn soak(length: Duration) -> Result<Vec<u64>> {
    let seed = number(SEED).unwrap_or_else(rand::random);
    eprintln!("soak: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let parts = Parts::get(&Bare::PARTS).await?;
    let bare = Bare::start(&parts).await?;
    let mut fleet = Fleet::begin(&bare).await?;
    let mut agent = Agent::start(bare.place(8)?)?;
    fleet.settles().await.context("at first")?;
    let (begin, mut memory) = (Instant::now(), Vec::new());
    let mut round = 0;
    while begin.elapsed() < length {
        round += 1;
        let is_rough = begin.elapsed() < length / 2;
        for _ in 0..random.random_range(1..=4) {
            match random.random_range(0..if is_rough { 12 } else { 9 }) {
                0..=3 => fleet.commits(&mut random).await?,
                4..=5 => fleet.is_edited(&mut random).await?,
                6..=7 => fleet.loses_an_object(&mut random).await?,
                8 => fleet.breaks_or_mends().await?,
                9..=10 => agent.crashes()?,
                _ => fleet.loses_its_api_server().await?,
            }
        }
        agent.running()?.check()?;
        fleet.settles().await.with_context(|| format!("round {round} of {SEED}={seed}"))?;
        if !is_rough {
            memory.push(Memory::of(&agent.running()?.process_ids())?.now);
        }
    }
    agent.stops().await?;
    bare.end(false).await;
    Ok(memory)
}

/// The agent, which may crash.
struct Agent {
    capstan: Capstan,
    place: Place,
    running: Option<Running>,
}

impl Agent {
    fn start(place: Place) -> Result<Self> {
        let capstan = Capstan::new()?;
        let running = Some(Running::start(&capstan, &place)?);
        Ok(Self { capstan, place, running })
    }

    fn running(&self) -> Result<&Running> {
        self.running.as_ref().context("no agent runs")
    }

    /// Is killed wherever it is, and started again.
    fn crashes(&mut self) -> Result<()> {
        self.running = None;
        self.running = Some(Running::start(&self.capstan, &self.place)?);
        Ok(())
    }

    async fn stops(mut self) -> Result<()> {
        let running = self.running.take().context("no agent runs")?;
        running.check()?;
        running.stop().await;
        Ok(())
    }
}
