//! Artifacts: Flux's tar.gz over HTTP, and source trees from a directory.
//!
//! [`pack`] turns a tree into the same bytes on every machine; [`Store`] keeps them in a folder, the
//! newest two of each source; [`router`] serves them to whoever reads `status.artifact.url`. The
//! engine itself reads trees and never these files: losing the folder costs a repack.

mod directory;
mod error;
mod pack;
mod serve;
mod store;

pub use directory::read_dir;
pub use error::StoreError;
pub use pack::{Packed, pack};
pub use serve::router;
pub use store::{Published, Store};

#[cfg(test)]
mod tests;
