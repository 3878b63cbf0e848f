use anyhow::{Context, Result, ensure};
use capstan_git::{Credentials, Proxy, Remote, SshKey, Wanted};
use capstan_kit::git::{PASSWORD, SshDoor};
use capstan_model::{Fault, Secret};

use super::{World, main, remote, text};

fn key(identity: &str, password: Option<&str>, known_hosts: &str) -> SshKey {
    SshKey {
        identity: Secret::new(identity.to_owned()),
        password: password.map(|password| Secret::new(password.to_owned())),
        known_hosts: known_hosts.to_owned(),
    }
}

fn over(door: &SshDoor, key: SshKey) -> Remote {
    remote(&door.url("repo"), Some(Credentials::Ssh(key)))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_the_door() -> Result<()> {
    let world = World::new().await?;
    let door = world.server.ssh().await?;
    let fetched =
        world.fetch(&over(&door, key(&door.identity, None, &door.known_hosts)), main()).await?;
    assert_eq!(text(&fetched.tree, "a")?, "one");
    let first = fetched.commit.id;
    let second = world.repo.commit_files("main", &[("a", Some("two"))], "second").await?;
    world.repo.tag("v1.2.3", &second).await?;
    let encrypted = over(&door, key(&door.encrypted, Some(PASSWORD), &door.known_hosts));
    let newest = world.fetch(&encrypted, Wanted::Semver("1.x".into())).await?;
    assert_eq!(newest.revision.to_string(), format!("v1.2.3@sha1:{second}"));
    let old = world.fetch(&encrypted, Wanted::Commit { commit: first, branch: None }).await?;
    assert_eq!(text(&old.tree, "a")?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_let_in_or_spoken_to() -> Result<()> {
    let world = World::new().await?;
    let (door, other) = (world.server.ssh().await?, world.server.ssh().await?);
    let foreign = other.known_hosts.split_once(' ').context("a line")?.1;
    let host = door.known_hosts.split(' ').next().context("a host")?;
    let mismatch = format!("{host} {foreign}");
    for (key, reason, says) in [
        (key(&door.stranger, None, &door.known_hosts), "AuthenticationFailed", "refused the key"),
        (
            key(&door.encrypted, None, &door.known_hosts),
            "AuthenticationFailed",
            "encrypted but no 'password' field",
        ),
        (
            key(&door.encrypted, Some("wrong"), &door.known_hosts),
            "AuthenticationFailed",
            "'password' opens",
        ),
        (
            key("nonsense", None, &door.known_hosts),
            "AuthenticationFailed",
            "'identity' is no private key",
        ),
        (key("", None, &door.known_hosts), "AuthenticationFailed", "'identity' is required"),
        (key(&door.identity, None, ""), "AuthenticationFailed", "'known_hosts' is required"),
        (key(&door.identity, None, &other.known_hosts), "GitOperationFailed", "key is unknown"),
        (key(&door.identity, None, &mismatch), "GitOperationFailed", "key mismatch"),
    ] {
        let error = world.fetch(&over(&door, key), main()).await.expect_err(says);
        ensure!(error.to_string().contains(says), "{says}: {error}");
        assert_eq!(error.reason(), reason, "{error}");
    }
    let good = over(&door, key(&door.identity, None, &format!("{mismatch}{}", door.known_hosts)));
    world.fetch(&good, main()).await?;
    let absent = Remote { url: door.url("absent"), ..good.clone() };
    let said = world.refused(&absent, main()).await?;
    ensure!(said.contains("not found"), "{said}");
    let no_branch = world.refused(&good, Wanted::Branch("absent".into())).await?;
    ensure!(no_branch.contains("no branch 'absent'"), "{no_branch}");
    let through = Some(Proxy { address: "http://127.0.0.1:1".into(), credentials: None });
    let said = world.refused(&Remote { proxy: through, ..good.clone() }, main()).await?;
    ensure!(said.contains("unknown scheme: http"), "{said}");
    let bare = world.refused(&Remote { credentials: None, ..good }, main()).await?;
    ensure!(bare.contains("'identity' is required"), "{bare}");
    Ok(())
}

/// A server that gives no commit by its id has it looked for in the history.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_commit_is_found_in_the_history() -> Result<()> {
    let world = World::new().await?;
    let first = world.repo.head("main").await?.context("a commit")?;
    world.repo.run(&["config", "uploadpack.allowAnySHA1InWant", "false"]).await?;
    world.repo.commit_files("main", &[("a", Some("two"))], "second").await?;
    let door = world.server.ssh().await?;
    let from = over(&door, key(&door.identity, None, &door.known_hosts));
    for branch in [Some("main".to_owned()), None] {
        let wanted = Wanted::Commit { commit: first.clone(), branch };
        let fetched = world.fetch(&from, wanted).await?;
        assert_eq!(text(&fetched.tree, "a")?, "one");
    }
    Ok(())
}
