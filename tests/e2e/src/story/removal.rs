//! The cluster is removed from Git, then everything; AWS holds nothing in the end.

use anyhow::{Context, Result, ensure};
use std::time::Duration;

use super::{SPOKE, Story};
use crate::look::{kind, wait_gone};
use crate::stage::{NAMESPACE, PATIENCE};

/// Draining, deleting and the simulated delays of AWS.
const REMOVAL: Duration = Duration::from_secs(420);

impl Story {
    /// Removes the cluster from Git and waits until AWS holds nothing of it.
    pub async fn remove_cluster(&self) -> Result<()> {
        let repository = self.stage.kit.git.repo("gitops-system").await?;
        let path = "clusters-config/kustomization.yaml";
        let text = repository.read("main", path).await?;
        let line = format!("- {SPOKE}\n");
        ensure!(text.contains(&line), "{path} does not list {SPOKE}");
        let without = text.replace(&line, "");
        repository.commit_files("main", &[(path, Some(&without))], "remove the cluster").await?;
        self.timeline.note(format!("removed {SPOKE} from Git"));
        let composites = kind("platform.example.com/v1alpha1", "EKSCluster");
        wait_gone(&self.stage.management, &composites, ("", SPOKE), REMOVAL).await?;
        self.stage
            .nothing_left("AWS to hold nothing of the cluster", |resource| {
                resource.contains(SPOKE)
                    || ["ec2 ", "eks ", "dynamodb "].iter().any(|s| resource.starts_with(s))
            })
            .await
            .context("the cluster is gone, and something of it is not")?;
        self.timeline.note("AWS holds nothing of the cluster");
        Ok(())
    }

    /// Removes the rest: deletes the root and waits for an empty listing.
    pub async fn remove_rest(&self) -> Result<()> {
        let unit = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
        self.stage.management.delete(&unit, NAMESPACE, "flux-system", &Default::default()).await?;
        wait_gone(&self.stage.management, &unit, (NAMESPACE, "flux-system"), PATIENCE).await?;
        self.stage.nothing_left("AWS to hold nothing", |_| true).await?;
        self.timeline.note("AWS holds nothing at all");
        Ok(())
    }
}
