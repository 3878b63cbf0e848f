//! Random texts for what reads text.

mod envsubst;
mod ignore;
mod json_patch;
mod yaml;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::random::Random;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The reader and the writer of YAML: what is written reads back.
    Yaml,
    /// JSON 6902 patches in a build: the same patch gives the same object, and failing changes nothing.
    JsonPatch,
    /// Variables in texts: without a dollar nothing happens.
    Envsubst,
    /// Ignore rules: comments change nothing, and the last word counts.
    Ignore,
}

/// A text for which something did not hold, made small.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the text in the run.
    pub number: u64,
    /// The text.
    pub text: String,
    /// What did not hold.
    pub why: String,
}

/// A kind of text, and what must hold for every one.
trait Subject: Sync {
    fn text(&self, random: &mut Random) -> String;
    fn check(&self, text: &str) -> Result<(), String>;
}

fn subject(target: Target) -> &'static dyn Subject {
    match target {
        Target::Yaml => &yaml::Yaml,
        Target::JsonPatch => &json_patch::JsonPatch,
        Target::Envsubst => &envsubst::Envsubst,
        Target::Ignore => &ignore::Ignore,
    }
}

/// Tries texts until the time ends or one fails. The same seed gives the same texts. The number is how many were good.
///
/// # Errors
/// The first text for which something does not hold.
pub fn run(target: Target, seed: u64, time: Duration) -> Result<u64, Failure> {
    let subject = subject(target);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < time {
        let text = subject.text(&mut Random::of(seed, number));
        if fault(subject, &text).is_some() {
            let text = small(subject, &text);
            let why = fault(subject, &text).unwrap_or_default();
            return Err(Failure { number, text, why });
        }
        number += 1;
    }
    Ok(number)
}

/// What does not hold for a text; a panic never does.
fn fault(subject: &dyn Subject, text: &str) -> Option<String> {
    let checked = catch_unwind(AssertUnwindSafe(|| subject.check(text)));
    match checked {
        Ok(checked) => checked.err(),
        Err(panic) => Some(format!("it panicked: {:?}", panic.downcast_ref::<String>())),
    }
}

/// The text with everything left out without which it still fails.
fn small(subject: &dyn Subject, text: &str) -> String {
    let mut best: Vec<char> = text.chars().collect();
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            if fault(subject, &shorter.iter().collect::<String>()).is_some() {
                best = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    best.into_iter().collect()
}

/// Pieces one after the other.
fn joined(random: &mut Random, pieces: &[&str], most: usize) -> String {
    (0..random.below(most)).map(|_| random.pick(pieces)).collect()
}
