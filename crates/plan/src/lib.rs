//! The planner: what to apply, in which order, and what to prune.
//!
//! [`plan`] turns the objects that a unit wants and the objects that it applied before into waves of
//! final objects and an ordered list of deletions. It is a function of its input: no I/O, no clock.
//! An executor may run a step, retry it, or stop; it has nothing left to decide.

mod edges;
mod error;
mod graph;
mod normalise;
mod order;
mod planner;
mod prune;
mod refs;
mod stages;
mod types;
/// The order of the units themselves: declared `dependsOn`, and the cycles in it.
pub mod units;

pub use error::{PlanError, PlanErrors};
pub use order::{Rank, flux_order};
pub use planner::plan;
pub use types::{
    ApplyMode, ApplyStep, Because, Edge, IgnoreRule, Input, InventoryEntry, Marks, Owner, Plan,
    PlanReport, PruneStep, Scope, Settings, Skipped, Wait, WaitCondition, Wave,
};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
