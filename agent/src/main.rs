//! The agent: pulls, builds and applies in its cluster.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    capstan_agent::run().await
}
