//! Flux's command line, every verb of it, against Flux's controllers and against our agent: it must say the same.
#![expect(clippy::print_stdout, reason = "a test says that it was skipped")]

mod differences;
mod files;
mod help;
mod side;
mod table;
mod told;
mod world;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use capstan_e2e::look::{kind, wait_gone};
use capstan_e2e::stage::PATIENCE;
use capstan_kit::Parts;
use capstan_model::GroupVersionKind;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::iter;

use differences::ALLOWED;
use table::{BUILDS, LAST, LOOKS, REGISTRY, Step, Track, WRITES};
use told::Told;
use world::{PARTS, World, both};

/// So many command lines that change nothing run at once on each side.
const AT_ONCE: usize = 4;

/// So many command lines that change nothing are a sample.
const SAMPLE: usize = 24;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: minutes, and its command lines have short deadlines that a busy machine misses"]
async fn the_flux_command_line_says_the_same_of_both_engines() -> Result<()> {
    let chosen = std::env::var("CASE").unwrap_or_default();
    let tracks = WRITES.iter().chain([&REGISTRY, &BUILDS, &LAST]);
    compare(Choice {
        looks: LOOKS.iter().copied().filter(|line| line.contains(&chosen)).collect(),
        tracks: tracks.filter(|track| track.name.contains(&chosen)).collect(),
        is_whole: chosen.is_empty(),
    })
    .await
}

/// Each commit has command lines of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_says_the_same_of_both_engines() -> Result<()> {
    let seed = usize::try_from(capstan_kit::seed_of_commit() % 1_000_000).expect("it is small");
    let tracks: Vec<_> = WRITES.iter().chain([&REGISTRY, &BUILDS]).collect();
    let begin = seed % LOOKS.len();
    compare(Choice {
        looks: LOOKS.iter().copied().cycle().skip(begin).take(SAMPLE).collect(),
        tracks: vec![tracks[seed % tracks.len()]],
        is_whole: false,
    })
    .await
}

/// What is compared.
struct Choice {
    looks: Vec<&'static str>,
    tracks: Vec<&'static Track>,
    /// Is it all that there is?
    is_whole: bool,
}

async fn compare(Choice { looks, tracks, is_whole }: Choice) -> Result<()> {
    let parts = match Parts::get(&PARTS).await {
        Ok(parts) => parts,
        Err(error) => {
            println!("SKIPPED the verbs of flux: {error:#}");
            return Ok(());
        }
    };
    let world = World::start(&parts).await?;
    let compared = Compared { world: &world, seen: Mutex::default(), found: Mutex::default() };
    iter(looks).for_each_concurrent(AT_ONCE, |line| compared.step(Step::Run(line))).await;
    let (last, others): (Vec<_>, Vec<_>) =
        tracks.into_iter().partition(|track| track.name == LAST.name);
    join_all(others.into_iter().map(|track| compared.track(track))).await;
    for track in last {
        compared.track(track).await;
    }
    compared.judge(is_whole)?;
    world.end().await;
    Ok(())
}

/// What was found so far.
struct Compared<'a> {
    world: &'a World,
    /// The allowed differences that were seen, by their place.
    seen: Mutex<BTreeSet<usize>>,
    /// What differs, and must not.
    found: Mutex<Vec<String>>,
}

impl Compared<'_> {
    async fn track(&self, track: &Track) {
        for step in track.steps {
            self.step(*step).await;
        }
    }

    async fn step(&self, step: Step) {
        let done = match step {
            Step::Run(line) => self.run(line, "").await,
            Step::Feed(line, input) => self.run(line, input).await,
            Step::Alone(line, expected) => self.alone(line, expected).await,
            Step::Push(repo, path, text) => self.world.push(repo, path, text).await,
            Step::Put(bucket, key, text) => self.world.put(bucket, key, text).await,
            Step::Gone(version, name_of_kind, namespace, name) => {
                let gvk = kind(version, name_of_kind);
                let [flux, capstan] = self.world.sides();
                let place = (namespace, name);
                let both = tokio::try_join!(
                    wait_gone(&flux.cluster, &gvk, place, PATIENCE),
                    wait_gone(&capstan.cluster, &gvk, place, PATIENCE)
                );
                both.map(|_| ())
            }
            Step::There(version, name_of_kind, namespace, name) => {
                self.there(&kind(version, name_of_kind), (namespace, name)).await
            }
        };
        if let Err(error) = done {
            lock(&self.found).push(format!("{step:?}: {error:#}"));
        }
    }

    /// Runs a command line on both sides, and compares.
    async fn run(&self, line: &'static str, input: &str) -> Result<()> {
        let [flux, capstan] = both(self.world, line, input).await?;
        self.world.keep(line, [&flux.to_string(), &capstan.to_string()])?;
        let home = |number: usize| self.world.sides()[number].flux.home().display().to_string();
        let mut theirs = Told::read(&flux, &home(0), line)?;
        let mut ours = Told::read(&capstan, &home(1), line)?;
        for (number, allowed) in ALLOWED.iter().enumerate() {
            if !regex::Regex::new(allowed.on)?.is_match(line) {
                continue;
            }
            let there = allowed.flux.map(|pattern| theirs.allow(pattern, allowed)).transpose()?;
            let here = allowed.capstan.map(|pattern| ours.allow(pattern, allowed)).transpose()?;
            if there == Some(true) || here == Some(true) {
                lock(&self.seen).insert(number);
            }
        }
        ensure!(theirs.lines == ours.lines, "\n{}", difference(&theirs.lines, &ours.lines));
        Ok(())
    }

    /// Runs a command line against the agent alone.
    async fn alone(&self, line: &str, expected: &str) -> Result<()> {
        let said = self.world.capstan.flux.succeeds(&self.world.filled(line)).await?;
        ensure!(said.out.contains(expected) || said.err.contains(expected), "{said}");
        Ok(())
    }

    async fn there(&self, gvk: &GroupVersionKind, (namespace, name): (&str, &str)) -> Result<()> {
        for side in self.world.sides() {
            let found = side.cluster.get(gvk, namespace, name).await?;
            let stays = found.is_some_and(|object| !object.is_deleting());
            ensure!(stays, "{}: {} {namespace}/{name} is gone", side.engine.name(), gvk.kind);
        }
        Ok(())
    }

    fn judge(&self, whole: bool) -> Result<()> {
        let mut found = lock(&self.found).clone();
        let seen = lock(&self.seen);
        let unseen = ALLOWED.iter().enumerate().filter(|(number, _)| !seen.contains(number));
        if whole {
            found.extend(unseen.map(|(_, one)| format!("allowed and not seen: {one:?}")));
        }
        ensure!(
            found.is_empty(),
            "{} command lines differ:\n\n{}",
            found.len(),
            found.join("\n\n")
        );
        Ok(())
    }
}

/// The lines that only one of the two said.
fn difference(theirs: &[String], ours: &[String]) -> String {
    let only = |of: &[String], not: &[String], sign: &str| -> Vec<String> {
        of.iter().filter(|line| !not.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = only(theirs, ours, "flux    ");
    lines.extend(only(ours, theirs, "capstan "));
    if lines.is_empty() {
        lines = vec![format!("the same lines in another order:\n{theirs:#?}\n{ours:#?}")];
    }
    lines.join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
