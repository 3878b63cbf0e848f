//! GitRepositories through the agent: every way in, every kind of revision, everything that a tree is put together from, and
//! what is said when it does not work.

mod composed;
mod providers;
mod signed;
mod ssh;
mod ways;
mod world;

use anyhow::{Result, ensure};
use capstan_e2e::stage::Stage;
use capstan_kit::KitOptions;
use futures::future::{BoxFuture, join_all};

/// A case and its name.
type Named<'a> = (&'static str, BoxFuture<'a, Result<()>>);

#[tokio::test(flavor = "multi_thread")]
async fn git_repositories_are_fetched_and_refused_as_flux_does() -> Result<()> {
    let stage = Stage::with_agent(KitOptions::default()).await?;
    let cases = [
        ways::cases(&stage),
        ssh::cases(&stage),
        signed::cases(&stage),
        composed::cases(&stage),
        providers::cases(&stage),
    ];
    let chosen = std::env::var("CASE").unwrap_or_default();
    let cases = cases.into_iter().flatten().filter(|(name, _)| name.contains(&chosen));
    let ended =
        join_all(cases.map(|(name, case): Named<'_>| async move { (name, case.await) })).await;
    let failed = ended.into_iter().filter_map(|(name, ended)| Some((name, ended.err()?)));
    let failed: Vec<_> = failed.map(|(name, error)| format!("{name}: {error:#}")).collect();
    ensure!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    stage.end().await;
    Ok(())
}
