use crate::{ContentId, Entry, EntryKind, Tree, TreeError, normalise};

/// A tree with only the files whose path begins with one of some texts, as Flux's sparse checkout takes them: `app` holds
/// `apple/x` too.
#[derive(Clone, Debug)]
pub struct Sparse<T> {
    tree: T,
    starts: Vec<String>,
}

impl<T: Tree> Sparse<T> {
    /// Shows what begins with one of the texts; `./` in front of a text does not count.
    pub fn new(tree: T, starts: &[String]) -> Self {
        let start = |text: &String| text.strip_prefix("./").unwrap_or(text).to_owned();
        Self { tree, starts: starts.iter().map(start).collect() }
    }

    fn shows_file(&self, path: &str) -> bool {
        self.starts.iter().any(|start| path.starts_with(start))
    }

    /// Does every file of a directory show?
    fn shows_all(&self, directory: &str) -> bool {
        self.shows_file(&below(directory))
    }

    fn shows_directory(&self, directory: &str) -> bool {
        let path = below(directory);
        let may = self.starts.iter().any(|start| start.starts_with(&path));
        directory.is_empty() || self.shows_all(directory) || (may && self.holds_any(directory))
    }

    fn holds_any(&self, directory: &str) -> bool {
        self.list(directory).is_ok_and(|entries| !entries.is_empty())
    }

    fn shows(&self, path: &str, kind: EntryKind) -> bool {
        match kind {
            EntryKind::File => self.shows_file(path),
            EntryKind::Dir => self.shows_directory(path),
        }
    }
}

fn below(directory: &str) -> String {
    if directory.is_empty() { String::new() } else { format!("{directory}/") }
}

impl<T: Tree> Tree for Sparse<T> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let normal = normalise(path)?;
        if self.tree.kind(&normal) == Some(EntryKind::File) && !self.shows_file(&normal) {
            return Err(TreeError::NotFound(normal));
        }
        self.tree.read(&normal)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let normal = normalise(path)?;
        let mut entries = self.tree.list(&normal)?;
        if !self.shows_all(&normal) {
            let above = below(&normal);
            entries.retain(|entry| self.shows(&format!("{above}{}", entry.name), entry.kind));
        }
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let normal = normalise(path).ok()?;
        self.tree.kind(&normal).filter(|kind| self.shows(&normal, *kind))
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        let normal = normalise(path).ok()?;
        let id = self.tree.id(&normal)?;
        if self.shows_all(&normal) {
            return Some(id);
        }
        let mut parts = vec![id.as_bytes()];
        parts.extend(self.starts.iter().map(String::as_bytes));
        Some(ContentId::of(parts))
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        self.tree.real(path)
    }
}

#[cfg(test)]
mod tests {
    use super::Sparse;
    use crate::{EntryKind, MemTree, Tree};

    #[test]
    fn only_what_begins_so_shows() {
        let paths = ["root", "apps/a/x", "apps/b/x", "apps/bc/x", "other/x"];
        let tree: MemTree = paths.iter().map(|path| ((*path).to_owned(), Vec::new())).collect();
        let sparse = Sparse::new(&tree, &["./apps/b".to_owned(), "none".to_owned()]);
        let names = |path: &str| -> Vec<String> {
            sparse.list(path).expect("a directory").into_iter().map(|entry| entry.name).collect()
        };
        assert_eq!(
            (names(""), names("apps"), names("apps/b")),
            (vec!["apps".to_owned()], vec!["b".to_owned(), "bc".to_owned()], vec!["x".to_owned()],)
        );
        assert!(sparse.read("apps/b/x").is_ok());
        for hidden in ["root", "apps/a/x", "other/x"] {
            assert!(sparse.read(hidden).is_err(), "{hidden}");
            assert_eq!(sparse.kind(hidden), None, "{hidden}");
        }
        assert_eq!(sparse.kind("apps/a"), None);
        assert_eq!(sparse.kind("apps"), Some(EntryKind::Dir));
        let all = Sparse::new(&tree, &["./".to_owned()]);
        assert!(paths.iter().all(|path| all.read(path).is_ok()));
    }
}
