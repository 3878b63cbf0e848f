//! What is measured, a file each.

pub(crate) mod bare;
pub(crate) mod chain;
pub(crate) mod deleted;
pub(crate) mod memory;
pub(crate) mod no_op;
pub(crate) mod push;
pub(crate) mod ready;
pub(crate) mod rest;
pub(crate) mod restart;

use std::time::Duration;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1200);
