//! Sources other than Git repositories, through the agent: what they serve is applied, and what is wrong with them is said
//! while the last good state stays.

mod bucket;
mod external;
mod generator;
mod oci;
mod source;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::{KitOptions, Part};
use futures::future::join_all;
use source::Named;

#[tokio::test(flavor = "multi_thread")]
async fn other_sources_are_applied_and_their_faults_are_said() -> Result<()> {
    let peers = vec![Part::Flux, Part::Registry];
    let stage = Stage::with_agent(KitOptions { peers, ..KitOptions::default() }).await?;
    let registry = oci::prepare(&stage).await?;
    let store = bucket::prepare(&stage).await?;
    let cases: [Vec<Named<'_>>; 4] = [
        oci::cases(&stage, &registry),
        bucket::cases(&stage, &store),
        external::cases(&stage),
        generator::cases(&stage, &store),
    ];
    let chosen = std::env::var("CASE").unwrap_or_default();
    let cases = cases.into_iter().flatten().filter(|(name, _)| name.contains(&chosen));
    let ended = join_all(cases.map(|(name, case)| async move { (name, case.await) })).await;
    let failed = ended.into_iter().filter_map(|(name, ended)| Some((name, ended.err()?)));
    let failed: Vec<_> = failed.map(|(name, error)| format!("{name}: {error:#}")).collect();
    ensure!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    stage.end().await;
    Ok(())
}
