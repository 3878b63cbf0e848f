//! What an ArtifactGenerator makes of its sources: trees, copied together as `cp` would, by the rules of Flux's source-watcher.

mod copy;
mod error;
mod glob;
mod merge;
mod pattern;
mod validate;

pub use copy::{Sources, Unpacker, build};
pub use error::GenerateError;
pub use pattern::{Wanted, wanted};
pub use validate::validate;
