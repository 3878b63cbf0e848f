//! The kustomization of a directory that has none, as Flux's controller makes it.

use capstan_tree::{EntryKind, Tree, join};

use crate::error::{BuildError, Place};
use crate::kustomization::{FILES, Kustomization, Placed};
use crate::load;

/// Names every YAML file below the directory. A sub-directory with a kustomization of its own is
/// named as a whole and not searched.
pub(crate) fn kustomization(tree: &dyn Tree, root: &str) -> Result<Kustomization, BuildError> {
    match tree.kind(root) {
        Some(EntryKind::Dir) => {}
        Some(EntryKind::File) => {
            return Err(BuildError::new(format!("`{root}` is a file, not a directory"))
                .hint("a build starts at a directory"));
        }
        None if root.is_empty() => {}
        None => return Err(load::missing(tree, "", root)),
    }
    let resources = resources(tree, root)?;
    let file =
        format!("{}/kustomization.yaml (generated)", if root.is_empty() { "." } else { root });
    let placed =
        |(index, value)| Placed { value, place: Place { file: file.clone(), line: index + 1 } };
    let resources = resources.into_iter().enumerate().map(placed).collect();
    Ok(Kustomization { file: file.clone(), resources, ..Kustomization::default() })
}

/// The resources that such a directory has, as paths from it: YAML files, and directories with a kustomization.
///
/// # Errors
/// When the tree cannot be read.
pub fn resources(tree: &dyn Tree, root: &str) -> Result<Vec<String>, BuildError> {
    let mut found = Vec::new();
    if tree.kind(root).is_some() {
        search(tree, root, "", &mut found)?;
    }
    Ok(found)
}

fn search(
    tree: &dyn Tree,
    root: &str,
    below: &str,
    found: &mut Vec<String>,
) -> Result<(), BuildError> {
    let path =
        |relative: &str| join(root, relative).map_err(|error| BuildError::new(error.to_string()));
    let entries = tree.list(&path(below)?).map_err(|error| BuildError::new(error.to_string()))?;
    for entry in entries {
        let relative =
            if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
        match entry.kind {
            EntryKind::File => {
                if entry.name.ends_with(".yaml") || entry.name.ends_with(".yml") {
                    found.push(relative);
                }
            }
            EntryKind::Dir => {
                let directory = path(&relative)?;
                let has = |name: &&str| {
                    tree.kind(&format!("{directory}/{name}")) == Some(EntryKind::File)
                };
                if FILES.iter().any(has) {
                    found.push(relative);
                } else {
                    search(tree, root, &relative, found)?;
                }
            }
        }
    }
    Ok(())
}
