use std::fs;
use std::path::{Path, PathBuf};

use capstan_build::{BuildError, Options};
use capstan_model::Chain;
use capstan_store::Folder;

use crate::args::Build;
use crate::failure::Failure;
use crate::out;

/// Prints what a directory builds to.
pub(crate) fn run(args: &Build) -> Result<(), Failure> {
    let directory = real(&args.directory)?;
    let root = match &args.root {
        Some(root) => real(root)?,
        None => default_root(&directory),
    };
    let inside = directory.strip_prefix(&root).map_err(|_| {
        Failure::new(format!("`{}` is not inside `{}`", directory.display(), root.display()))
            .hint("the root must hold the directory: choose another with --root")
    })?;
    let tree = Folder::open(&root).map_err(|error| Failure::new(Chain(&error).to_string()))?;
    let path = inside.to_string_lossy();
    let text = capstan_build::render(&tree, &path, Options::KUSTOMIZE)
        .map_err(|error| failure(&error, &root))?;
    out::data(&text)
}

fn failure(error: &BuildError, root: &Path) -> Failure {
    let failure = Failure::new(error.to_string());
    match &error.hint {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
    .hint(format!("paths are relative to `{}`; choose another root with --root", root.display()))
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
