//! What was read from a tree, and whether another tree would have answered the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::changes::Changes;
use crate::{Entry, EntryKind, Tree, TreeError, normalise};

/// A tree that notes what is read from it.
#[derive(Debug)]
pub struct Recorder<T> {
    tree: T,
    seen: Mutex<BTreeMap<String, Seen>>,
}

/// The answers that a tree gave. What gets the same answers from another tree comes to the same result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    seen: BTreeMap<String, Seen>,
}

/// The answers about one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    kind: Option<Option<EntryKind>>,
    /// Digest of the content of a file.
    content: Option<[u8; 32]>,
    names: Option<Vec<Entry>>,
    /// The store failed. It may do better next time.
    failed: bool,
}

impl<T: Tree> Recorder<T> {
    /// Notes from now on.
    pub const fn new(tree: T) -> Self {
        Self { tree, seen: Mutex::new(BTreeMap::new()) }
    }

    /// All that was noted.
    pub fn into_read_set(self) -> ReadSet {
        ReadSet { seen: self.seen.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Notes an answer about a path. One that leads out of the tree has the same answer everywhere.
    fn note(&self, path: &str, note: impl FnOnce(&mut Seen)) {
        if let Ok(path) = normalise(path) {
            note(self.lock().entry(path).or_default());
        }
    }

    fn note_error(&self, path: &str, error: &TreeError) {
        match error {
            TreeError::Store(..) => self.note(path, |seen| seen.failed = true),
            _ => self.note(path, |seen| seen.kind = Some(self.tree.kind(path))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Tree> Tree for Recorder<T> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let read = self.tree.read(path);
        match &read {
            Ok(content) => self.note(path, |seen| seen.content = Some(digest(content))),
            Err(error) => self.note_error(path, error),
        }
        read
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let listed = self.tree.list(path);
        match &listed {
            Ok(entries) => self.note(path, |seen| seen.names = Some(entries.clone())),
            Err(error) => self.note_error(path, error),
        }
        listed
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let kind = self.tree.kind(path);
        self.note(path, |seen| seen.kind = Some(kind));
        kind
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        let real = self.tree.real(path);
        // Where links lead is not noted, so whoever met one reads again.
        if real != normalise(path) {
            self.note(path, |seen| seen.failed = true);
        }
        real
    }
}

impl ReadSet {
    /// The paths about which something was asked, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.seen.keys().map(String::as_str)
    }

    /// The first path about which a tree answers something else; `None`: the same reads come to the same result.
    pub fn first_difference(&self, tree: &dyn Tree) -> Option<&str> {
        let mut seen = self.seen.iter();
        seen.find(|(path, seen)| !seen.holds(path, tree)).map(|(path, _)| path.as_str())
    }

    /// As [`ReadSet::first_difference`], where it is known what changed since the tree that was read: `tree` is asked
    /// about nothing else.
    pub fn first_difference_in(&self, changes: &Changes, tree: &dyn Tree) -> Option<&str> {
        let asked = |path: &str| self.seen.get_key_value(path);
        let mut touched = changes.touched().filter_map(asked);
        let failed = || self.seen.iter().find(|(_, seen)| seen.failed);
        let found = touched.find(|(path, seen)| !seen.holds(path, tree)).or_else(failed);
        found.map(|(path, _)| path.as_str())
    }
}

impl Seen {
    fn holds(&self, path: &str, tree: &dyn Tree) -> bool {
        let same_kind = || self.kind.is_none_or(|kind| tree.kind(path) == kind);
        let same_names = || match &self.names {
            None => true,
            Some(names) => tree.list(path).is_ok_and(|now| now == *names),
        };
        let same_content = || match &self.content {
            None => true,
            Some(before) => tree.read(path).is_ok_and(|now| digest(&now) == *before),
        };
        !self.failed && same_kind() && same_names() && same_content()
    }
}

fn digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

#[cfg(test)]
mod tests {
    use super::{ReadSet, Recorder};
    use crate::{Changes, MemTree, Tree};

    fn tree(files: &[(&str, &str)]) -> MemTree {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    const FILES: [(&str, &str); 3] = [("a/k.yaml", "x"), ("a/r.yaml", "y"), ("b/z.yaml", "z")];

    fn read() -> ReadSet {
        let recorder = Recorder::new(tree(&FILES));
        assert_eq!(recorder.kind("a/K.yml"), None);
        recorder.read("a/./k.yaml").expect("is there");
        recorder.list("a").expect("is there");
        recorder.read("a/missing").expect_err("is absent");
        recorder.read("../out").expect_err("leads out");
        recorder.into_read_set()
    }

    /// Both ways to ask agree.
    fn difference(new: &[(&str, &str)]) -> Option<String> {
        let (old, new, reads) = (tree(&FILES), tree(new), read());
        let changes = Changes::between(&old, &new).expect("both can be read");
        let answer = reads.first_difference(&new).map(str::to_owned);
        assert_eq!(
            answer.is_some(),
            reads.first_difference_in(&changes, &new).is_some(),
            "{changes:?}"
        );
        answer
    }

    #[test]
    fn what_was_not_read_makes_no_difference() {
        assert_eq!(difference(&FILES), None);
        assert_eq!(difference(&[FILES[0], ("a/r.yaml", "other"), ("c/new", "")]), None);
        assert_eq!(difference(&[FILES[0], FILES[1]]), None);
    }

    #[test]
    fn what_was_read_makes_one() {
        let differs = |new: &[(&str, &str)]| difference(new).expect("differs");
        assert_eq!(differs(&[("a/k.yaml", "other"), FILES[1], FILES[2]]), "a/k.yaml");
        assert_eq!(differs(&[FILES[0], FILES[1], ("a/new.yaml", "")]), "a", "a name is new");
        assert_eq!(differs(&[FILES[0]]), "a", "a name is gone");
        assert_eq!(differs(&[FILES[0], FILES[1], ("a/K.yml/x", "")]), "a");
        assert_eq!(differs(&[]), "a");
    }

    #[test]
    fn an_absent_path_that_comes_up_makes_one() {
        let recorder = Recorder::new(tree(&FILES));
        recorder.kind("a/deep/er");
        let reads = recorder.into_read_set();
        assert_eq!(reads.paths().collect::<Vec<_>>(), ["a/deep/er"]);
        let new = tree(&[FILES[0], ("a/deep/er/f", "")]);
        let changes = Changes::between(&tree(&FILES), &new).expect("both can be read");
        assert_eq!(reads.first_difference_in(&changes, &new), Some("a/deep/er"));
        assert_eq!(reads.first_difference(&new), Some("a/deep/er"));
    }
}
