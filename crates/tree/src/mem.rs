use std::collections::BTreeMap;

use crate::{Entry, EntryKind, Tree, TreeError, normalise};

/// A tree in memory. Directories exist by the files in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemTree {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemTree {
    /// Adds a file, replacing one of the same path.
    ///
    /// # Errors
    /// [`TreeError::Escapes`] when the path leads out; [`TreeError::NotAFile`] when it is the root.
    pub fn insert(&mut self, path: &str, content: Vec<u8>) -> Result<(), TreeError> {
        let normal = normalise(path)?;
        if normal.is_empty() {
            return Err(TreeError::NotAFile(path.to_owned()));
        }
        self.files.insert(normal, content);
        Ok(())
    }

    /// The files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Are there no files at all?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn is_dir(&self, normal: &str) -> bool {
        normal.is_empty() || {
            let prefix = format!("{normal}/");
            self.files.range(prefix.clone()..).next().is_some_and(|(p, _)| p.starts_with(&prefix))
        }
    }
}

/// Paths that lead out of the tree have no place in it and are left out.
impl FromIterator<(String, Vec<u8>)> for MemTree {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        let mut tree = Self::default();
        for (path, content) in files {
            if let Ok(normal) = normalise(&path)
                && !normal.is_empty()
            {
                tree.files.insert(normal, content);
            }
        }
        tree
    }
}

impl Tree for MemTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let normal = normalise(path)?;
        match self.files.get(&normal) {
            Some(content) => Ok(content.clone()),
            None if self.is_dir(&normal) => Err(TreeError::NotAFile(normal)),
            None => Err(TreeError::NotFound(normal)),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let normal = normalise(path)?;
        if self.files.contains_key(&normal) {
            return Err(TreeError::NotADirectory(normal));
        }
        if !self.is_dir(&normal) {
            return Err(TreeError::NotFound(normal));
        }
        let prefix = if normal.is_empty() { String::new() } else { format!("{normal}/") };
        let mut entries = Vec::new();
        let mut from = prefix.clone();
        while let Some((path, _)) = self.files.range(from..).next() {
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            let (name, kind) = match rest.split_once('/') {
                Some((name, _)) => (name, EntryKind::Dir),
                None => (rest, EntryKind::File),
            };
            // `0` follows `/`: this skips everything below a directory in one step. A file is
            // stepped over by the smallest longer path.
            from = match kind {
                EntryKind::Dir => format!("{prefix}{name}0"),
                EntryKind::File => format!("{path}\0"),
            };
            entries.push(Entry { name: name.to_owned(), kind });
        }
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let normal = normalise(path).ok()?;
        if self.files.contains_key(&normal) {
            Some(EntryKind::File)
        } else {
            self.is_dir(&normal).then_some(EntryKind::Dir)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MemTree;
    use crate::{EntryKind, Tree, TreeError};

    fn tree() -> MemTree {
        ["a/b/c.yaml", "a/b-c.yaml", "a/b.yaml", "a/b/d/e.yaml", "f", "../gone"]
            .map(|path| (path.to_owned(), path.as_bytes().to_vec()))
            .into_iter()
            .collect()
    }

    #[test]
    fn reads_and_lists() {
        let tree = tree();
        assert_eq!(tree.read("./a/x/../b/c.yaml").as_deref(), Ok(&b"a/b/c.yaml"[..]));
        let names = |path| -> Vec<(String, EntryKind)> {
            tree.list(path).expect("a directory").into_iter().map(|e| (e.name, e.kind)).collect()
        };
        assert_eq!(
            names(""),
            [("a".to_owned(), EntryKind::Dir), ("f".to_owned(), EntryKind::File)]
        );
        assert_eq!(
            names("a"),
            [
                ("b".to_owned(), EntryKind::Dir),
                ("b-c.yaml".to_owned(), EntryKind::File),
                ("b.yaml".to_owned(), EntryKind::File),
            ]
        );
        assert_eq!(tree.kind("a/b"), Some(EntryKind::Dir));
        assert_eq!(tree.kind("a/b/c.yaml"), Some(EntryKind::File));
        assert_eq!(tree.kind("nope"), None);
    }

    #[test]
    fn says_what_is_wrong() {
        let tree = tree();
        assert_eq!(tree.read("a"), Err(TreeError::NotAFile("a".to_owned())));
        assert_eq!(tree.read("b"), Err(TreeError::NotFound("b".to_owned())));
        assert_eq!(tree.list("f"), Err(TreeError::NotADirectory("f".to_owned())));
        assert_eq!(tree.read("../gone"), Err(TreeError::Escapes("../gone".to_owned())));
        assert_eq!(tree.len(), 5);
    }
}
