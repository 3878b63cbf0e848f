use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use crate::FetchError;
use crate::fetch::Remote;

/// Every fetch leaves a small pack. Past this many, lookups slow down, and fetching anew is cheaper than repacking.
const MOST_PACKS: usize = 64;

/// The bare repositories under one folder, one a URL and user.
#[derive(Clone, Debug)]
pub struct Repositories {
    root: PathBuf,
    locks: Arc<Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>>,
}

impl Repositories {
    /// The repositories under a folder, which is made when the first one is.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), locks: Arc::default() }
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
        let _alone = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        run(&open(&path)?)
    }

    fn path(&self, remote: &Remote) -> PathBuf {
        let user = remote.credentials.as_ref().map_or("", |credentials| &credentials.username);
        let digest = Sha256::digest(format!("{user}@{}", remote.url));
        // 128 bits keep two remotes apart for good.
        self.root.join(format!("{}.git", hex::encode(&digest[..16])))
    }
}

fn open(path: &Path) -> Result<gix::Repository, FetchError> {
    let error = |cause: String| FetchError::Cache { path: path.display().to_string(), cause };
    if count_packs(path) > MOST_PACKS {
        std::fs::remove_dir_all(path).map_err(|cause| error(cause.to_string()))?;
    }
    let options = || gix::open::Options::isolated();
    if !path.join("HEAD").exists() {
        std::fs::create_dir_all(path).map_err(|cause| error(cause.to_string()))?;
        gix::ThreadSafeRepository::init_opts(
            path,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            options(),
        )
        .map_err(|cause| error(cause.to_string()))?;
    }
    gix::open_opts(path, options()).map_err(|cause| error(cause.to_string()))
}

fn count_packs(path: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(path.join("objects/pack")) else { return 0 };
    entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "pack")).count()
}
