//! GitOps engines side by side: Flux's controllers and our agent, one after the other, each on a fresh control plane with the
//! same objects.
#![expect(clippy::print_stderr, reason = "it takes an hour, and somebody watches")]

pub mod figures;
mod fleet;
mod ground;
mod objects;
pub mod options;
mod run;
mod sample;
mod stopwatch;

pub use options::Options;
pub use run::run;
pub use sample::{Sample, rows};
