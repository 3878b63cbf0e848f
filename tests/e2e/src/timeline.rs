//! What happened when, for the demo's reader.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Tells a moment on stdout, a line each.
#[expect(
    clippy::print_stdout,
    reason = "the demo's reader reads it, and a test shows it when it fails"
)]
pub fn print(at: Duration, what: &str) {
    println!("{:>8.3} s  {what}", at.as_secs_f64());
}

/// Moments since the start.
#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    moments: Mutex<Vec<(Duration, String)>>,
    tell: fn(Duration, &str),
}

impl Timeline {
    /// A timeline that begins now; `tell` hears of each moment as it comes.
    pub fn start(tell: fn(Duration, &str)) -> Self {
        Self { start: Instant::now(), moments: Mutex::default(), tell }
    }

    /// Something happened.
    pub fn note(&self, what: impl Into<String>) {
        let (at, what) = (self.start.elapsed(), what.into());
        (self.tell)(at, &what);
        self.moments.lock().expect("no holder of this lock can panic").push((at, what));
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// All moments so far.
    pub fn moments(&self) -> Vec<(Duration, String)> {
        self.moments.lock().expect("no holder of this lock can panic").clone()
    }
}
