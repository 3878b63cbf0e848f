//! The folder of one kit: logs, certificates, volumes of pods. Kept unless all went well.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// What all folders of kits begin with.
const PREFIX: &str = "capstan-kit-";
/// A memory file system for what need not survive.
const MEMORY: &str = "/dev/shm";
/// How long a folder that was kept after a failure stays.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// The folder of one kit. Dropping it removes the folder only after [`KitDir::finished`]: a test that
/// panics or returns early leaves its logs behind, for a day.
///
/// It is locked while the kit lives, so that a later kit can clear what a killed one left behind.
#[derive(Debug)]
pub struct KitDir {
    path: PathBuf,
    finished: AtomicBool,
    _lock: File,
}

impl KitDir {
    /// Makes a new folder below the system's folder for temporary files.
    ///
    /// # Errors
    /// When no folder can be made there.
    pub fn new() -> Result<Self> {
        let temp = std::env::temp_dir();
        clear_left_behind(&temp, KEPT);
        let (path, lock) = make_locked(&temp)?;
        Ok(Self { path, finished: AtomicBool::new(false), _lock: lock })
    }

    /// The folder for files worth reading after a failure.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that nobody needs the logs any more.
    pub fn finished(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    /// A folder in here, made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for KitDir {
    #[expect(clippy::print_stderr, reason = "the reader of a failed test needs the place")]
    fn drop(&mut self) {
        if self.finished.load(Ordering::Relaxed) && !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.path);
        } else {
            eprintln!("kit: logs are kept in {}", self.path.display());
        }
    }
}

/// A folder for a database, in memory where the machine has a memory file system; removed on drop.
#[derive(Debug)]
pub struct MemoryDir {
    path: PathBuf,
    _lock: File,
}

impl MemoryDir {
    /// Makes a new folder.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> Result<Self> {
        let memory = PathBuf::from(MEMORY);
        let root = if memory.is_dir() { memory } else { std::env::temp_dir() };
        if root == Path::new(MEMORY) {
            clear_left_behind(&root, Duration::ZERO);
        }
        let (path, lock) = make_locked(&root)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for MemoryDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Makes a folder with a random name in `root` and locks it for the life of the file.
fn make_locked(root: &Path) -> Result<(PathBuf, File)> {
    let dir = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(root)
        .with_context(|| format!("cannot make a folder in {}", root.display()))?
        .keep();
    let file = File::create(dir.join("lock"))
        .with_context(|| format!("cannot write in {}", dir.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", dir.display()))?;
    Ok((dir, file))
}

/// Removes folders of kits that ended without cleaning up, once they are older than `age`.
fn clear_left_behind(root: &Path, age: Duration) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if named && is_older(&entry.path(), age) && is_unlocked(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_older(path: &Path, age: Duration) -> bool {
    // A minute of grace: between making a folder and locking it, nobody holds it.
    let modified = fs::metadata(path).and_then(|data| data.modified());
    let elapsed = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    elapsed.is_ok_and(|elapsed| elapsed > age.max(Duration::from_secs(60)))
}

fn is_unlocked(path: &Path) -> bool {
    File::open(path.join("lock")).map_or(true, |file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_unless_all_went_well() {
        let dir = KitDir::new().unwrap();
        let path = dir.path().to_owned();
        dir.finished();
        drop(dir);
        assert!(!path.exists());

        let dir = KitDir::new().unwrap();
        let path = dir.path().to_owned();
        drop(dir);
        assert!(path.exists());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_living_kit_is_not_cleared() {
        let dir = KitDir::new().unwrap();
        assert!(!is_unlocked(dir.path()));
        assert!(!is_older(dir.path(), Duration::ZERO));
        dir.finished();
    }
}
