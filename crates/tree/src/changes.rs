//! Which files differ between two trees.

use std::collections::BTreeSet;

use crate::{Entry, EntryKind, Tree, TreeError, join, parent};

/// The paths at which two trees show different files: changed, new or gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    files: BTreeSet<String>,
    /// The directories above them, the root among them.
    directories: BTreeSet<String>,
}

impl Changes {
    /// What differs. Directories with equal [`Tree::id`]s are not entered.
    ///
    /// # Errors
    /// When one of the trees cannot be read.
    pub fn between(old: &dyn Tree, new: &dyn Tree) -> Result<Self, TreeError> {
        let mut changes = Self::default();
        changes.compare(old, new, "")?;
        Ok(changes)
    }

    /// The paths of the files that differ, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The paths about which a tree may give another answer than before: those files, and the directories above them.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &str> {
        self.directories.iter().chain(&self.files).map(String::as_str)
    }

    fn compare(
        &mut self,
        old: &dyn Tree,
        new: &dyn Tree,
        directory: &str,
    ) -> Result<(), TreeError> {
        if same_id(old, new, directory) {
            return Ok(());
        }
        let (before, after) = (old.list(directory)?, new.list(directory)?);
        // Both are sorted.
        for entry in before.iter().filter(|entry| after.binary_search(entry).is_err()) {
            self.add(old, entry, directory)?;
        }
        for entry in &after {
            if before.binary_search(entry).is_err() {
                self.add(new, entry, directory)?;
                continue;
            }
            let path = join(directory, &entry.name)?;
            match entry.kind {
                EntryKind::Dir => self.compare(old, new, &path)?,
                EntryKind::File if same_id(old, new, &path) => {}
                EntryKind::File if old.read(&path)? == new.read(&path)? => {}
                EntryKind::File => self.insert(path),
            }
        }
        Ok(())
    }

    /// Adds all files at an entry that only one of the trees has.
    fn add(&mut self, tree: &dyn Tree, entry: &Entry, directory: &str) -> Result<(), TreeError> {
        let path = join(directory, &entry.name)?;
        match entry.kind {
            EntryKind::File => self.insert(path),
            EntryKind::Dir => {
                // It may show no file at all.
                self.insert_directory(&path);
                tree.list(&path)?.iter().try_for_each(|entry| self.add(tree, entry, &path))?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: String) {
        self.insert_directory(parent(&path));
        self.files.insert(path);
    }

    /// Adds a directory and those above it.
    fn insert_directory(&mut self, mut directory: &str) {
        while self.directories.insert(directory.to_owned()) && !directory.is_empty() {
            directory = parent(directory);
        }
    }
}

fn same_id(old: &dyn Tree, new: &dyn Tree, path: &str) -> bool {
    old.id(path).is_some_and(|id| new.id(path) == Some(id))
}

#[cfg(test)]
mod tests {
    use super::Changes;
    use crate::{EntryKind, Ignore, MemTree, Tree, filtered};

    #[test]
    fn a_directory_that_shows_no_file_is_seen_to_go() {
        let shown = |paths: &[&str]| {
            let files = paths.iter().map(|path| ((*path).to_owned(), Vec::new()));
            filtered(files.collect::<MemTree>(), Ignore::new(["*.png"]))
        };
        let (old, new) = (shown(&["a/x", "b/logo.png"]), shown(&["a/x"]));
        assert_eq!((old.kind("b"), new.kind("b")), (Some(EntryKind::Dir), None));
        let changes = Changes::between(&old, &new).expect("both can be read");
        assert!(changes.touched().any(|path| path == "b"), "{changes:?}");
        assert_eq!(changes.files().count(), 0);
    }

    #[test]
    fn changed_new_and_gone() {
        let tree = |files: &[(&str, &str)]| -> MemTree {
            files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())).collect()
        };
        let old = tree(&[("a/b/1", "x"), ("a/b/2", "x"), ("c", "x"), ("d", "x")]);
        let new = tree(&[("a/b/1", "x"), ("a/b/2", "y"), ("c/e/f", "x"), ("g", "x")]);
        let changes = Changes::between(&old, &new).expect("both can be read");
        assert_eq!(changes.files().collect::<Vec<_>>(), ["a/b/2", "c", "c/e/f", "d", "g"]);
        assert_eq!(
            changes.touched().collect::<Vec<_>>(),
            ["", "a", "a/b", "c", "c/e", "a/b/2", "c", "c/e/f", "d", "g"]
        );
    }
}
