//! The folder with what was built, and the lock that lets one kit build at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::is_program;

/// The cache folder.
#[derive(Debug)]
pub(super) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the folder, and makes it if it is not there.
    pub(super) fn open() -> Result<Self> {
        let root = match std::env::var_os("CAPSTAN_KIT_CACHE") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::home_dir()
                .context("HOME is not set: name a cache folder in CAPSTAN_KIT_CACHE")?
                .join(".cache/capstan-kit"),
        };
        Self::at(root)
    }

    fn at(root: PathBuf) -> Result<Self> {
        for dir in ["bin", "stamps", "logs"] {
            let dir = root.join(dir);
            fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The program, if it is there and was built with this stamp.
    pub(super) fn find(&self, program: &str, stamp: &str) -> Option<PathBuf> {
        let file = self.program(program);
        let stamped = fs::read_to_string(self.stamp(program)).is_ok_and(|text| text == stamp);
        (stamped && is_program(&file)).then_some(file)
    }

    pub(super) fn program(&self, program: &str) -> PathBuf {
        self.root.join("bin").join(program)
    }

    /// Where the output of a build goes.
    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.root.join("logs").join(format!("{program}.log"))
    }

    /// An empty folder for a build, removed with the value.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix("build-")
            .tempdir_in(&self.root)
            .with_context(|| format!("cannot make a folder in {}", self.root.display()))
    }

    /// Puts a finished program in its place, then its stamp. A crash in between
    /// leaves a program without its stamp, which is built again.
    pub(super) fn publish(&self, finished: &Path, program: &str, stamp: &str) -> Result<()> {
        let place = self.program(program);
        fs::rename(finished, &place)
            .with_context(|| format!("cannot put {} in place", place.display()))?;
        let fresh = self.root.join("stamps").join(format!("{program}.new"));
        fs::write(&fresh, stamp).with_context(|| format!("cannot write {}", fresh.display()))?;
        fs::rename(&fresh, self.stamp(program)).context("cannot put a stamp in place")
    }

    fn stamp(&self, program: &str) -> PathBuf {
        self.root.join("stamps").join(program)
    }

    /// Waits until no other kit builds; nobody else does while the file is held.
    #[expect(clippy::print_stderr, reason = "a person waits for this")]
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        let file =
            File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("kit: another kit builds parts right now; waiting for it");
                file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_program_counts_only_with_its_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned()).unwrap();
        assert_eq!(cache.find("tool", "v1 abc"), None);

        let built = cache.scratch().unwrap();
        let file = built.path().join("tool");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        cache.publish(&file, "tool", "v1 abc").unwrap();

        assert_eq!(cache.find("tool", "v1 abc"), Some(cache.program("tool")));
        assert_eq!(cache.find("tool", "v2 abc"), None);
    }
}
