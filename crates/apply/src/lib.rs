//! Executes a plan on a cluster: waves, waits, outcomes.
//!
//! Guarantees: every step that can run is run and recorded, also when another fails; nothing is decided here that the plan
//! left open; each step may be repeated. Only the types of a plan are used, never the planner.

mod cleanup;
mod compare;
mod known;
mod live;
mod outcome;
mod prune;
mod step;
mod waves;

pub use compare::{Difference, compare};
pub use known::Known;
pub use live::{Live, Unwatched};
pub use outcome::{Action, Applied, FailureCause, Outcome, Pruned, StepFailure};
pub use prune::prune;
pub use waves::apply;

/// How many objects of a wave are sent at once: enough to hide a round trip, few enough to be fair to other units.
const PARALLEL: usize = 8;
