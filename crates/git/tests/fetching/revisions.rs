use anyhow::{Result, ensure};
use capstan_git::{FetchError, Wanted};
use capstan_model::{Fault, Retry};

use super::{World, main, text};

#[tokio::test(flavor = "multi_thread")]
async fn revisions_are_called_as_flux_calls_them() -> Result<()> {
    let world = World::new().await?;
    let first = world.repo.head("main").await?.expect("a commit");
    world.repo.tag("light", &first).await?;
    world.repo.run(&["tag", "-a", "-m", "noted", "noted", &first]).await?;
    world.repo.run(&["update-ref", "refs/pull/1/head", &first]).await?;
    let second = world.repo.commit_files("main", &[("a", Some("two"))], "the second").await?;
    let commit = |branch: Option<&str>| Wanted::Commit {
        commit: first.clone(),
        branch: branch.map(str::to_owned),
    };
    for (wanted, name, id) in [
        (main(), "main@", &second),
        (Wanted::Tag("light".into()), "light@", &first),
        (Wanted::Tag("noted".into()), "noted@", &first),
        (Wanted::Name("refs/pull/1/head".into()), "refs/pull/1/head@", &first),
        (Wanted::Name("refs/heads/main".into()), "refs/heads/main@", &second),
        (Wanted::Name("refs/tags/noted".into()), "refs/tags/noted@", &first),
        (Wanted::Name("refs/tags/noted^{}".into()), "refs/tags/noted^{}@", &first),
        (commit(None), "", &first),
        (commit(Some("main")), "main@", &first),
        (commit(Some("refs/heads/main")), "refs/heads/main@", &first),
    ] {
        let fetched = world.fetch(&world.remote(), wanted).await?;
        assert_eq!(fetched.revision.to_string(), format!("{name}sha1:{id}"));
        assert_eq!(text(&fetched.tree, "a")?, if *id == first { "one" } else { "two" });
    }
    for (wanted, has_object) in [("noted", true), ("light", false)] {
        let tag =
            world.fetch(&world.remote(), Wanted::Tag(wanted.into())).await?.tag.expect("a tag");
        assert_eq!((&*tag.name, tag.object.is_some()), (wanted, has_object));
    }
    let partial = world.refused(&world.remote(), Wanted::Name("main".into())).await?;
    ensure!(partial.contains("begins with 'refs/'"), "{partial}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_tag_in_a_range_is_taken() -> Result<()> {
    let world = World::new().await?;
    for tag in ["v1.0.0", "1.2.0", "v1.10.0", "v2.0.0-rc.1", "other", "v3"] {
        let commit = world.repo.commit_files("main", &[("a", Some(tag))], tag).await?;
        world.repo.tag(tag, &commit).await?;
    }
    for (range, tag) in [
        ("*", "v1.10.0"),
        (">=1.0.0 <1.5.0", "1.2.0"),
        ("~1.0", "v1.0.0"),
        (">=2.0.0-0", "v2.0.0-rc.1"),
    ] {
        let fetched = world.fetch(&world.remote(), Wanted::Semver(range.into())).await?;
        assert_eq!(fetched.revision.name.as_deref(), Some(tag), "{range}");
        assert_eq!(text(&fetched.tree, "a")?, tag);
    }
    let none = world.refused(&world.remote(), Wanted::Semver(">=9".into())).await?;
    ensure!(none.contains("no match found for semver: >=9"), "{none}");
    let odd =
        world.fetch(&world.remote(), Wanted::Semver("newest".into())).await.expect_err("no range");
    assert_eq!(odd.retry(), Retry::Never);
    ensure!(
        odd.to_string().contains("semver parse error: improper constraint: \"newest\""),
        "{odd}"
    );
    Ok(())
}

/// Build metadata does not order versions: the younger commit is the newer one, whatever the names are.
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_versions_the_youngest_commit_is_taken() -> Result<()> {
    let world = World::new().await?;
    let tree = world.repo.run(&["rev-parse", "main^{tree}"]).await?;
    for (tag, date) in [("1.0.0+a", "2001-01-01T00:00:00Z"), ("1.0.0+z", "2000-01-01T00:00:00Z")] {
        let commit = format!(
            "committer K <k@example.com> {} +0000",
            if date.starts_with("2001") { 978_307_200 } else { 946_684_800 }
        );
        let content = format!("tree {tree}\nauthor K <k@example.com> 1 +0000\n{commit}\n\n{tag}\n");
        let file = world.folder.path().join("commit");
        std::fs::write(&file, content)?;
        let id = world
            .repo
            .run(&["hash-object", "-t", "commit", "-w", &file.display().to_string()])
            .await?;
        world.repo.tag(tag, &id).await?;
    }
    let fetched = world.fetch(&world.remote(), Wanted::Semver("1.x".into())).await?;
    assert_eq!(fetched.revision.name.as_deref(), Some("1.0.0+a"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() -> Result<()> {
    let world = World::new().await?;
    let commit = "0123456789abcdef0123456789abcdef01234567".to_owned();
    let at = |branch: Option<&str>| Wanted::Commit {
        commit: commit.clone(),
        branch: branch.map(str::to_owned),
    };
    for (wanted, says) in [
        (Wanted::Branch("absent".into()), "no branch 'absent'"),
        (Wanted::Tag("absent".into()), "no tag 'absent'"),
        (Wanted::Name("refs/pull/1/head".into()), "no reference 'refs/pull/1/head'"),
        (at(None), "no commit '0123456789abcdef0123456789abcdef01234567'"),
        (at(Some("main")), "no commit '0123456789abcdef0123456789abcdef01234567'"),
    ] {
        let error = world.fetch(&world.remote(), wanted).await.expect_err(says);
        ensure!(error.to_string().contains(says), "{error}");
        assert_eq!(error.reason(), "GitOperationFailed");
    }
    let empty = world.server.repo("empty").await?;
    let error = world
        .fetch(&super::remote(&empty.url(), Some(super::basic(capstan_kit::git::PASSWORD))), main())
        .await;
    let error = error.expect_err("empty");
    ensure!(matches!(error, FetchError::Empty { .. }), "{error}");
    assert_eq!(error.reason(), "EmptyGitRepository");
    Ok(())
}
