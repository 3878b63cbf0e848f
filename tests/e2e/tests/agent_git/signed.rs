use std::process::Command;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::find_condition;
use capstan_e2e::stage::{NAMESPACE, Stage};
use serde_json::json;

use super::Named;
use super::world::{World, source_kind};

pub(crate) fn cases(stage: &Stage) -> Vec<Named<'_>> {
    vec![("verify", Box::pin(verify(stage)))]
}

/// Makes a key for ssh: its file and its public part.
fn key(folder: &tempfile::TempDir, name: &str) -> Result<(String, String)> {
    let file = folder.path().join(name).display().to_string();
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &file]).status();
    ensure!(made.context("ssh-keygen does not run")?.success(), "ssh-keygen failed");
    Ok((file.clone(), std::fs::read_to_string(format!("{file}.pub"))?))
}

/// A commit that nobody trusted signed does not replace the last good one.
async fn verify(stage: &Stage) -> Result<()> {
    let world = World::new(stage, "git-verify").await?;
    let folder = tempfile::tempdir()?;
    let ((ours, public), (theirs, _)) = (key(&folder, "ours")?, key(&folder, "theirs")?);
    world.secret("keys", &[("authors.sshpub", &public)]).await?;
    let push = async |file: &str| -> Result<String> {
        let key = format!("user.signingkey={file}");
        let config = ["-c", "gpg.format=ssh", "-c", &*key];
        let tree = world.repo.run(&["rev-parse", "main^{tree}"]).await?;
        let commit = world
            .repo
            .run(&[&config[..], &["commit-tree", "-S", &tree, "-m", "signed"]].concat())
            .await?;
        world.repo.run(&["update-ref", "refs/heads/main", &commit]).await?;
        Ok(commit)
    };
    let verify =
        |mode: &str| json!({"verify": {"mode": mode, "secretRef": {"name": world.part("keys")}}});
    let good = push(&ours).await?;
    world.source(verify("HEAD")).await?;
    let stored = world.stored(&format!("main@sha1:{good}")).await?;
    assert_eq!(stored.value()["status"]["sourceVerificationMode"], "HEAD");
    let verified = find_condition(&stored, "SourceVerified").context("no condition")?;
    let message = verified["message"].as_str().unwrap_or_default();
    ensure!(verified["status"] == "True" && verified["reason"] == "Succeeded", "{verified}");
    ensure!(message.contains(&format!("commit '{good}' with key 'SHA256:")), "{message}");

    let bad = push(&theirs).await?;
    let mut spec = verify("HEAD");
    spec["interval"] = json!("29m");
    world.source(spec).await?;
    let says = format!("signature verification of commit '{bad}' failed");
    world
        .refused(("SourceVerified", "False", "InvalidCommitSignature"), &[&says, "no matching key"])
        .await?;
    let kept =
        stage.management.get(&source_kind(), NAMESPACE, world.name).await?.context("it is gone")?;
    assert_eq!(kept.value()["status"]["artifact"]["revision"], format!("main@sha1:{good}"));

    world.source(verify("Tag")).await?;
    let says = "cannot verify tag object's signature if a tag reference is not specified";
    world.refused(("SourceVerified", "False", "InvalidVerificationMode"), &[says]).await?;
    let absent = json!({"verify": {"secretRef": {"name": "git-verify-absent"}}});
    world.source(absent).await?;
    world
        .refused(
            ("SourceVerified", "False", "VerificationError"),
            &["git-verify-absent", "not found"],
        )
        .await?;
    let newer = push(&ours).await?;
    world.source(verify("head")).await?;
    world.stored(&format!("main@sha1:{newer}")).await?;
    Ok(())
}
