//! What every long-lived process needs once: keyed queues, backoff, tasks with a kind, shutdown, health, logs, traces.
//!
//! A reconciler takes a key, never an event: a hint only wakes. Restart, failover and the happy path are one path.

mod backoff;
mod health;
mod logging;
mod metrics;
mod queue;
mod serve;
mod stop;
mod tasks;
mod traces;

pub use backoff::Backoff;
pub use health::{HealthError, Readiness, serve_health};
pub use logging::{Telling, init_logging};
pub use metrics::{Metrics, ObjectCount, serve_metrics};
pub use queue::{Next, Pace, Queue, run_id};
pub use serve::{Bounds, serve_bounded};
pub use stop::{Stop, stop_on_signals};
pub use tasks::{OnExit, Tasks};
