use anyhow::{Context, Result, ensure};
use capstan_git::{FetchError, Fetched};
use capstan_kit::git::PASSWORD;
use capstan_model::Fault;
use capstan_tree::{EntryKind, Tree};
use std::sync::Arc;

use super::{World, basic, blocking, main, remote, still, text};

async fn with_submodules(world: &World, fetched: Fetched) -> Result<Arc<dyn Tree>, FetchError> {
    let (repositories, remote) = (world.repositories(), world.remote());
    blocking(move || repositories.with_submodules(&remote, &fetched, &still())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn submodules_are_parts_of_the_tree() -> Result<()> {
    let world = World::new().await?;
    let (inner, innermost) =
        (world.server.repo("inner").await?, world.server.repo("innermost").await?);
    let deepest = innermost.commit_files("main", &[("c", Some("deep"))], "c").await?;
    inner.commit_files("other", &[("b", Some("pinned"))], "b").await?;
    let pinned = inner.add_submodule("other", "down/here", "../innermost.git", &deepest).await?;
    inner.commit_files("other", &[("b", Some("newer"))], "b").await?;
    world.repo.add_submodule("main", "modules/inner", &inner.url(), &pinned).await?;

    let fetched = world.fetch(&world.remote(), main()).await?;
    assert_eq!(fetched.tree.kind("modules/inner"), None);
    let tree = with_submodules(&world, fetched.clone()).await?;
    assert_eq!(text(&tree, "a")?, "one");
    assert_eq!(text(&tree, "modules/inner/b")?, "pinned");
    assert_eq!(text(&tree, "modules/inner/down/here/c")?, "deep");
    assert_eq!(tree.kind("modules"), Some(EntryKind::Dir));

    world.server.set_down(true);
    let (repositories, remote, again) = (world.repositories(), world.remote(), fetched);
    let held = blocking(move || repositories.held_with_submodules(&remote, &again)).await;
    let held = held.context("it is on the disk")?;
    assert_eq!(held.id(""), tree.id(""));
    ensure!(tree.id("").is_some(), "it has an id");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submodule_out_of_reach_is_named() -> Result<()> {
    let world = World::new().await?;
    let commit = world.repo.head("main").await?.context("a commit")?;
    for (path, url, says) in [
        ("gone", "../absent.git", "not found"),
        ("file", "file:///etc", "neither http, https nor ssh"),
        ("up", "../../../x", "neither http, https nor ssh"),
    ] {
        let repo = world.server.repo(&format!("with-{path}")).await?;
        repo.add_submodule("main", path, url, &commit).await?;
        let from = remote(&repo.url(), Some(basic(PASSWORD)));
        let fetched = world.fetch(&from, main()).await?;
        let repositories = world.repositories();
        let ended = blocking(move || repositories.with_submodules(&from, &fetched, &still())).await;
        let error = ended.err().context("it was fetched")?;
        let said = error.to_string();
        ensure!(said.contains(&format!("submodule '{path}'")) && said.contains(says), "{said}");
        assert_eq!(error.reason(), "GitOperationFailed");
    }
    Ok(())
}
