use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use capstan_e2e::story::{SPOKE, Story};
use capstan_e2e::timeline::{self, Timeline};

use crate::{cargo, kit};

/// Tells the story; with `to_the_end` until nothing is left, else until Ctrl-C.
pub(crate) fn run(to_the_end: bool) -> Result<()> {
    cargo::build_programs()?;
    kit::runtime()?.block_on(tell(to_the_end))
}

async fn tell(to_the_end: bool) -> Result<()> {
    let timeline = Arc::new(Timeline::start(timeline::print));
    let mut story = Story::begin(timeline).await?;
    story.push_fleet().await?;
    let spoke = story.cluster_connected().await?;
    story.application_ready(&spoke).await?;
    story.stage.order_was_kept()?;
    story.push_change(&spoke, "v1.1.0").await?;
    for cluster in [story.stage.kit.management(), &story.stage.kit.cluster(SPOKE)?] {
        show(cluster)?;
    }
    println!("\nLook around:\n{}\n", story.stage.kit.summary());
    println!("AWS answers at once, but for these simulated delays:\n{}\n", story.delays());
    if !to_the_end {
        println!("Ctrl-C ends it.");
        tokio::signal::ctrl_c().await.context("no signal handler")?;
        story.end().await;
        return Ok(());
    }
    story.management_away(&spoke).await?;
    story.remove_cluster().await?;
    story.remove_rest().await?;
    story.stage.order_was_kept()?;
    story.end().await;
    Ok(())
}

/// `capstan get all -A`, as a user would call it.
fn show(cluster: &capstan_kit::Cluster) -> Result<()> {
    let programs = std::env::current_exe()?;
    let capstan = programs.parent().context("this program lies in no folder")?.join("capstan");
    println!("\n$ capstan get all -A    # {}", cluster.name());
    let status = Command::new(capstan)
        .args(["get", "all", "-A"])
        .env("KUBECONFIG", cluster.kubeconfig())
        .current_dir(cargo::root())
        .status()
        .context("failed to run capstan")?;
    ensure!(status.success(), "capstan get failed");
    Ok(())
}
