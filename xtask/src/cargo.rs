use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    // Asked when it runs: a program that another checkout built may be taken from the cache.
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs xtask"));
    own.parent().expect("xtask lies in the root").to_owned()
}

/// The cargo that runs us.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// The programs of the workspace, built in the one spelling that shares its dependencies with everything else; their folder.
pub(crate) fn build_programs() -> Result<PathBuf> {
    let mut cargo = command();
    cargo.args(["build", "--workspace", "--bins"]);
    ensure!(cargo.status().context("failed to run cargo")?.success(), "cargo build failed");
    let own = std::env::current_exe().context("this program has no path")?;
    Ok(own.parent().context("this program lies in no folder")?.to_owned())
}
