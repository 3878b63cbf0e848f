//! Hub or agent is killed at many moments of the story: it ends as if nothing had happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use capstan_cluster::Cluster;
use capstan_e2e::crash::{Victim, count};
use capstan_e2e::look::{kind, text, wait_for};
use capstan_e2e::stage::{NAMESPACE, PATIENCE};
use capstan_e2e::story::{SPOKE, Story};
use capstan_e2e::timeline::{self, Timeline};
use capstan_kit::wait_until;

/// What AWS holds of the example fleet, however it came about.
const HOLDS: [(&str, usize); 14] = [
    ("dynamodb table", 1),
    ("ec2 address", 2),
    ("ec2 internet-gateway", 1),
    ("ec2 nat-gateway", 2),
    ("ec2 network-interface", 2),
    ("ec2 route-table", 3),
    ("ec2 security-group", 1),
    ("ec2 subnet", 4),
    ("ec2 vpc", 1),
    ("eks cluster", 1),
    ("eks nodegroup", 1),
    ("iam oidc-provider", 1),
    ("iam policy", 2),
    ("iam role", 4),
];

async fn begin() -> Result<Story> {
    // AWS shows at once here what it made; a create that was never sent need not be waited for.
    let window = ["--aws-visibility-window=5s"];
    Story::begin_with(Arc::new(Timeline::start(timeline::print)), &window).await
}

/// AWS holds what the fleet describes, each thing once.
async fn nothing_twice(story: &Story) -> Result<()> {
    let found = count(&story.stage.kit.aws.inventory().await?);
    let wanted: BTreeMap<String, usize> =
        HOLDS.iter().map(|(kind, number)| ((*kind).to_owned(), *number)).collect();
    assert_eq!(found, wanted);
    story.stage.order_was_kept()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_may_crash_at_any_moment() -> Result<()> {
    let mut story = begin().await?;
    let creation = Victim::hub(&story.stage).crash_after(
        &story.stage,
        &[
            "CreateVpc",
            "CreateSubnet",
            "AllocateAddress",
            "AttachInternetGateway",
            "CreateNatGateway",
            "CreateRoute",
            "CreateCluster",
            "CreateNodegroup",
            "CreateOpenIDConnectProvider",
            "AttachRolePolicy",
        ],
    );
    story.push_fleet().await?;
    let spoke = story.cluster_connected().await?;
    story.application_ready(&spoke).await?;
    creation.await??;
    nothing_twice(&story).await?;
    story.push_change(&spoke, "v1.1.0").await?;
    let removal = Victim::hub(&story.stage).crash_after(
        &story.stage,
        &[
            "DeleteNodegroup",
            "DeleteCluster",
            "DeleteNatGateway",
            "ReleaseAddress",
            "DeleteSubnet",
            "DeleteVpc",
        ],
    );
    story.remove_cluster().await?;
    removal.await??;
    story.remove_rest().await?;
    story.stage.order_was_kept()?;
    story.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_may_crash_at_any_moment() -> Result<()> {
    let mut story = begin().await?;
    let (here, management) =
        (Victim::agent(story.stage.kit.management().clone()), story.stage.management.clone());
    let creation = tokio::spawn(async move { crash_when_seen(&here, &management).await });
    story.push_fleet().await?;
    let there =
        wait_until("the new cluster to run", PATIENCE, async || story.stage.kit.cluster(SPOKE))
            .await?;
    let there = Victim::agent(there);
    let provisioning = there.clone().crash_after(&story.stage, &["CreateTable", "CreatePolicy"]);
    let spoke = story.cluster_connected().await?;
    story.application_ready(&spoke).await?;
    creation.await??;
    provisioning.await??;
    nothing_twice(&story).await?;
    // A crash at rest is nobody's alarm, and a push right after it arrives.
    let before = warnings(&spoke).await?;
    there.crash().await?;
    story.push_change(&spoke, "v1.1.0").await?;
    assert_eq!(warnings(&spoke).await?, before, "units say that they are not ready");
    let removal = there.crash_after(&story.stage, &["DeleteTable", "DeleteRole"]);
    let here = Victim::agent(story.stage.kit.management().clone());
    let (removed, crashed) =
        tokio::join!(story.remove_cluster(), crash_when_deleted(&here, &story.stage.management));
    removed?;
    crashed?;
    removal.await??;
    story.remove_rest().await?;
    story.stage.order_was_kept()?;
    story.end().await;
    Ok(())
}

/// What the units of a cluster complained about.
async fn warnings(cluster: &Cluster) -> Result<Vec<String>> {
    let events = cluster.list(&kind("v1", "Event"), NAMESPACE, "").await?;
    let loud = events.iter().filter(|event| text(event, "/type") == "Warning");
    Ok(loud.map(|event| text(event, "/message")).collect())
}

/// Kills the agent when the first objects of each of its units appear.
async fn crash_when_seen(agent: &Victim, cluster: &Cluster) -> Result<()> {
    let moments = [
        (kind("source.toolkit.fluxcd.io/v1", "GitRepository"), (NAMESPACE, "flux-system")),
        (kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization"), (NAMESPACE, "clusters-config")),
        (kind("apiextensions.crossplane.io/v1", "Composition"), ("", "eks-cluster")),
        (kind("platform.example.com/v1alpha1", "EKSCluster"), ("", SPOKE)),
        (kind("fleet.capstan.dev/v1alpha1", "Spoke"), ("", SPOKE)),
    ];
    for (gvk, place) in moments {
        wait_for(cluster, &gvk, place, PATIENCE, |_| true).await?;
        agent.crash().await?;
    }
    Ok(())
}

/// Kills the agent when it has begun to remove the cluster.
async fn crash_when_deleted(agent: &Victim, cluster: &Cluster) -> Result<()> {
    let composites = kind("platform.example.com/v1alpha1", "EKSCluster");
    let deleting = |object: &_| !text(object, "/metadata/deletionTimestamp").is_empty();
    wait_for(cluster, &composites, ("", SPOKE), PATIENCE, deleting).await?;
    agent.crash().await
}
