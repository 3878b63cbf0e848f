use std::fs;
use std::path::{Path, PathBuf};

use capstan_tree::MemTree;

use crate::StoreError;

/// Reads a directory into memory.
///
/// Symbolic links are followed while they lead to something inside the directory; others are left
/// out, and so is `.git`. A link to one of its own parents is left out too, since it would never
/// end.
///
/// # Errors
/// [`StoreError::Io`] for a directory or file that cannot be read.
pub fn read_dir(path: impl AsRef<Path>) -> Result<MemTree, StoreError> {
    let path = path.as_ref();
    let root = fs::canonicalize(path).map_err(StoreError::io("read", path))?;
    let mut files = Vec::new();
    let mut walk = Walk { root: &root, above: vec![root.clone()], files: &mut files };
    walk.directory(&root, "")?;
    Ok(files.into_iter().collect())
}

struct Walk<'a> {
    root: &'a Path,
    /// The real directories that lead to the current one.
    above: Vec<PathBuf>,
    files: &'a mut Vec<(String, Vec<u8>)>,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, prefix: &str) -> Result<(), StoreError> {
        for entry in fs::read_dir(directory).map_err(StoreError::io("list", directory))? {
            let entry = entry.map_err(StoreError::io("list", directory))?;
            // A name that is not UTF-8 cannot be written in a kustomization either.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name != ".git" {
                self.entry(&entry.path(), &format!("{prefix}{name}"))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, inner: &str) -> Result<(), StoreError> {
        // A dangling link has no target.
        let Ok(real) = fs::canonicalize(path) else { return Ok(()) };
        if !real.starts_with(self.root) || self.above.contains(&real) {
            return Ok(());
        }
        if real.is_dir() {
            self.above.push(real.clone());
            self.directory(&real, &format!("{inner}/"))?;
            self.above.pop();
        } else if real.is_file() {
            let content = fs::read(&real).map_err(StoreError::io("read", path))?;
            self.files.push((inner.to_owned(), content));
        }
        Ok(())
    }
}
