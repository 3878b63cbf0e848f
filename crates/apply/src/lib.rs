//! Executes a plan on a cluster: waves, waits, outcomes.
//!
//! Guarantees: every step that can run is run and recorded, also when another fails; nothing is decided here that the plan
//! left open; each step may be repeated. Only the types of a plan are used, never the planner.

mod outcome;
mod prune;
mod step;
mod waves;

pub use outcome::{Action, Applied, FailureCause, Known, Outcome, Pruned, StepFailure};
pub use prune::prune;
pub use waves::apply;

/// How many objects of a wave are sent at once: enough to hide a round trip, few enough to be fair to other units.
const PARALLEL: usize = 8;
