use anyhow::Result;
use capstan_kit::{Kit, KitOptions, Part, Parts};
use clap::Subcommand;

use crate::cargo;

/// What to do with the kit.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Starts a management cluster, AWS and Git, and keeps them up until Ctrl-C.
    Up,
    /// Gets every part of the kit and starts nothing.
    Build,
}

pub(crate) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Build => build_parts(),
        Action::Up => {
            cargo::build_programs()?;
            runtime()?.block_on(up())
        }
    }
}

/// Every part, the peers too.
pub(crate) fn build_parts() -> Result<()> {
    Parts::find_or_build(&Part::ALL)?;
    // They may be had no longer; the test that needs them says then that it was skipped.
    if let Err(error) = Parts::find_or_build(&Part::FLUX_CONTROLLERS) {
        eprintln!("without Flux's controllers: {error:#}");
    }
    Ok(())
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn up() -> Result<()> {
    let kit = Kit::start(KitOptions::default()).await?;
    println!("{}\n\nCtrl-C ends it.", kit.summary());
    tokio::signal::ctrl_c().await?;
    kit.finish().await;
    Ok(())
}
