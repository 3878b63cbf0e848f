//! Builds over and over in one process.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use capstan_build::{Options, Overlay};
use capstan_tree::MemTree;
use sha2::{Digest as _, Sha256};

use crate::report::Report;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often everything is built.
    pub rounds: usize,
    /// How many threads share a round.
    pub threads: usize,
    /// Print YAML too, within the time.
    pub yaml: bool,
}

/// What one build gave.
struct Built {
    nanos: u64,
    objects: usize,
    bytes: usize,
    /// SHA-256 of the text, in the first round.
    digest: Vec<u8>,
}

/// Builds every directory of a tree, round after round.
///
/// # Errors
/// When a build fails, or the kernel does not tell how much memory was used.
pub fn run(tree: &MemTree, directories: &[String], plan: Plan) -> Result<Report> {
    let mut report = Report::default();
    for number in 0..plan.rounds {
        let began = Instant::now();
        let mut built = round(tree, directories, plan, number == 0)?;
        report.round_nanos.push(nanos(began));
        built.sort_unstable_by_key(|(at, _)| *at);
        report.call_nanos.extend(built.iter().map(|(_, one)| one.nanos));
        if number == 0 {
            report.objects = built.iter().map(|(_, one)| one.objects).sum();
            report.bytes = built.iter().map(|(_, one)| one.bytes).sum();
            let digests =
                built.iter().fold(Sha256::new(), |all, (_, one)| all.chain_update(&one.digest));
            report.digest = hex::encode(digests.finalize());
        }
    }
    report.peak_kilobytes = peak()?;
    Ok(report)
}

/// One round: what each directory gave, by its place in the list.
fn round(
    tree: &MemTree,
    directories: &[String],
    plan: Plan,
    is_first: bool,
) -> Result<Vec<(usize, Built)>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut built = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(directory) = directories.get(at) else { return Ok(built) };
            let one = call(tree, directory, plan.yaml, is_first);
            built.push((at, one.with_context(|| directory.clone())?));
        }
    };
    if plan.threads < 2 {
        return work();
    }
    thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow!("a build panicked"))??);
        }
        Ok(all)
    })
}

fn call(tree: &MemTree, directory: &str, yaml: bool, is_first: bool) -> Result<Built> {
    let began = Instant::now();
    let (mut objects, mut text) = (0, String::new());
    if yaml {
        text = capstan_build::render(tree, directory, Options::KUSTOMIZE)?;
    } else {
        let overlay = Overlay::default();
        objects = capstan_build::build(tree, directory, &overlay, Options::KUSTOMIZE)?.len();
    }
    let nanos = nanos(began);
    let digest = if is_first { Sha256::digest(&text).to_vec() } else { Vec::new() };
    Ok(Built { nanos, objects, bytes: text.len(), digest })
}

pub(crate) fn nanos(began: Instant) -> u64 {
    began.elapsed().as_nanos().try_into().unwrap_or(u64::MAX)
}

/// The high water mark of this process, from the kernel, in kilobytes.
pub(crate) fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.context("/proc/self/status has no VmHWM")
}
