//! What a person sees while parts are built.

use std::path::Path;
use std::time::{Duration, Instant};

/// How often a running build says that it is still at it.
pub(super) const TICK: Duration = Duration::from_secs(15);

/// Counts the builds and times the running one.
#[derive(Debug)]
pub(super) struct Progress {
    total: usize,
    step: usize,
    began: Instant,
    name: &'static str,
}

#[expect(clippy::print_stderr, reason = "a person waits for this")]
impl Progress {
    pub(super) fn new(total: usize, cache: &Path) -> Self {
        if total > 0 {
            eprintln!(
                "kit: building {total} part(s) into {}; next time they are there",
                cache.display()
            );
        }
        Self { total, step: 0, began: Instant::now(), name: "" }
    }

    /// A part that came with another one.
    pub(super) fn skip(&mut self) {
        self.step += 1;
    }

    pub(super) fn step(&mut self, name: &'static str, version: &str, seconds: u32) {
        self.step += 1;
        self.began = Instant::now();
        self.name = name;
        eprintln!(
            "kit: {} of {}: {name} ({version}), about {seconds} s on two cores",
            self.step, self.total
        );
    }

    pub(super) fn tick(&self) {
        eprintln!("kit: {} of {}: {}: {} s", self.step, self.total, self.name, self.seconds());
    }

    pub(super) fn done(&self) {
        eprintln!(
            "kit: {} of {}: {}: built in {} s",
            self.step,
            self.total,
            self.name,
            self.seconds()
        );
    }

    fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }
}
