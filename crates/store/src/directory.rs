use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use capstan_tree::{Entry, EntryKind, MOST_BYTES, Tree, TreeError, join, normalise};

use crate::StoreError;

/// Names in one directory: more than any file system is asked to list in a build.
const MOST_ENTRIES: usize = 1_000_000;

/// A directory of this machine as a tree. Files are read when they are asked for, so it should not change meanwhile.
///
/// - Symbolic links are followed, as `kustomize build` and `flux build kustomization` do: `..` is resolved by name first,
///   then each link from where it lies. One that leads out of the directory, absolute or not, is an error where it is
///   named, and in no listing; so is one that dangles or leads in a circle. Nothing outside is ever opened.
/// - `.git` is absent, at every depth: no build reads Git's own files.
/// - Devices, pipes and sockets are absent: reading one could take for ever.
/// - A name that is not UTF-8 is absent: no kustomization can write it.
/// - A file has at most [`MOST_BYTES`].
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The directory at a path, which may be a link itself.
    ///
    /// # Errors
    /// [`StoreError::Io`] when there is no directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let root = fs::canonicalize(path).map_err(StoreError::io("read", path))?;
        if !root.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(StoreError::io("read", path)(error));
        }
        Ok(Self { root })
    }

    /// The place on this machine, without links and inside the root.
    fn place(&self, path: &str) -> Result<PathBuf, TreeError> {
        let normal = normalise(path)?;
        let is_hidden = |part: &str| part == ".git" || part.contains('\0');
        if normal.split('/').any(is_hidden) {
            return Err(TreeError::NotFound(normal));
        }
        let real = fs::canonicalize(self.root.join(&normal));
        let real = real.map_err(|error| failed(&normal, &error))?;
        match real.strip_prefix(&self.root) {
            Err(_) => Err(TreeError::Escapes(normal)),
            // A link may lead to what has no name here.
            Ok(inside) if inside.iter().any(|part| part == ".git") => {
                Err(TreeError::NotFound(normal))
            }
            Ok(_) => Ok(real),
        }
    }
}

impl Tree for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let place = self.place(path)?;
        let found = fs::metadata(&place).map_err(|error| failed(path, &error))?;
        match kind(found.file_type()) {
            Some(EntryKind::File) => {}
            Some(EntryKind::Dir) => return Err(TreeError::NotAFile(path.to_owned())),
            None => return Err(TreeError::NotFound(path.to_owned())),
        }
        if found.len() > MOST_BYTES {
            return Err(TreeError::TooLarge(path.to_owned(), found.len()));
        }
        let mut content = Vec::new();
        let file = fs::File::open(&place).map_err(|error| failed(path, &error))?;
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(|error| failed(path, &error))?;
        match content.len() as u64 {
            size if size > MOST_BYTES => Err(TreeError::TooLarge(path.to_owned(), size)),
            _ => Ok(content),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let normal = normalise(path)?;
        let place = self.place(path)?;
        if !place.is_dir() {
            return Err(TreeError::NotADirectory(normal));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&place).map_err(|error| failed(path, &error))? {
            let entry = entry.map_err(|error| failed(path, &error))?;
            if entries.len() == MOST_ENTRIES {
                let cause = format!("a directory may hold {MOST_ENTRIES} names");
                return Err(TreeError::Store(normal, cause));
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            if let Some(kind) = self.kind(&join(&normal, &name)?) {
                entries.push(Entry { name, kind });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        kind(fs::metadata(self.place(path).ok()?).ok()?.file_type())
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        let real = match self.place(path) {
            Err(TreeError::NotFound(normal)) => return Ok(normal),
            real => real?,
        };
        let inside = real.strip_prefix(&self.root).unwrap_or(&real);
        // A link may be written with a name that leads to one that is not UTF-8.
        let text = inside.to_str().ok_or_else(|| TreeError::NotFound(path.to_owned()))?;
        Ok(text.to_owned())
    }
}

fn kind(found: fs::FileType) -> Option<EntryKind> {
    if found.is_dir() { Some(EntryKind::Dir) } else { found.is_file().then_some(EntryKind::File) }
}

fn failed(path: &str, error: &io::Error) -> TreeError {
    let path = path.to_owned();
    match error.kind() {
        // A file on the way to a path makes it absent as well.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TreeError::NotFound(path),
        _ => TreeError::Store(path, error.to_string()),
    }
}
