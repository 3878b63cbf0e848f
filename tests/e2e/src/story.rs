//! The story, step by step: each step waits for what it claims.

mod away;
mod hooks;
mod removal;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use capstan_cluster::Cluster;
use capstan_kit::KitOptions;
use capstan_model::Manifest;

use crate::fleet;
use crate::look::{condition, kind, text, wait_for};
use crate::stage::{NAMESPACE, PATIENCE, Stage, administrator, deployed, ready};
use crate::timeline::Timeline;

/// The workload cluster of the example fleet.
pub const SPOKE: &str = "commercial-staging";
/// The namespace of the example application.
pub const APPLICATION: &str = "product-catalog";

/// A running fleet and what happened to it.
pub struct Story {
    /// The kit with hub and agent.
    pub stage: Stage,
    timeline: Arc<Timeline>,
    watching: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Story {
    fn drop(&mut self) {
        for watching in &self.watching {
            watching.abort();
        }
    }
}

impl Story {
    /// Starts the kit, installs hub and agent from deploy/, and pushes the example fleet.
    pub async fn begin(timeline: Arc<Timeline>) -> Result<Self> {
        Self::begin_with(timeline, &[]).await
    }

    /// The same, with further arguments of the hub.
    pub async fn begin_with(timeline: Arc<Timeline>, hub_args: &[&str]) -> Result<Self> {
        let stage = Stage::with_hub_and(KitOptions::default(), hub_args).await?;
        let mut story = Self { stage, timeline, watching: Vec::new() };
        story.timeline.note("hub and agent run in the management cluster");
        story.tell_aws();
        story.tell_units(&story.stage.management.clone(), "management");
        Ok(story)
    }

    /// Pushes the fleet and tells the management cluster where it is.
    pub async fn push_fleet(&self) -> Result<()> {
        let scratch = self.stage.kit.dir().join("fleet");
        let commit = fleet::push(&self.stage.kit.git, &scratch).await?;
        self.timeline.note(format!("pushed the example fleet, gitops-system at {}", &commit[..8]));
        let sync = fleet::file(
            "gitops-system",
            "clusters/mgmt/flux-system/sync.yaml",
            &self.stage.kit.git,
        )?;
        self.stage.apply(&sync).await?;
        let source = kind("source.toolkit.fluxcd.io/v1", "GitRepository");
        ready(&self.stage.management, &source, (NAMESPACE, "flux-system")).await?;
        self.timeline.note("fetched gitops-system in the management cluster");
        self.hook(&self.stage.management, self.stage.kit.management(), &["gitops-system"]).await
    }

    /// Waits until the hub has made the cluster and its agent is connected.
    pub async fn cluster_connected(&mut self) -> Result<Cluster> {
        let eks = kind("eks.aws.crossplane.io/v1beta1", "Cluster");
        let found = ready(&self.stage.management, &eks, ("", SPOKE)).await?;
        self.timeline
            .note(format!("cluster {SPOKE} is active: {}", text(&found, "/status/atProvider/arn")));
        let spoke = administrator(&self.stage.kit.cluster(SPOKE)?).await?;
        self.tell_units(&spoke, SPOKE);
        let spokes = kind("fleet.capstan.dev/v1alpha1", "Spoke");
        let connected = |object: &Manifest| condition(object, "AgentConnected");
        wait_for(&self.stage.management, &spokes, ("", SPOKE), PATIENCE, connected).await?;
        self.timeline.note("the agent of the new cluster is connected");
        Ok(spoke)
    }

    /// Waits until the application runs in the new cluster and its AWS resources are there.
    pub async fn application_ready(&self, spoke: &Cluster) -> Result<()> {
        let unit = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
        ready(spoke, &unit, (NAMESPACE, APPLICATION)).await?;
        let table = kind("dynamodb.aws.crossplane.io/v1alpha1", "Table");
        ready(spoke, &table, ("", "product-catalog-staging")).await?;
        deployed(spoke, APPLICATION, "product-catalog-staging").await?;
        self.timeline.note("the application is ready");
        let repositories = ["gitops-system", "gitops-workloads", "product-catalog-manifests"];
        self.hook(spoke, &self.stage.kit.cluster(SPOKE)?, &repositories).await
    }

    /// Pushes a new version of the application; gives the time from the push to the applied Deployment.
    pub async fn push_change(&self, spoke: &Cluster, version: &str) -> Result<Duration> {
        let path = "kubernetes/overlays/staging/kustomization.yaml";
        let repository = self.stage.kit.git.repo("product-catalog-manifests").await?;
        let before = repository.read("main", path).await?;
        let after: String = before
            .lines()
            .map(|line| match line.split_once("newTag:") {
                Some((indent, _)) => format!("{indent}newTag: {version}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        ensure!(before != after, "the overlay already says {version}");
        let deployment = kind("apps/v1", "Deployment");
        let image = "/spec/template/spec/containers/0/image";
        let applied = |object: &Manifest| text(object, image).ends_with(&format!(":{version}"));
        let place = (APPLICATION, "product-catalog-staging");
        let waiting = wait_for(spoke, &deployment, place, PATIENCE, applied);
        let pushing = async {
            repository.commit_files("main", &[(path, Some(&after))], "a new version").await?;
            anyhow::Ok(Instant::now())
        };
        let (pushed, seen) = tokio::join!(pushing, async { waiting.await.map(|_| Instant::now()) });
        let took = seen?.saturating_duration_since(pushed?);
        self.timeline.note(format!("push \u{2192} applied in {} ms", took.as_millis()));
        Ok(took)
    }

    /// Ends everything after all went well.
    pub async fn end(mut self) {
        for watching in std::mem::take(&mut self.watching) {
            watching.abort();
        }
        self.stage.kit.finish().await;
    }

    /// The delays that the AWS stand-in simulates.
    pub fn delays(&self) -> String {
        KitOptions::default().delays.to_string()
    }

    /// What happened, moment by moment.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}
