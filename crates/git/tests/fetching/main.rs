//! Fetches from real servers: git's own behind the ways that lead to it.

mod revisions;
mod ssh;
mod submodules;
mod ways;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use capstan_git::{Credentials, FetchError, Fetched, Remote, Repositories, Wanted};
use capstan_kit::git::{GitServer, PASSWORD, Repo, USER};
use capstan_model::Secret;
use capstan_tree::Tree;

/// A server, and the folder that is fetched into.
struct World {
    folder: tempfile::TempDir,
    server: GitServer,
    repo: Repo,
}

impl World {
    /// A repository with one commit on `main`, which holds the file `a`.
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = GitServer::start(&folder.path().join("served")).await?;
        let repo = server.repo("repo").await?;
        repo.commit_files("main", &[("a", Some("one"))], "the first\n\nand more").await?;
        Ok(Self { folder, server, repo })
    }

    fn repositories(&self) -> Repositories {
        Repositories::new(self.folder.path().join("fetched"))
    }

    /// The repository with the password of the server.
    fn remote(&self) -> Remote {
        remote(&self.repo.url(), Some(basic(PASSWORD)))
    }

    async fn fetch(&self, remote: &Remote, wanted: Wanted) -> Result<Fetched, FetchError> {
        let (repositories, remote) = (self.repositories(), remote.clone());
        blocking(move || repositories.fetch(&remote, &wanted, &still())).await
    }

    /// What a failed fetch says.
    async fn refused(&self, remote: &Remote, wanted: Wanted) -> Result<String> {
        Ok(self.fetch(remote, wanted).await.err().context("it was fetched")?.to_string())
    }
}

fn remote(url: &str, credentials: Option<Credentials>) -> Remote {
    Remote::new(url, credentials, Duration::from_secs(30))
}

fn basic(password: &str) -> Credentials {
    Credentials::Basic { username: USER.to_owned(), password: Secret::new(password.to_owned()) }
}

fn still() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

fn main() -> Wanted {
    Wanted::Branch("main".to_owned())
}

fn text(tree: &dyn Tree, path: &str) -> Result<String> {
    Ok(String::from_utf8(tree.read(path)?)?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it does not panic")
}
