//! The command lines against a live agent: Flux's own, as its users know it, and ours.

mod capstan;
mod fleet;
mod flux;
mod services;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::{KitOptions, Part};

/// One kit for both: each has a repository and objects of its own.
#[tokio::test(flavor = "multi_thread")]
async fn flux_and_capstan_work_against_the_agent() -> Result<()> {
    let options = KitOptions { peers: vec![Part::Flux], ..KitOptions::default() };
    let stage = Stage::with_agent(options).await?;
    let (flux, capstan) = tokio::join!(flux::story(&stage), capstan::story(&stage));
    let failed: Vec<String> = [("flux", flux), ("capstan", capstan)]
        .into_iter()
        .filter_map(|(who, told)| Some(format!("{who}: {:#}", told.err()?)))
        .collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    stage.end().await;
    Ok(())
}
