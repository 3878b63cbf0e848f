//! Where builds read: a directory, and the root around it.

use std::fs;
use std::path::{Path, PathBuf};

use capstan_model::{Chain, Fault};
use capstan_store::Folder;

use crate::failure::Failure;

/// A directory to build, in the tree that the build may read.
pub(super) struct Source {
    pub(super) tree: Folder,
    root: PathBuf,
    /// The directory, from the root of the tree.
    pub(super) path: String,
}

impl Source {
    /// Opens a directory. Without a root it is the Git work tree around the directory.
    pub(super) fn open(directory: &Path, root: Option<&Path>) -> Result<Self, Failure> {
        let directory = real(directory)?;
        let root = match root {
            Some(root) => real(root)?,
            None => default_root(&directory),
        };
        let inside = directory.strip_prefix(&root).map_err(|_| {
            Failure::new(format!("`{}` is not inside `{}`", directory.display(), root.display()))
                .hint("the root must hold the directory: choose another with --root")
        })?;
        let path = inside.to_string_lossy().into_owned();
        let tree = Folder::open(&root).map_err(|error| Failure::new(Chain(&error).to_string()))?;
        Ok(Self { tree, root, path })
    }

    /// A faulty build as a failure.
    pub(super) fn failure(&self, error: &dyn Fault) -> Failure {
        let failure =
            error.hints().into_iter().fold(Failure::new(error.to_string()), Failure::hint);
        let root = self.root.display();
        failure.hint(format!("paths are relative to `{root}`; choose another root with --root"))
    }
}

fn real(path: &Path) -> Result<PathBuf, Failure> {
    let real = fs::canonicalize(path)
        .map_err(|error| Failure::new(format!("failed to read `{}`: {error}", path.display())))?;
    if real.is_dir() {
        return Ok(real);
    }
    Err(Failure::new(format!("`{}` is not a directory", path.display()))
        .hint("name the directory that holds the kustomization.yaml"))
}

/// The Git work tree around a directory; else the current directory when it is around it.
fn default_root(directory: &Path) -> PathBuf {
    if let Some(work_tree) = directory.ancestors().find(|parent| parent.join(".git").exists()) {
        return work_tree.to_owned();
    }
    match std::env::current_dir().and_then(fs::canonicalize) {
        Ok(current) if directory.starts_with(&current) => current,
        _ => directory.to_owned(),
    }
}
