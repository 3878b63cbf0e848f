use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::StoreError;
use crate::pack::Packed;

/// Artifacts kept of each source: the one that is announced and the one before it, which somebody
/// may still be downloading (Flux, `artifact-retention-records`).
const KEPT: usize = 2;

/// A folder of artifacts: `<root>/<kind>/<namespace>/<name>/<commit or digest>.tar.gz`.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A published artifact, as `status.artifact` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Path below the root and below the URL of the server.
    pub path: String,
    /// `sha256:<hex>` of the file.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
}

impl Store {
    /// A store in a folder, which is created when it is absent.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(StoreError::io("create the folder", &root))?;
        Ok(Self { root })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of an artifact below the root; the kind is written in lower case, as Flux does.
    ///
    /// # Errors
    /// [`StoreError::Name`] for a part that is empty, hidden or holds a separator.
    pub fn path(
        kind: &str,
        namespace: &str,
        name: &str,
        commit: &str,
    ) -> Result<String, StoreError> {
        for part in [kind, namespace, name, commit] {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
            if part.is_empty() || part.starts_with('.') || !part.bytes().all(plain) {
                return Err(StoreError::Name(part.to_owned()));
            }
        }
        Ok(format!("{}/{namespace}/{name}/{commit}.tar.gz", kind.to_lowercase()))
    }

    /// Puts an artifact in place and removes all but the newest two of its source.
    ///
    /// Readers see the whole file or none: it is written beside its place and renamed. Idempotent,
    /// because equal trees pack to equal bytes under the same name.
    ///
    /// # Errors
    /// A name that is no file name, or a file that cannot be written.
    pub fn publish(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        commit: &str,
        packed: &Packed,
    ) -> Result<Published, StoreError> {
        let path = Self::path(kind, namespace, name, commit)?;
        let file = self.root.join(&path);
        let folder = file.parent().expect("because the path has four parts");
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        let partial = folder.join(format!(".{commit}.partial"));
        write(&partial, &packed.bytes)?;
        fs::rename(&partial, &file).map_err(StoreError::io("rename", &partial))?;
        retain_newest(folder, &file)?;
        Ok(Published { path, digest: packed.digest.clone(), size: packed.bytes.len() as u64 })
    }

    /// Does an artifact exist, to the byte count? A store on a fresh volume has none.
    pub fn holds(&self, published: &Published) -> bool {
        let file = self.root.join(&published.path);
        fs::metadata(file).is_ok_and(|found| found.len() == published.size)
    }

    /// The bytes of an artifact.
    ///
    /// # Errors
    /// A path that is none of ours, a file that cannot be read, or one that is not what was published.
    pub fn read(&self, published: &Published) -> Result<Vec<u8>, StoreError> {
        let parts: Vec<&str> = published.path.split('/').collect();
        let refused = || StoreError::Name(published.path.clone());
        let [kind, namespace, name, file] = parts[..] else { return Err(refused()) };
        let file = file.strip_suffix(".tar.gz").ok_or_else(refused)?;
        let file = self.root.join(Self::path(kind, namespace, name, file)?);
        let bytes = fs::read(&file).map_err(StoreError::io("read", &file))?;
        if Packed::of(bytes.clone()).digest != published.digest {
            return Err(StoreError::Changed(published.path.clone()));
        }
        Ok(bytes)
    }

    /// Removes every artifact of a source, as its finalizer asks. Idempotent.
    ///
    /// # Errors
    /// A name that is no file name, or a folder that cannot be removed.
    pub fn remove(&self, kind: &str, namespace: &str, name: &str) -> Result<(), StoreError> {
        let file = self.root.join(Self::path(kind, namespace, name, "any")?);
        let folder = file.parent().expect("because the path has four parts");
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", folder)(error))
            }
            _ => Ok(()),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = fs::File::create(path).map_err(StoreError::io("create", path))?;
    file.write_all(bytes).map_err(StoreError::io("write", path))?;
    file.sync_all().map_err(StoreError::io("write", path))
}

/// Leaves the newest files; what was just published is the newest whatever the clock says.
fn retain_newest(folder: &Path, newest: &Path) -> Result<(), StoreError> {
    let mut others: Vec<(SystemTime, PathBuf)> = Vec::new();
    let entries = fs::read_dir(folder).map_err(StoreError::io("list", folder))?;
    for entry in entries {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        let artifact = path.to_str().is_some_and(|p| p.ends_with(".tar.gz")) && path != newest;
        if artifact {
            let found = fs::metadata(&path).map_err(StoreError::io("read", &path))?;
            others.push((found.modified().unwrap_or(SystemTime::UNIX_EPOCH), path));
        }
    }
    others.sort_by(|a, b| b.cmp(a));
    for (_, path) in others.into_iter().skip(KEPT - 1) {
        fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
    }
    Ok(())
}
