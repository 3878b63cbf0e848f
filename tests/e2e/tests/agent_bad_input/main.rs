//! Bad input to the agent: each case ends in a condition that says what, where and what next; the last good state stays; the
//! neighbours go on; nothing panics and nothing secret is printed; and when the input is mended, all is well by itself.

mod builds;
mod case;
mod decryption;
mod dependencies;
mod drift;
mod expressions;
mod health;
mod leaks;
mod pruning;
mod receivers;
mod rejections;
mod sources;
mod targets;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::KitOptions;
use futures::future::{BoxFuture, join_all};

/// A case and its name.
type Named<'a> = (&'static str, BoxFuture<'a, Result<()>>);

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_ends_in_a_condition_and_harms_nobody() -> Result<()> {
    let stage = Stage::with_agent(KitOptions::default()).await?;
    case::prepare(&stage).await?;
    let cases = [
        sources::cases(&stage),
        builds::cases(&stage),
        rejections::cases(&stage),
        targets::cases(&stage),
        dependencies::cases(&stage),
        decryption::cases(&stage),
        drift::cases(&stage),
        expressions::cases(&stage),
        health::cases(&stage),
        receivers::cases(&stage),
        pruning::cases(&stage),
        leaks::cases(&stage),
    ];
    let failed = run(cases.into_iter().flatten()).await;
    ensure!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    leaks::nothing_was_printed(&stage).await?;
    stage.end().await;
    Ok(())
}

/// Runs all cases side by side, to the end of each; `CASE` chooses those whose names contain it.
async fn run<'a>(cases: impl Iterator<Item = Named<'a>>) -> Vec<String> {
    let chosen = std::env::var("CASE").unwrap_or_default();
    let cases = cases.filter(|(name, _)| name.contains(&chosen));
    let ended = join_all(cases.map(|(name, case)| async move { (name, case.await) })).await;
    let failed = ended.into_iter().filter_map(|(name, ended)| Some((name, ended.err()?)));
    failed.map(|(name, error)| format!("{name}: {error:#}")).collect()
}
