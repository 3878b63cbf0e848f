use anyhow::{Context, Result};
use capstan_e2e::stage::Stage;
use capstan_kit::git::PASSWORD;
use serde_json::json;

use super::Named;
use super::world::World;

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![("ssh", Box::pin(ssh(stage)))]
}

async fn ssh(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-ssh").await?;
    let commit = world.repo.head("main").await?.unwrap_or_default();
    let (door, other) = (stage.kit.git.ssh().await?, stage.kit.git.ssh().await?);
    let spec = json!({"url": door.url("git-ssh"), "secretRef": {"name": world.part("ssh")}});
    let key = [
        ("identity", &*door.encrypted),
        ("password", PASSWORD),
        ("known_hosts", &*door.known_hosts),
    ];
    world.secret("ssh", &key).await?;
    world.source(spec).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    world.unit_shows("./here", "git-ssh", "one").await?;
    let host = door.known_hosts.split(' ').next().context("a host")?;
    let foreign = other.known_hosts.split_once(' ').context("a line")?.1;
    let mismatch = format!("{host} {foreign}");
    for (identity, password, known_hosts, reason, says) in [
        (&door.identity, "", &mismatch, "GitOperationFailed", "key mismatch"),
        (&door.identity, "", &other.known_hosts, "GitOperationFailed", "key is unknown"),
        (&door.stranger, "", &door.known_hosts, "AuthenticationFailed", "refused the key"),
        (&door.encrypted, "wrong", &door.known_hosts, "AuthenticationFailed", "'password' opens"),
        (
            &door.encrypted,
            "",
            &door.known_hosts,
            "AuthenticationFailed",
            "is encrypted but no 'password'",
        ),
    ] {
        let key = [
            ("identity", identity.as_str()),
            ("password", password),
            ("known_hosts", known_hosts.as_str()),
        ];
        world.secret("ssh", &key).await?;
        world
            .not_fetched(reason, &[says, "spec.secretRef"])
            .await
            .with_context(|| says.to_owned())?;
    }
    world.secret("ssh", &key).await?;
    world.stored(&format!("main@sha1:{commit}")).await?;
    Ok(())
}
