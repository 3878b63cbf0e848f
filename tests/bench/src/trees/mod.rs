//! The trees that are built: the example fleet, and three that are generated, the same on every run.

mod crds;
mod monorepo;
mod stack;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use capstan_tree::{EntryKind, MemTree, Tree};

pub use crds::crds;
pub use monorepo::{changed, monorepo};
pub use stack::stack;

/// A tree, and the directories of it that are built.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What the table calls it.
    pub name: &'static str,
    /// The files.
    pub tree: MemTree,
    /// The directories to build.
    pub directories: Vec<String>,
}

impl Scene {
    /// The scenes of the benchmark, of which the fleet comes from the folder `fleet`.
    ///
    /// # Errors
    /// When the fleet cannot be read.
    pub fn all(fleet: &Path) -> Result<[Self; 4]> {
        Ok([example(fleet)?, monorepo(1000), crds(5_000_000), stack(10, 100)])
    }

    /// Writes the files below a folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (path, content) in self.tree.files() {
            let file = folder.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
            fs::write(&file, content).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}

/// The files below a folder.
///
/// # Errors
/// When one cannot be read, or its name is no text.
pub fn load(folder: &Path) -> Result<MemTree> {
    let mut tree = MemTree::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = fs::read(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(folder)?.to_str();
            tree.insert(name.context("a path that is no text")?, content)?;
        }
    }
    Ok(tree)
}

/// The example fleet: every directory with a kustomization.
fn example(folder: &Path) -> Result<Scene> {
    let tree = load(folder)?;
    let files = tree.files().filter_map(|(path, _)| path.strip_suffix("/kustomization.yaml"));
    let directories = files.map(str::to_owned).collect();
    Ok(Scene { name: "example fleet", tree, directories })
}

/// Adds a text file.
fn put(tree: &mut Vec<(String, Vec<u8>)>, path: impl Into<String>, text: impl Into<String>) {
    tree.push((path.into(), text.into().into_bytes()));
}

/// The directories of a tree directly below one.
fn below(tree: &MemTree, directory: &str) -> Vec<String> {
    let entries = tree.list(directory).unwrap_or_default().into_iter();
    let directories = entries.filter(|entry| entry.kind == EntryKind::Dir);
    directories.map(|entry| format!("{directory}/{}", entry.name)).collect()
}
