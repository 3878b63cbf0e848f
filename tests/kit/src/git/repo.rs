//! One bare repository.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::fast_import::{Change, commit_stream, read_dir};
use super::hook::{Hooks, Push, WebHook};
use super::{Delivery, PASSWORD, USER};

/// A bare repository of the server. Cheap to clone.
#[derive(Clone)]
pub struct Repo {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    path: PathBuf,
    address: String,
    hooks: Hooks,
    /// One commit at a time.
    writing: Mutex<()>,
}

impl Repo {
    pub(super) async fn create(root: &Path, address: &str, name: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
        ensure!(good, "`{name}` is no name for a repository: letters, digits, `-`, `_` and `.`");
        let path = root.join(format!("{name}.git"));
        let inner = Inner {
            name: name.to_owned(),
            path,
            address: address.to_owned(),
            hooks: Hooks::default(),
            writing: Mutex::new(()),
        };
        let repo = Self { inner: Arc::new(inner) };
        let folder = repo.inner.path.display().to_string();
        let init = ["init", "--quiet", "--bare", "--initial-branch=main", &folder];
        run(Command::new("git").args(init), b"").await.context("cannot make a repository")?;
        for (key, value) in [
            ("http.receivepack", "true"),
            // Fetching one commit by its id, and parts of a tree, as hosted servers allow.
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("core.fsync", "none"),
            ("gc.auto", "0"),
        ] {
            repo.git(&["config", key, value], b"").await?;
        }
        Ok(repo)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The folder on disk.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The URL without credentials, as a GitRepository names it.
    pub fn url(&self) -> String {
        format!("http://{}/{}.git", self.inner.address, self.inner.name)
    }

    /// The URL with credentials, for git on a command line.
    pub fn url_with_credentials(&self) -> String {
        format!("http://{USER}:{PASSWORD}@{}/{}.git", self.inner.address, self.inner.name)
    }

    /// Commits on top of the branch: each path gets the content, or is removed without one. Returns
    /// the id of the commit.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn commit_files(
        &self,
        branch: &str,
        files: &[(&str, Option<&str>)],
        message: &str,
    ) -> Result<String> {
        let change = |(path, content): &(&str, Option<&str>)| match content {
            Some(content) => Change::file(*path, content.as_bytes().to_vec()),
            None => Change::remove(*path),
        };
        self.commit(branch, &files.iter().map(change).collect::<Vec<_>>(), message).await
    }

    /// Commits on top of the branch so that its tree is exactly the folder. Returns the id.
    ///
    /// # Errors
    /// When the folder cannot be read or git refuses.
    pub async fn push_dir(&self, branch: &str, dir: &Path, message: &str) -> Result<String> {
        let mut changes = vec![Change::RemoveAll];
        let what = || format!("cannot read {}", dir.display());
        read_dir(dir, "", &mut changes).with_context(what)?;
        self.commit(branch, &changes, message).await
    }

    /// Commits a submodule on top of the branch: `.gitmodules` names its URL, the path its commit. Returns the id.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn add_submodule(
        &self,
        branch: &str,
        path: &str,
        url: &str,
        commit: &str,
    ) -> Result<String> {
        let before =
            self.read(&format!("refs/heads/{branch}"), ".gitmodules").await.unwrap_or_default();
        let modules = format!("{before}[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
        let changes = [
            Change::file(".gitmodules", modules.into_bytes()),
            Change::Submodule { path: path.to_owned(), commit: commit.to_owned() },
        ];
        self.commit(branch, &changes, "a submodule").await
    }

    /// Runs git in the repository and returns what it printed, without the last line break.
    ///
    /// # Errors
    /// When git fails.
    pub async fn run(&self, args: &[&str]) -> Result<String> {
        let identity = ["-c", "user.name=Capstan Kit", "-c", "user.email=kit@capstan.example"];
        let output = self.git(&[&identity, args].concat(), b"").await?;
        Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// The commit that a branch or tag points to; nothing when there is none.
    ///
    /// # Errors
    /// When git does not run.
    pub async fn head(&self, reference: &str) -> Result<Option<String>> {
        let object = format!("{reference}^{{commit}}");
        let mut command = self.command(&["rev-parse", "--quiet", "--verify", &object]);
        let output = command.output().await.context("cannot start git")?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((!id.is_empty()).then_some(id))
    }

    /// Points a tag at a commit.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn tag(&self, name: &str, commit: &str) -> Result<()> {
        self.git(&["tag", "--force", name, commit], b"").await.map(|_| ())
    }

    /// A file as it is in a commit, branch or tag.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn read(&self, reference: &str, path: &str) -> Result<String> {
        let output = self.git(&["show", &format!("{reference}:{path}")], b"").await?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Posts to `hook` after every push from now on, as a hosted server does.
    pub fn add_hook(&self, hook: WebHook) {
        self.inner.hooks.add(hook);
    }

    /// Calls `callback` after every push from now on. It must not block.
    pub fn on_push(&self, callback: impl Fn(&Push) + Send + Sync + 'static) {
        self.inner.hooks.call(Box::new(callback));
    }

    /// What became of the posts to hooks so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.hooks.deliveries()
    }

    /// The commits of all branches, for telling what a push changed.
    pub(super) async fn branches(&self) -> Result<Vec<(String, String)>> {
        let format = "--format=%(refname:short) %(objectname)";
        let output = self.git(&["for-each-ref", format, "refs/heads"], b"").await?;
        let text = String::from_utf8_lossy(&output).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.map(|(branch, commit)| (branch.to_owned(), commit.to_owned())).collect())
    }

    /// Tells the hooks about a push.
    pub(super) fn pushed(&self, branch: &str, commit: &str) {
        let push = Push {
            repo: self.inner.name.clone(),
            branch: branch.to_owned(),
            commit: commit.to_owned(),
        };
        self.inner.hooks.fire(&push);
    }

    async fn commit(&self, branch: &str, changes: &[Change], message: &str) -> Result<String> {
        let writing = self.inner.writing.lock().await;
        let parent = self.head(&format!("refs/heads/{branch}")).await?;
        let stream = commit_stream(branch, parent.as_deref(), changes, message);
        let answer = self.git(&["fast-import", "--quiet", "--date-format=now"], &stream).await?;
        drop(writing);
        let commit = String::from_utf8_lossy(&answer).trim().to_owned();
        ensure!(!commit.is_empty(), "git fast-import did not say what it made");
        self.pushed(branch, &commit);
        Ok(commit)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.inner.path).args(args);
        command
    }

    async fn git(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        run(&mut self.command(args), input).await
    }
}

/// Runs a command to its end and returns what it printed.
async fn run(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    isolate(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start git")?;
    let mut stdin = child.stdin.take().context("git without an input")?;
    let (written, output) = tokio::join!(
        async move {
            stdin.write_all(input).await?;
            stdin.shutdown().await
        },
        child.wait_with_output()
    );
    let output = output.context("git did not end")?;
    if !output.status.success() {
        bail!("git failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    written.context("git did not read its input")?;
    Ok(output.stdout)
}

/// Keeps the settings of this machine's user out.
pub(super) fn isolate(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .kill_on_drop(true)
}
