//! A simulated API server, and the agent on it.
//!
//! [`api`] answers requests as an API server does, for the kinds that the agent uses; what it leaves out, it says itself.
//! [`Door`] is the way to it, with faults that a seed chooses. [`Fleet`] is what ought to be, [`run()`] lets the agent loose
//! on it: revisions, drift, faults and crashes, all by a seed, on a clock that jumps to the next thing that happens. Every
//! write of the agent is judged at once; in the end, without faults, all must be as it ought to be, and stay so.
//!
//! A seed chooses the schedule, and the fate of each request by what is asked and how often it was asked before. The order
//! in which the agent's tasks run is its own: a seed repeats what happens to it, and almost always what it does.

pub mod api;
mod chance;
mod door;
mod fleet;
mod judge;
mod plan;
mod run;
mod shared;
mod stage;
mod watch;

pub use chance::Chance;
pub use door::{CrashPoint, Door, Faults};
pub use fleet::{Fleet, NAMESPACE, Revision, Unit, Wanted};
pub use plan::{Plan, Step};
pub use run::{Ended, run};
pub use shared::Shared;
