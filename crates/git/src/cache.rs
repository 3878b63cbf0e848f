use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::github::Tokens;
use crate::{Credentials, FetchError, GithubApp, Remote};

/// Every fetch leaves a small pack. Past this many, lookups slow down, and fetching anew is cheaper than repacking.
const MOST_PACKS: usize = 64;

/// The bare repositories under one folder, one a URL and user.
#[derive(Clone, Debug)]
pub struct Repositories {
    root: PathBuf,
    locks: Arc<Mutex<HashMap<PathBuf, Arc<Mutex<State>>>>>,
    tokens: Tokens,
}

/// What is known of a repository on disk.
#[derive(Debug, Default)]
struct State {
    /// Was it put in order since this process started?
    is_swept: bool,
}

impl Repositories {
    /// The repositories under a folder, which is made when the first one is.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), locks: Arc::default(), tokens: Tokens::default() }
    }

    /// Credentials of a GitHub App's installation, asked for over the proxy and with the certificates of a remote. Blocks.
    pub fn github(
        &self,
        app: &GithubApp,
        remote: &Remote,
        now: SystemTime,
    ) -> Result<Credentials, FetchError> {
        self.tokens.credentials(app, remote, now)
    }

    /// Opens the repository of a remote, making it when it is new, and runs something while nobody else writes to it.
    pub(crate) fn with<T>(
        &self,
        remote: &Remote,
        run: impl FnOnce(&gix::Repository) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let path = self.path(remote);
        let lock = {
            let mut locks = self.locks.lock().expect("no holder of this lock can panic");
            Arc::clone(locks.entry(path.clone()).or_default())
        };
        let mut state = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !state.is_swept {
            sweep(&path);
            state.is_swept = true;
        }
        run(&open(&path)?)
    }

    fn path(&self, remote: &Remote) -> PathBuf {
        let digest = Sha256::digest(format!("{}@{}", remote.user(), remote.url));
        // 128 bits keep two remotes apart for good.
        self.root.join(format!("{}.git", hex::encode(&digest[..16])))
    }
}

fn open(path: &Path) -> Result<gix::Repository, FetchError> {
    let error = |cause: String| FetchError::Cache { path: path.display().to_string(), cause };
    if count_packs(path) > MOST_PACKS {
        std::fs::remove_dir_all(path).map_err(|cause| error(cause.to_string()))?;
    }
    // No object may take more memory than the largest file, whatever a server says of its size.
    let most = format!("gitoxide.objects.allocLimit={}", capstan_tree::MOST_BYTES);
    let options = || gix::open::Options::isolated().config_overrides([most.as_str()]);
    if path.join("HEAD").exists() {
        match gix::open_opts(path, options()) {
            Ok(repository) => return Ok(repository),
            // Whoever made it was killed before it was whole.
            Err(cause) => {
                tracing::warn!(path = %path.display(), %cause, "an unusable repository is made anew");
                std::fs::remove_dir_all(path).map_err(|cause| error(cause.to_string()))?;
            }
        }
    }
    std::fs::create_dir_all(path).map_err(|cause| error(cause.to_string()))?;
    gix::ThreadSafeRepository::init_opts(
        path,
        gix::create::Kind::Bare,
        gix::create::Options::default(),
        options(),
    )
    .map(|repository| repository.to_thread_local())
    .map_err(|cause| error(cause.to_string()))
}

/// Removes what a killed process left half-done: lock files, which would keep everybody out for ever, and parts of packs.
/// Only one process uses the folder, and it is alone with the repository now.
fn sweep(path: &Path) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&path);
        } else if name.ends_with(".lock") || name.starts_with("tmp_") || name.starts_with(".tmp") {
            match std::fs::remove_file(&path) {
                Ok(()) => tracing::info!(path = %path.display(), "a leftover was removed"),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a leftover stays"),
            }
        }
    }
}

fn count_packs(path: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(path.join("objects/pack")) else { return 0 };
    entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "pack")).count()
}

#[cfg(test)]
mod tests {
    use super::Repositories;
    use crate::Remote;
    use std::fs;
    use std::time::Duration;

    fn remote() -> Remote {
        Remote::new("http://example.com/a.git", None, Duration::ZERO)
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let root = tempfile::tempdir().expect("a folder");
        let repositories = || Repositories::new(root.path());
        let path = repositories().path(&remote());
        repositories().with(&remote(), |_| Ok(())).expect("made");
        let left = ["shallow.lock", "refs/main.lock", "objects/pack/tmp_pack_x"];
        for name in left {
            fs::create_dir_all(path.join(name).parent().expect("in a folder")).expect("made");
            fs::write(path.join(name), "").expect("written");
        }
        repositories().with(&remote(), |_| Ok(())).expect("opened");
        assert!(left.iter().all(|name| !path.join(name).exists()));
    }

    #[test]
    fn a_repository_that_does_not_open_is_made_anew() {
        let root = tempfile::tempdir().expect("a folder");
        let repositories = Repositories::new(root.path());
        let path = repositories.path(&remote());
        fs::create_dir_all(&path).expect("made");
        fs::write(path.join("HEAD"), "nonsense").expect("written");
        repositories.with(&remote(), |_| Ok(())).expect("made anew");
    }
}
