//! The whole story without a person, with assertions on what is in the clusters and in AWS.

use std::sync::Arc;

use capstan_e2e::story::Story;
use capstan_e2e::timeline::{self, Timeline};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_reaches_a_cluster_that_the_hub_created() -> anyhow::Result<()> {
    let timeline = Arc::new(Timeline::start(timeline::print));
    let mut story = Story::begin(timeline).await?;
    story.push_fleet().await?;
    let spoke = story.cluster_connected().await?;
    story.application_ready(&spoke).await?;
    story.stage.order_was_kept()?;
    story.push_change(&spoke, "v1.1.0").await?;
    story.management_away(&spoke).await?;
    story.remove_cluster().await?;
    story.remove_rest().await?;
    story.stage.order_was_kept()?;
    story.end().await;
    Ok(())
}
