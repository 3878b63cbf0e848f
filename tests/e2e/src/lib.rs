//! The story from a push to a cluster that the hub created, as a library: the demo tells it, the tests check it.

pub mod bare;
pub mod calls;
pub mod crash;
pub mod door;
pub mod engine;
pub mod fleet;
pub mod install;
pub mod look;
pub mod network;
pub mod run;
pub mod shared;
pub mod stage;
pub mod story;
pub mod timeline;
pub mod usage;

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    tests.and_then(Path::parent).expect("tests/e2e lies two folders below the root").to_owned()
}
