//! The hub is killed in the middle of things: nothing is made twice, nothing is forgotten, nothing goes out of order.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use capstan_e2e::crash::Victim;
use capstan_e2e::look::{text, wait_for};
use capstan_e2e::network;
use capstan_e2e::stage::Stage;
use capstan_kit::KitOptions;
use capstan_kit::aws::Call;
use capstan_model::{GroupVersionKind, Manifest};
use tokio::sync::broadcast::Receiver;

/// Longest time between two deaths.
const PATIENCE: Duration = Duration::from_secs(240);

/// The calls on the way up and on the way down at whose answer the hub dies: what it wanted to write down then is not.
const ROUNDS: [(&[&str], &[&str]); 4] = [
    (&["CreateVpc", "CreatePolicy"], &["DetachRolePolicy", "DeleteTable"]),
    (&["CreateSubnet", "CreateRole"], &["DeleteSubnet", "DeletePolicy"]),
    (&["CreateTable", "AttachRolePolicy"], &["DeleteVpc"]),
    (&["DescribeSubnets", "GetRole"], &["DescribeVpcs", "DescribeTable"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_dies_makes_nothing_twice_and_forgets_nothing() -> Result<()> {
    // AWS shows at once here what it made.
    let stage = Stage::with_hub_and(KitOptions::default(), &["--aws-visibility-window=5s"]).await?;
    network::set_up(&stage).await?;
    for (round, (up, down)) in ROUNDS.into_iter().enumerate() {
        let name = format!("crash-{round}");
        let killing = kill_at(stage.kit.aws.subscribe(), &stage, up);
        let making = make(&stage, &name);
        tokio::try_join!(killing, making).with_context(|| format!("{name}: {up:?}"))?;
        made_once(&stage, &name).await?;
        let killing = kill_at(stage.kit.aws.subscribe(), &stage, down);
        let removing = remove(&stage, &name);
        tokio::try_join!(killing, removing).with_context(|| format!("{name}: {down:?}"))?;
        stage.nothing_left("AWS to hold nothing", |_| true).await?;
    }
    between_two_writes(&stage).await?;
    stage.order_was_kept()?;
    stage.end().await;
    Ok(())
}

async fn make(stage: &Stage, name: &str) -> Result<()> {
    stage.put(network::composite(name, "10.40.0.0/24")).await?;
    stage.ready(&network::composites(), name).await.map(drop)
}

async fn remove(stage: &Stage, name: &str) -> Result<()> {
    stage.delete(&network::composites(), name).await?;
    stage.gone(&network::composites(), name).await
}

/// The hub dies between what it writes into the cluster.
async fn between_two_writes(stage: &Stage) -> Result<()> {
    let name = "crash-writes";
    let (composites, vpcs) = (network::composites(), network::vpc());
    let killing = async {
        let refers = |object: &Manifest| !text(object, "/spec/resourceRefs/0/name").is_empty();
        kill_when(stage, &composites, name, refers).await?;
        let intends = |object: &Manifest| {
            object.annotation("crossplane.io/external-create-pending").is_some()
        };
        kill_when(stage, &vpcs, name, intends).await?;
        let seen = |object: &Manifest| !text(object, "/status/atProvider/vpcId").is_empty();
        kill_when(stage, &vpcs, name, seen).await
    };
    tokio::try_join!(killing, make(stage, name))?;
    made_once(stage, name).await?;
    let killing = async {
        kill_when(stage, &composites, name, Manifest::is_deleting).await?;
        kill_when(stage, &vpcs, name, Manifest::is_deleting).await
    };
    tokio::try_join!(killing, remove(stage, name))?;
    stage.nothing_left("AWS to hold nothing", |_| true).await
}

/// Kills the hub when an object is first seen so.
async fn kill_when(
    stage: &Stage,
    gvk: &GroupVersionKind,
    name: &str,
    holds: impl Fn(&Manifest) -> bool,
) -> Result<()> {
    wait_for(&stage.management, gvk, ("", name), PATIENCE, holds).await?;
    kill(stage);
    Ok(())
}

/// Kills the hub at the first answer to each of these calls.
async fn kill_at(mut calls: Receiver<Call>, stage: &Stage, actions: &[&str]) -> Result<()> {
    let (mut left, mut deaths) = (actions.to_vec(), 0);
    while !left.is_empty() {
        let Ok(call) = tokio::time::timeout(PATIENCE, calls.recv()).await else {
            bail!("{left:?} was never called")
        };
        let call = call.context("the log of calls ended")?;
        if let Some(index) = left.iter().position(|action| *action == call.action) {
            left.remove(index);
            deaths += kill(stage);
        }
    }
    ensure!(deaths > 0, "the hub never died");
    Ok(())
}

/// How many died: none while the hub is on its way back, because the call was made just before it was killed.
fn kill(stage: &Stage) -> usize {
    usize::from(Victim::hub(stage).crash_if_it_runs().is_ok())
}

async fn made_once(stage: &Stage, name: &str) -> Result<()> {
    let all = stage.kit.aws.inventory().await?;
    for (gvk, kind) in network::children() {
        let object = stage.ready(&gvk, name).await?;
        let found: Vec<_> = all.iter().filter(|found| found.kind == kind).collect();
        ensure!(found.len() == 1, "{}: {} times in AWS: {found:?}", object.id(), found.len());
    }
    Ok(())
}
