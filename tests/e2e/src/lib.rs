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

use std::path::PathBuf;

/// The root of the checkout.
pub fn root() -> PathBuf {
    // Looked for when it runs: a program that another checkout built may be taken from the cache.
    let here = std::env::current_dir().expect("there is a working directory");
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("this runs in the checkout").to_owned()
}
