//! What changes in AWS behind our back is put right; what is paused or only observed is left alone.

use anyhow::{Result, ensure};
use capstan_e2e::look::{text, wait_for};
use capstan_e2e::network;
use capstan_e2e::stage::{PATIENCE, Stage};
use serde_json::{Value, json};

use crate::aws::role_is_there;
use crate::objects::{TRUST, role, with};

pub(crate) async fn all(stage: &Stage) -> Result<()> {
    tokio::try_join!(deleted(stage), drifted(stage), paused(stage), observed(stage))?;
    Ok(())
}

/// Wakes an object, as a person would who does not want to wait for the next look.
fn poked(object: Value) -> Value {
    with(object, "/metadata/annotations/look", json!("now"))
}

async fn delete_role(stage: &Stage, name: &str) -> Result<()> {
    stage.kit.aws.client().query("iam", "DeleteRole", &[("RoleName", name)]).await.map(drop)
}

async fn deleted(stage: &Stage) -> Result<()> {
    stage.put(role("behind-deleted")).await?;
    stage.ready(&network::role(), "behind-deleted").await?;
    delete_role(stage, "behind-deleted").await?;
    stage.put(poked(role("behind-deleted"))).await?;
    role_is_there(stage, "behind-deleted", true).await
}

async fn drifted(stage: &Stage) -> Result<()> {
    let wanted = with(role("behind-drifted"), "/spec/forProvider/description", json!("ours"));
    stage.put(wanted.clone()).await?;
    stage.ready(&network::role(), "behind-drifted").await?;
    let client = stage.kit.aws.client();
    let params = [("RoleName", "behind-drifted"), ("Description", "theirs")];
    client.query("iam", "UpdateRole", &params).await?;
    stage.put(poked(wanted)).await?;
    capstan_kit::wait_until("the drift to be put right", PATIENCE, async || {
        let answer = client.query("iam", "GetRole", &[("RoleName", "behind-drifted")]).await?;
        let found = answer.find_text("Description").unwrap_or_default().to_owned();
        ensure!(found == "ours", "the description is `{found}`");
        Ok(())
    })
    .await
}

async fn paused(stage: &Stage) -> Result<()> {
    let annotated = |value: &str| {
        with(role("behind-paused"), "/metadata/annotations", json!({"crossplane.io/paused": value}))
    };
    stage.put(role("behind-paused")).await?;
    stage.ready(&network::role(), "behind-paused").await?;
    stage.put(annotated("true")).await?;
    let told = ("Synced", "False", "ReconcilePaused", &[][..]);
    stage.told(&network::role(), "behind-paused", told).await?;
    delete_role(stage, "behind-paused").await?;
    let look = "/metadata/annotations/look";
    stage.put(with(annotated("true"), look, json!("now"))).await?;
    // Whoever is made after it shows that its turn was over.
    stage.put(role("behind-after")).await?;
    stage.ready(&network::role(), "behind-after").await?;
    role_is_there(stage, "behind-paused", false).await?;
    stage.put(annotated("false")).await?;
    role_is_there(stage, "behind-paused", true).await?;
    stage.ready(&network::role(), "behind-paused").await?;
    Ok(())
}

async fn observed(stage: &Stage) -> Result<()> {
    let name = "behind-observed";
    stage.kit.aws.client().iam_create_role(name, TRUST).await?;
    let observes = with(role(name), "/spec/managementPolicies", json!(["Observe"]));
    stage.put(with(observes, "/spec/forProvider/description", json!("ours"))).await?;
    let has_arn = |object: &_| text(object, "/status/atProvider/arn").ends_with(name);
    wait_for(&stage.management, &network::role(), ("", name), PATIENCE, has_arn).await?;
    stage.ready(&network::role(), name).await?;
    stage.delete(&network::role(), name).await?;
    stage.gone(&network::role(), name).await?;
    role_is_there(stage, name, true).await?;
    let writes = stage.kit.aws.log().into_iter().any(|call| {
        !call.reads()
            && call.params["RoleName"] == name
            && call.caller_arn.is_some_and(|arn| arn.contains("crossplane-role"))
    });
    ensure!(!writes, "it was written to");
    Ok(())
}
