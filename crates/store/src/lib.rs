//! Artifacts: Flux's tar.gz over HTTP, and source trees from archives and directories.
//!
//! [`pack`] turns a tree into the same bytes on every machine; [`Store`] keeps them in a folder, the
//! newest two of each source; [`router`] serves them to whoever reads `status.artifact.url`. The
//! engine itself reads trees and never these files: losing the folder costs a repack. [`unpack`] reads such an archive
//! of somebody else, [`Folder`] a directory.

mod directory;
mod error;
mod pack;
mod serve;
mod store;
mod unpack;

pub use directory::Folder;
pub use error::StoreError;
pub use pack::{Packed, pack};
pub use serve::router;
pub use store::{Published, Store};
pub use unpack::{Unpack, unpack};

#[cfg(test)]
mod tests;
