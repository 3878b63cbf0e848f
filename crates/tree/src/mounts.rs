use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{ContentId, Entry, EntryKind, Tree, TreeError, join, normalise, parent};

/// A tree with parts of other trees at some of its paths, as submodules and included sources are.
#[derive(Clone)]
pub struct Mounts {
    base: Arc<dyn Tree>,
    mounts: BTreeMap<String, Mount>,
}

#[derive(Clone)]
struct Mount {
    tree: Arc<dyn Tree>,
    from: String,
}

/// Why something could not be mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    /// A path leads out of its tree.
    #[error(transparent)]
    Path(#[from] TreeError),
    /// There is nothing to be mounted.
    #[error("`{0}` does not exist")]
    Absent(String),
    /// There is something at the path already.
    #[error("`{0}` exists already")]
    Occupied(String),
    /// One of the directories above is a file.
    #[error("`{0}` is not a directory")]
    NotADirectory(String),
}

impl Mounts {
    /// The base alone.
    pub fn new(base: Arc<dyn Tree>) -> Self {
        Self { base, mounts: BTreeMap::new() }
    }

    /// Shows at `to` what a tree holds at `from`; a file may take the place of a file.
    ///
    /// # Errors
    /// When there is nothing at `from`, or a directory or somebody's file at `to`.
    pub fn add(&mut self, to: &str, tree: Arc<dyn Tree>, from: &str) -> Result<(), MountError> {
        let (to, from) = (normalise(to)?, normalise(from)?);
        let mounted = tree.kind(&from).ok_or_else(|| MountError::Absent(from.clone()))?;
        match self.kind(&to) {
            Some(EntryKind::File) if mounted == EntryKind::File => {}
            Some(_) => return Err(MountError::Occupied(to)),
            None => {}
        }
        let mut above = to.as_str();
        while !above.is_empty() {
            above = parent(above);
            if self.kind(above) == Some(EntryKind::File) {
                return Err(MountError::NotADirectory(above.to_owned()));
            }
        }
        self.mounts.insert(to, Mount { tree, from });
        Ok(())
    }

    /// The mount that a path lies in, and the path there.
    fn find(&self, path: &str) -> Option<(&Mount, String)> {
        let mut above = path;
        loop {
            if let Some(mount) = self.mounts.get(above) {
                let rest = path[above.len()..].trim_start_matches('/');
                return Some((mount, join(&mount.from, rest).ok()?));
            }
            if above.is_empty() {
                return None;
            }
            above = parent(above);
        }
    }

    /// What is mounted below a directory: the paths from there.
    fn below(&self, directory: &str) -> impl Iterator<Item = (&str, &Mount)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        self.mounts.iter().filter_map(move |(path, mount)| {
            let rest = path.strip_prefix(&prefix)?;
            (!rest.is_empty()).then_some((rest, mount))
        })
    }
}

impl Tree for Mounts {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let normal = normalise(path)?;
        match self.find(&normal) {
            Some((mount, there)) => mount.tree.read(&there),
            None => self.base.read(&normal),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let normal = normalise(path)?;
        let listed = match self.find(&normal) {
            Some((mount, there)) => mount.tree.list(&there),
            None => self.base.list(&normal),
        };
        let mut added = BTreeMap::new();
        for (rest, mount) in self.below(&normal) {
            match rest.split_once('/') {
                Some((name, _)) => added.insert(name.to_owned(), EntryKind::Dir),
                None => mount
                    .tree
                    .kind(&mount.from)
                    .and_then(|kind| added.insert(rest.to_owned(), kind)),
            };
        }
        let mut entries = match listed {
            Err(TreeError::NotFound(_)) if !added.is_empty() => Vec::new(),
            listed => listed?,
        };
        entries.retain(|entry| !added.contains_key(&entry.name));
        entries.extend(added.into_iter().map(|(name, kind)| Entry { name, kind }));
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let normal = normalise(path).ok()?;
        let kind = match self.find(&normal) {
            Some((mount, there)) => mount.tree.kind(&there),
            None => self.base.kind(&normal),
        };
        kind.or_else(|| self.below(&normal).next().map(|_| EntryKind::Dir))
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        let normal = normalise(path).ok()?;
        let own = match self.find(&normal) {
            Some((mount, there)) => mount.tree.id(&there),
            None => self.base.id(&normal),
        };
        let below: Vec<_> = self.below(&normal).collect();
        if below.is_empty() {
            return own;
        }
        let own = match own {
            None if self.base.kind(&normal).is_none() => ContentId::of([]),
            own => own?,
        };
        let mut parts = vec![own.as_bytes().to_vec()];
        for (rest, mount) in below {
            parts.extend([
                rest.as_bytes().to_vec(),
                mount.tree.id(&mount.from)?.as_bytes().to_vec(),
            ]);
        }
        Some(ContentId::of(parts.iter().map(Vec::as_slice)))
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        let normal = normalise(path)?;
        if self.find(&normal).is_some() { Ok(normal) } else { self.base.real(&normal) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MountError, Mounts};
    use crate::{Entry, EntryKind, MemTree, Tree, TreeError};

    fn tree(files: &[(&str, &str)]) -> Arc<dyn Tree> {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Arc::new(files.iter().map(file).collect::<MemTree>())
    }

    fn names(tree: &Mounts, path: &str) -> Vec<String> {
        tree.list(path).expect("a directory").into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn what_is_mounted_is_part_of_the_tree() {
        let mut mounts = Mounts::new(tree(&[("a/x", "base"), ("z", "base")]));
        let other = tree(&[("deep/in/y", "other"), ("file", "other")]);
        mounts.add("a/b/c", Arc::clone(&other), "deep").expect("free");
        mounts.add("./m/", Arc::clone(&other), "").expect("free");
        mounts.add("z", Arc::clone(&other), "file").expect("a file for a file");
        mounts.add("a/b/d", other, "file").expect("free");
        assert_eq!(names(&mounts, ""), ["a", "m", "z"]);
        assert_eq!(names(&mounts, "a"), ["b", "x"]);
        assert_eq!(
            mounts.list("a/b"),
            Ok(vec![
                Entry { name: "c".into(), kind: EntryKind::Dir },
                Entry { name: "d".into(), kind: EntryKind::File },
            ])
        );
        assert_eq!(names(&mounts, "a/b/c"), ["in"]);
        for (path, text) in [
            ("a/b/c/in/y", "other"),
            ("m/deep/in/y", "other"),
            ("z", "other"),
            ("a/x", "base"),
            ("a/b/d", "other"),
        ] {
            assert_eq!(mounts.read(path).as_deref(), Ok(text.as_bytes()), "{path}");
        }
        assert_eq!(mounts.kind("a/b"), Some(EntryKind::Dir));
        assert_eq!(mounts.kind("a/b/c/none"), None);
        assert_eq!(mounts.read("a/b/c/none"), Err(TreeError::NotFound("deep/none".into())));
    }

    #[test]
    fn nothing_is_mounted_over_something_else() {
        let mut mounts = Mounts::new(tree(&[("a/x", ""), ("f", "")]));
        let other = tree(&[("y", "")]);
        let mut add = |to: &str, from: &str| mounts.add(to, Arc::clone(&other), from);
        assert_eq!(add("a", ""), Err(MountError::Occupied("a".into())));
        assert_eq!(add(".", ""), Err(MountError::Occupied(String::new())));
        assert_eq!(add("f", ""), Err(MountError::Occupied("f".into())));
        assert_eq!(add("f/g", ""), Err(MountError::NotADirectory("f".into())));
        assert_eq!(add("g", "none"), Err(MountError::Absent("none".into())));
        assert!(matches!(add("../g", ""), Err(MountError::Path(TreeError::Escapes(_)))));
        assert!(matches!(add("g", "../y"), Err(MountError::Path(TreeError::Escapes(_)))));
        assert_eq!(add("g", ""), Ok(()));
        assert_eq!(add("g", ""), Err(MountError::Occupied("g".into())));
    }
}
