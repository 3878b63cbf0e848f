//! A tree in memory that knows the ids of its files and directories.

use std::collections::BTreeMap;

use crate::{ContentId, Entry, EntryKind, MemTree, Tree, TreeError, join, normalise};

/// A tree in memory with an id for everything in it, worked out once.
#[derive(Clone, Debug)]
pub struct Identified {
    tree: MemTree,
    ids: BTreeMap<String, ContentId>,
}

impl MemTree {
    /// The tree with its ids.
    pub fn identified(self) -> Identified {
        let mut ids = BTreeMap::new();
        note(&self, "", &mut ids);
        Identified { tree: self, ids }
    }
}

/// Notes the id of a directory and of all below it. A file of a tree in memory can be read.
fn note(tree: &MemTree, directory: &str, ids: &mut BTreeMap<String, ContentId>) -> ContentId {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for entry in tree.list(directory).unwrap_or_default() {
        let Ok(path) = join(directory, &entry.name) else { continue };
        let id = match entry.kind {
            EntryKind::Dir => note(tree, &path, ids),
            EntryKind::File => {
                let id = ContentId::of([tree.read(&path).unwrap_or_default().as_slice()]);
                ids.insert(path, id);
                id
            }
        };
        let kind: &[u8] = if entry.kind == EntryKind::Dir { b"directory" } else { b"file" };
        parts.extend([kind.to_vec(), entry.name.into_bytes(), id.as_bytes().to_vec()]);
    }
    let id = ContentId::of(parts.iter().map(Vec::as_slice));
    ids.insert(directory.to_owned(), id);
    id
}

impl Tree for Identified {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        self.tree.read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        self.tree.list(path)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.tree.kind(path)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        self.ids.get(&normalise(path).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use crate::{MemTree, Tree};

    fn tree(files: &[(&str, &str)]) -> impl Tree {
        let files = files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec()));
        files.collect::<MemTree>().identified()
    }

    #[test]
    fn an_id_stands_for_everything_below() {
        let one = tree(&[("a/x", "1"), ("b/y", "2")]);
        let same = tree(&[("b/y", "2"), ("a/x", "1")]);
        let other = tree(&[("a/x", "1"), ("b/y", "3")]);
        assert_eq!(one.id(""), same.id(""));
        assert_ne!(one.id(""), other.id(""));
        assert_eq!(one.id("a"), other.id("./a"));
        assert_ne!(one.id("b"), other.id("b"));
        assert_ne!(one.id("a"), one.id("b"));
        assert_eq!(one.id("c"), None);
        let (file, directory) = (tree(&[("a", "")]), tree(&[("a/b", "")]));
        assert_ne!(file.id(""), directory.id(""));
    }
}
