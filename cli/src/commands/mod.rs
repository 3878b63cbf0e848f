//! One file a command.

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod envsubst;
pub(crate) mod get;
pub(crate) mod reconcile;
pub(crate) mod suspend;
mod target;
pub(crate) mod version;
