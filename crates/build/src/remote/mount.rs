//! One namespace for the tree of a build and the trees of its remote bases.
//!
//! A remote tree stands under a name that holds NUL, which no file has. Paths are joined inside of one tree only, so none
//! leads from one tree into another.

use capstan_tree::{Entry, EntryKind, Tree, TreeError};

use super::{Fetched, Remote, Remotes, shown};
use crate::error::{BuildError, Details, Place};

/// The name of a remote tree: its number, and how it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) index: usize,
    /// Entered at its root, which kustomize calls `notCloned` in origins.
    pub(crate) at_root: bool,
}

impl Mount {
    fn name(self) -> String {
        format!("\0{}{}\0", self.index, if self.at_root { "." } else { "" })
    }

    /// The path in the namespace of one in the tree.
    pub(crate) fn path(self, inside: &str) -> String {
        if inside.is_empty() { self.name() } else { format!("{}/{inside}", self.name()) }
    }
}

/// The remote tree that a path lies in, and the path in that tree.
pub(crate) fn split(path: &str) -> (Option<Mount>, &str) {
    let read = || {
        let (name, rest) = path.strip_prefix('\0')?.split_once('\0')?;
        let (number, at_root) = name.strip_suffix('.').map_or((name, false), |name| (name, true));
        let mount = Mount { index: number.parse().ok()?, at_root };
        Some((mount, rest.strip_prefix('/').unwrap_or(rest)))
    };
    read().map_or((None, path), |(mount, rest)| (Some(mount), rest))
}

/// The path that `relative` names when it is written in `directory`; both lie in one tree.
pub(crate) fn join(directory: &str, relative: &str) -> Result<String, TreeError> {
    let (mount, inside) = split(directory);
    let path = capstan_tree::join(inside, relative)?;
    if path.starts_with('\0') {
        return Err(TreeError::NotFound(path));
    }
    Ok(mount.map_or_else(|| path.clone(), |mount| mount.path(&path)))
}

/// All trees of a build.
pub(crate) struct Mounts<'a> {
    tree: &'a dyn Tree,
    pub(crate) remotes: &'a Remotes,
}

impl<'a> Mounts<'a> {
    pub(crate) const fn new(tree: &'a dyn Tree, remotes: &'a Remotes) -> Self {
        Self { tree, remotes }
    }

    fn at<'p>(&self, path: &'p str) -> Result<(&dyn Tree, &'p str, Option<Mount>), TreeError> {
        let (mount, inside) = split(path);
        let Some(mount) = mount else { return Ok((self.tree, path, None)) };
        match self.remotes.get(mount.index) {
            Some((_, Fetched::Tree(tree))) => Ok((&**tree, inside, Some(mount))),
            _ => Err(TreeError::NotFound(path.to_owned())),
        }
    }

    /// An error in which remote trees have the URLs of their repositories.
    pub(crate) fn readable(&self, mut error: BuildError) -> BuildError {
        let Details { message, place, layers, hint, .. } = &mut *error;
        let texts = hint.iter_mut().chain([message]);
        let places = place.iter_mut().chain(layers);
        for text in texts.chain(places.map(|Place { file, .. }| file)) {
            *text = self.readable_text(text);
        }
        let more = std::mem::take(&mut error.more);
        error.more = more.into_iter().map(|error| self.readable(error)).collect();
        error
    }

    pub(crate) fn readable_text(&self, text: &str) -> String {
        if !text.contains('\0') {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        for (index, (remote, _)) in self.remotes.fetched.iter().enumerate() {
            let Remote::Repository(repository) = remote else { continue };
            let url = shown(&repository.url);
            for at_root in [true, false] {
                let name = Mount { index, at_root }.name();
                for slash in ["/", ""] {
                    text = text.replace(&format!("{slash}{name}/"), &format!("{url}//"));
                    text = text.replace(&format!("{slash}{name}"), &url);
                }
            }
        }
        text
    }
}

impl Tree for Mounts<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let (tree, inside, _) = self.at(path)?;
        tree.read(inside)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let (tree, inside, _) = self.at(path)?;
        tree.list(inside)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        let (tree, inside, _) = self.at(path).ok()?;
        tree.kind(inside)
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        let (tree, inside, mount) = self.at(path)?;
        let real = tree.real(inside)?;
        Ok(mount.map_or_else(|| real.clone(), |mount| mount.path(&real)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Mount, join, split};

    #[test]
    fn paths_stay_in_their_tree() {
        for at_root in [true, false] {
            let mount = Mount { index: 12, at_root };
            let base = mount.path("a/b");
            assert_eq!(split(&base), (Some(mount), "a/b"));
            assert_eq!(split(&mount.path("")), (Some(mount), ""));
            assert_eq!(join(&base, "../c"), Ok(mount.path("a/c")));
            assert_eq!(join(&base, "../.."), Ok(mount.path("")));
            for out in ["../../..", "../../../etc/passwd", "/etc/passwd", &mount.path("x")] {
                assert!(join(&base, out).is_err() || out.starts_with('\0'), "{out}");
            }
            assert!(join("a", &format!("../{}", mount.path("x"))).is_err());
            assert!(join(&mount.path(""), &mount.path("x")).is_err());
        }
        assert_eq!(split("a/b"), (None, "a/b"));
        assert_eq!(split("\0x\0/b"), (None, "\0x\0/b"));
    }
}
