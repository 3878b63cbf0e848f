//! Executes a plan on a cluster: in the order of its graph, with waits and outcomes.
//!
//! Guarantees: every step that can run is run and recorded, also when another fails; nothing is decided here that the plan
//! left open; each step may be repeated. Only the types of a plan are used, never the planner.

mod cleanup;
mod compare;
mod graph;
mod known;
mod live;
mod outcome;
mod prune;
mod run;
mod step;

pub use compare::{Difference, compare};
pub use known::Known;
pub use live::{Live, Unwatched};
pub use outcome::{Action, Applied, FailureCause, Outcome, Pruned, StepFailure};
pub use prune::prune;
pub use run::apply;

/// How many objects of a plan are sent at once: enough to hide a round trip, few enough to be fair to other units.
const PARALLEL: usize = 8;
