//! Our builds against the real kustomize.

mod generate;
mod peer;
mod report;
mod shrink;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use capstan_build::Options;
use serde_json::Value;

use crate::case::{Case, Outcome};
use crate::random::Random;
use peer::{Peer, confirmed};

pub use peer::Programs;
pub use report::compared;

/// How long and how much.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which cases: the same seed gives the same ones, in the same order.
    pub seed: u64,
    /// The number of the first case.
    pub first: u64,
    /// The most cases.
    pub cases: u64,
    /// The most time; a case that has begun is finished.
    pub time: Duration,
    /// How many are compared side by side.
    pub threads: usize,
    /// It ends after as many differences.
    pub differences: usize,
}

/// A case for which the two differ, made small.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which case of the run it was.
    pub number: u64,
    /// What our build made of it.
    pub ours: Outcome,
    /// What kustomize's command line made of it.
    pub theirs: Outcome,
    /// It as a line of a suite of recorded cases.
    pub record: Value,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Cases that both built to the same bytes.
    pub built: u64,
    /// Cases that both refused.
    pub failed: u64,
    /// What kustomize said of those, only their ends, and how often: a generator that is refused too often tests little.
    pub refusals: BTreeMap<String, u64>,
    /// Cases for which they differ.
    pub differences: Vec<Difference>,
}

/// Compares until time, cases or patience end.
///
/// # Errors
/// When kustomize cannot be started.
pub fn run(programs: &Programs, run: &Run) -> Result<Summary> {
    let started = Instant::now();
    let next = AtomicU64::new(run.first);
    let summary = Mutex::new(Summary::default());
    let work = || -> Result<()> {
        let mut peer = Peer::new(programs);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let enough = lock(&summary).differences.len() >= run.differences;
            if enough || number >= run.first + run.cases || started.elapsed() >= run.time {
                return Ok(());
            }
            let case = generate::case(&mut Random::of(run.seed, number));
            let (ours, theirs) = (ours(&case), peer.build(&case)?);
            if ours.agrees(&theirs) {
                let mut summary = lock(&summary);
                match theirs {
                    Outcome::Built(_) => summary.built += 1,
                    Outcome::Failed(why) | Outcome::Panicked(why) => {
                        summary.failed += 1;
                        let why = ending(&why);
                        *summary.refusals.entry(why).or_default() += 1;
                    }
                }
            } else if let Some(found) = examine(programs, &mut peer, run.seed, number, &case)? {
                lock(&summary).differences.push(found);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..run.threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(summary.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The end of a message, which says most, without numbers.
fn ending(why: &str) -> String {
    let kept: Vec<char> = why.chars().filter(|c| !c.is_ascii_digit()).collect();
    kept[kept.len().saturating_sub(120)..].iter().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Makes a case small that differs, and asks the command line about it.
fn examine(
    programs: &Programs,
    peer: &mut Peer,
    seed: u64,
    number: u64,
    case: &Case,
) -> Result<Option<Difference>> {
    // What the server says may come from its files in memory: the command line has the last word.
    let (mine, real) = (ours(case), confirmed(programs, case)?);
    if mine.agrees(&real) {
        return Ok(None);
    }
    let sort = mine.sort(&real);
    let small = shrink::shrink(case, &mut |case| {
        let mine = ours(case);
        peer.build(case).is_ok_and(|theirs| !mine.agrees(&theirs) && mine.sort(&theirs) == sort)
    });
    let (mut small, mut mine, mut real) =
        (small.clone(), ours(&small), confirmed(programs, &small)?);
    if mine.agrees(&real) {
        (small, mine, real) = (case.clone(), ours(case), confirmed(programs, case)?);
    }
    let record = small.record(&format!("fuzz/{seed:x}/{number}"), &real);
    Ok(Some(Difference { number, ours: mine, theirs: real, record }))
}

/// What our build makes of a case.
fn ours(case: &Case) -> Outcome {
    let options = Options { legacy_order: case.legacy, ..Options::KUSTOMIZE };
    let built =
        catch_unwind(AssertUnwindSafe(|| capstan_build::render(&case.tree(), &case.path, options)));
    match built {
        Ok(Ok(text)) => Outcome::Built(text),
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(panic) => Outcome::Panicked(
            panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "without a word".to_owned()),
        ),
    }
}
