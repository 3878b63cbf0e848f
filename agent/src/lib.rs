//! The agent: pulls, builds and applies in its cluster.
//!
//! It works alone: what it needs is in its cluster and in Git. When a hub made the cluster, it tells the hub how it is.

mod args;
mod aws;
mod follow;
mod generator;
mod heartbeat;
mod holders;
mod kinds;
mod lead;
mod managed;
mod observe;
mod owned;
mod ports;
mod receiver;
mod source;
mod staged;
mod unit;
mod unreconciled;
mod watches;
mod wiring;
mod world;

use clap::Parser;

pub use staged::Staged;

/// Runs the agent as the command line says, until it is told to stop.
///
/// # Errors
/// When the arguments do not fit together, no cluster is configured, or a port or folder cannot be used.
pub async fn run() -> anyhow::Result<()> {
    let args = args::Args::parse();
    args.check()?;
    let _telling = capstan_runtime::init_logging(
        "capstan-agent",
        args.log_encoding == "json",
        &args.log_level,
    );
    args.tell();
    wiring::run(args).await
}
