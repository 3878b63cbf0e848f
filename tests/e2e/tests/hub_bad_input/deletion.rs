//! Deletion: what is needed waits and says by whom, what shall stay stays.

use anyhow::{Result, ensure};
use capstan_e2e::network;
use capstan_e2e::stage::Stage;
use serde_json::json;

use crate::aws::{of, role_is_there};
use crate::objects::{role, subnet, vpc, with};

/// A VPC whose deletion waits for a subnet that nobody deletes, for as long as other cases last.
pub(crate) struct Waiting(());

pub(crate) async fn begin(stage: &Stage) -> Result<Waiting> {
    stage.put(vpc("needed", "10.90.0.0/16")).await?;
    stage.put(subnet("needs", "needed", "10.90.0.0/24")).await?;
    stage.ready(&network::subnet(), "needs").await?;
    stage.delete(&network::vpc(), "needed").await?;
    Ok(Waiting(()))
}

impl Waiting {
    pub(crate) async fn finish(self, stage: &Stage) -> Result<()> {
        let words = ["waits until Subnet/needs is deleted, which depends on it: delete it too"];
        let told = ("Ready", "False", "Deleting", &words[..]);
        let vpc = stage.told(&network::vpc(), "needed", told).await?;
        ensure!(of(stage, "vpc", &vpc).await?.len() == 1, "the VPC is gone");
        stage.delete(&network::subnet(), "needs").await?;
        stage.gone(&network::subnet(), "needs").await?;
        stage.gone(&network::vpc(), "needed").await?;
        ensure!(of(stage, "vpc", &vpc).await?.is_empty(), "the VPC is still there");
        Ok(())
    }
}

pub(crate) async fn policies(stage: &Stage) -> Result<()> {
    orphaned(stage).await?;
    held(stage).await
}

async fn orphaned(stage: &Stage) -> Result<()> {
    stage.put(with(role("orphan"), "/spec/deletionPolicy", json!("Orphan"))).await?;
    stage.ready(&network::role(), "orphan").await?;
    stage.delete(&network::role(), "orphan").await?;
    stage.gone(&network::role(), "orphan").await?;
    role_is_there(stage, "orphan", true).await
}

/// What a Spoke holds stays in AWS, and says which Spoke.
async fn held(stage: &Stage) -> Result<()> {
    let finalizers = json!(["in-use.fleet.capstan.dev/spoke-production"]);
    stage.put(with(role("held"), "/metadata/finalizers", finalizers)).await?;
    stage.ready(&network::role(), "held").await?;
    stage.delete(&network::role(), "held").await?;
    let words = ["in use by Spoke/production"];
    let told = ("Ready", "False", "Deleting", &words[..]);
    stage.told(&network::role(), "held", told).await?;
    role_is_there(stage, "held", true).await?;
    stage.put(with(role("held"), "/metadata/finalizers", json!([]))).await?;
    stage.gone(&network::role(), "held").await?;
    role_is_there(stage, "held", false).await
}
