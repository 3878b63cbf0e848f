//! Immutable source trees: what the build reads from, whatever holds the bytes.
//!
//! A path is relative to the root of its tree, divided by `/`; `.` and `..` are resolved by name.
//! Nothing outside the root can be named: a path that climbs above it is an error, never a read.

mod changes;
mod identified;
pub mod ignore;
mod links;
mod mem;
mod mounts;
mod path;
mod record;
mod sparse;

pub use changes::Changes;
pub use identified::Identified;
pub use ignore::{Ignore, filtered};
pub use links::follow;
pub use mem::MemTree;
pub use mounts::{MountError, Mounts};
pub use path::{join, normalise, parent};
pub use record::{ReadSet, Recorder};
pub use sparse::Sparse;

use sha2::{Digest, Sha256};

/// Bytes that a file may have; GitHub takes none of half the size. It bounds what one read can cost.
pub const MOST_BYTES: u64 = 256 << 20;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A file. A tree shows a symbolic link as what it leads to inside the tree, or not at all.
    File,
    /// A directory.
    Dir,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Why a path could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The path is absolute or climbs above the root, or a symbolic link on it does.
    #[error("`{0}` leads out of the source tree")]
    Escapes(String),
    /// Nothing is there.
    #[error("`{0}` does not exist")]
    NotFound(String),
    /// A directory was to be read as a file.
    #[error("`{0}` is a directory")]
    NotAFile(String),
    /// A file was to be listed.
    #[error("`{0}` is not a directory")]
    NotADirectory(String),
    /// Symbolic links lead on without end.
    #[error("the symbolic links on `{0}` have no end")]
    Loop(String),
    /// The file is larger than [`MOST_BYTES`]; the second part is its size.
    #[error("`{0}` is too large: it has {1} bytes, and a file may have {MOST_BYTES}")]
    TooLarge(String, u64),
    /// The store behind the tree failed; the second part says how.
    #[error("failed to read `{0}`: {1}")]
    Store(String, String),
}

/// A directory tree that does not change while it is read.
pub trait Tree: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When the path escapes, is absent, is a directory, or the store fails.
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError>;

    /// The names in a directory, sorted. The root is the empty path.
    ///
    /// # Errors
    /// When the path escapes, is absent, is a file, or the store fails.
    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError>;

    /// What stands at a path; `None` when it is absent or escapes.
    fn kind(&self, path: &str) -> Option<EntryKind>;

    /// An id of everything at a path and below it, where the store has one: equal ids of two trees mean equal content.
    fn id(&self, path: &str) -> Option<ContentId> {
        let _ = path;
        None
    }

    /// The path in its one spelling and without symbolic links, for trees that show them; what stands there need not exist.
    ///
    /// # Errors
    /// When the path or a link on it escapes, or links lead on without end.
    fn real(&self, path: &str) -> Result<String, TreeError> {
        normalise(path)
    }
}

/// The id of a file's content, or of a whole directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// The id that stands for some parts, such as the store's own id of an object.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Tree + ?Sized> Tree for &T {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        (**self).read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        (**self).list(path)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        (**self).kind(path)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        (**self).id(path)
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        (**self).real(path)
    }
}

impl<T: Tree + ?Sized> Tree for std::sync::Arc<T> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        (**self).read(path)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        (**self).list(path)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        (**self).kind(path)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        (**self).id(path)
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        (**self).real(path)
    }
}
