//! A claim: what a team asks for in its own namespace becomes a composite, its children and resources in AWS, and goes with it.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_e2e::look::{condition, kind, text, wait_for, wait_gone};
use capstan_e2e::network;
use capstan_e2e::stage::{PATIENCE, Stage, ready};
use capstan_kit::KitOptions;
use capstan_model::Manifest;
use serde_json::json;

const NAME: (&str, &str) = ("default", "sandbox");

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_as_ready_as_what_it_made_and_takes_it_along() -> Result<()> {
    let stage = Stage::with_hub(KitOptions::default()).await?;
    network::set_up(&stage).await?;
    stage.put(network::claim("sandbox", "10.30.0.0/24")).await?;
    let claim = ready(&stage.management, &network::claims(), NAME).await?;
    let composite = bound(&stage, &claim).await?;
    status_came_back(&stage, &claim).await?;
    secret_arrived(&stage, &claim).await?;
    change_flows_down(&stage, composite.name()).await?;
    made_once(&stage, composite.name()).await?;
    a_second_claim_cannot_take_it(&stage, composite.name()).await?;
    removal(&stage, composite.name()).await?;
    stage.end().await;
    Ok(())
}

async fn bound(stage: &Stage, claim: &Manifest) -> Result<Manifest> {
    let name = text(claim, "/spec/resourceRef/name");
    ensure!(name.starts_with("sandbox-"), "the claim is bound to `{name}`");
    let composite = stage.ready(&network::composites(), &name).await?;
    let of = |key: &str| text(&composite, &format!("/spec/claimRef/{key}"));
    ensure!((of("namespace"), of("name")) == ("default".to_owned(), "sandbox".to_owned()));
    ensure!(composite.label("crossplane.io/claim-name") == Some("sandbox"), "no claim label");
    for (gvk, _) in network::children() {
        let child = stage.ready(&gvk, &name).await?;
        let labels = ["crossplane.io/claim-name", "crossplane.io/claim-namespace"];
        let found = labels.map(|label| child.label(label).unwrap_or_default().to_owned());
        ensure!(found == ["sandbox", "default"], "{}: {found:?}", child.id());
    }
    Ok(composite)
}

/// What the composite learned from its children is in the claim's own status.
async fn status_came_back(stage: &Stage, claim: &Manifest) -> Result<()> {
    let shows = |claim: &Manifest| {
        text(claim, "/status/vpcId").starts_with("vpc-")
            && text(claim, "/status/roleArn").ends_with(&text(claim, "/spec/resourceRef/name"))
    };
    let claims = network::claims();
    wait_for(&stage.management, &claims, NAME, PATIENCE, shows).await?;
    ensure!(condition(claim, "Synced"), "{:?}", claim.value()["status"]);
    Ok(())
}

/// The connection Secret is in the claim's namespace, and belongs to the claim.
async fn secret_arrived(stage: &Stage, claim: &Manifest) -> Result<()> {
    let place = ("default", "sandbox-network");
    let full = |secret: &Manifest| !text(secret, "/data/vpc-id").is_empty();
    let secrets = kind("v1", "Secret");
    let secret = wait_for(&stage.management, &secrets, place, PATIENCE, full).await?;
    let value = BASE64_STANDARD.decode(text(&secret, "/data/vpc-id"))?;
    let claim =
        stage.management.get(&network::claims(), NAME.0, NAME.1).await?.unwrap_or(claim.clone());
    ensure!(String::from_utf8(value)? == text(&claim, "/status/vpcId"), "another VPC");
    ensure!(text(&secret, "/type") == "connection.crossplane.io/v1alpha1");
    // Its owner is what the garbage collector goes by.
    ensure!(text(&secret, "/metadata/ownerReferences/0/uid") == claim.uid(), "not the claim's");
    Ok(())
}

async fn change_flows_down(stage: &Stage, name: &str) -> Result<()> {
    let mut claim = network::claim("sandbox", "10.30.0.0/24");
    claim["spec"]["parameters"]["owner"] = json!("team-a");
    stage.put(claim).await?;
    let owner = |vpc: &Manifest| text(vpc, "/spec/forProvider/tags/0/value") == "team-a";
    wait_for(&stage.management, &network::vpc(), ("", name), PATIENCE, owner).await?;
    capstan_kit::wait_until("the tag to reach AWS", PATIENCE, async || {
        let all = stage.kit.aws.inventory().await?;
        let vpc = all.into_iter().find(|found| found.kind == "vpc").context("no VPC")?;
        ensure!(vpc.tags.get("owner").is_some_and(|owner| owner == "team-a"), "{:?}", vpc.tags);
        Ok(())
    })
    .await?;
    ready(&stage.management, &network::claims(), NAME).await.map(drop)
}

async fn made_once(stage: &Stage, name: &str) -> Result<()> {
    let all = stage.kit.aws.inventory().await?;
    for (_, kind) in network::children() {
        let found = all.iter().filter(|found| found.kind == kind).count();
        ensure!(found == 1, "{found} of {kind} for {name}: {all:?}");
    }
    Ok(())
}

/// A claim that names the composite of another is refused, and the other goes on.
async fn a_second_claim_cannot_take_it(stage: &Stage, composite: &str) -> Result<()> {
    let mut thief = network::claim("thief", "10.31.0.0/24");
    thief["spec"]["resourceRef"] = json!({"apiVersion": "test.example.com/v1alpha1",
        "kind": "XNetwork", "name": composite});
    stage.put(thief).await?;
    let told = ("Synced", "False", "ReconcileError", &[composite, "default/sandbox"][..]);
    let (claims, thief) = (network::claims(), ("default", "thief"));
    capstan_e2e::look::told(&stage.management, &claims, thief, told, PATIENCE).await?;
    stage.management.delete(&claims, thief.0, thief.1, &Default::default()).await?;
    wait_gone(&stage.management, &claims, thief, PATIENCE).await?;
    let kept = stage.ready(&network::composites(), composite).await?;
    ensure!(!kept.is_deleting(), "the thief's deletion took it along");
    Ok(())
}

async fn removal(stage: &Stage, composite: &str) -> Result<()> {
    let claims = network::claims();
    stage.management.delete(&claims, NAME.0, NAME.1, &Default::default()).await?;
    wait_gone(&stage.management, &claims, NAME, PATIENCE).await?;
    stage.gone(&network::composites(), composite).await?;
    stage.nothing_left("AWS to hold nothing", |_| true).await?;
    stage.order_was_kept()
}
