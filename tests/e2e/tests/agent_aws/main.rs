//! What the agent has of AWS, as whom it asks for it, and what it says when AWS refuses.

mod account;
mod bucket;
mod ecr;
mod eks;
mod kms;
mod source;
mod unit;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::{KitOptions, Part};
use futures::future::{BoxFuture, join_all};

/// A case and its name.
type Named<'a> = (&'static str, BoxFuture<'a, Result<()>>);

#[tokio::test(flavor = "multi_thread")]
async fn aws_is_asked_as_whom_an_object_names() -> Result<()> {
    let options = KitOptions { peers: vec![Part::Registry], ..KitOptions::default() };
    let gate = ["--feature-gates=ObjectLevelWorkloadIdentity=true"];
    let stage = Stage::with_agent_and(options, &gate).await?;
    unit::prepare(&stage).await?;
    let registry = ecr::prepare(&stage).await?;
    let cases: [Vec<Named<'_>>; 4] = [
        kms::cases(&stage),
        eks::cases(&stage),
        ecr::cases(&stage, &registry),
        bucket::cases(&stage),
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
