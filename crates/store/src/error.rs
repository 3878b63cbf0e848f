use std::io;
use std::path::{Path, PathBuf};

use capstan_model::{Fault, Retry};
use capstan_tree::TreeError;

/// Why an artifact could not be made, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The tree could not be read.
    #[error("failed to read the source tree")]
    Tree(#[from] TreeError),
    /// A file could not be read or written.
    #[error("failed to {action} `{}`", path.display())]
    Io {
        /// What was tried: `read`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The archive could not be written to memory.
    #[error("failed to pack the source tree")]
    Pack(#[source] io::Error),
    /// An archive that cannot be read, or holds what it must not.
    #[error("failed to unpack the archive{}: {why}", named(entry))]
    Archive {
        /// The path of the entry that is wrong; empty when it is the archive.
        entry: String,
        /// What is wrong.
        why: String,
    },
    /// A file is not what was published.
    #[error("the artifact `{0}` was changed on the disk")]
    Changed(String),
    /// A kind, namespace, name or commit that would be no file name.
    #[error("`{0}` cannot be part of an artifact's path")]
    Name(String),
}

fn named(entry: &str) -> String {
    if entry.is_empty() { String::new() } else { format!(": `{entry}`") }
}

impl StoreError {
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl Fault for StoreError {
    fn retry(&self) -> Retry {
        match self {
            Self::Name(_) => Retry::Never,
            Self::Tree(_) | Self::Archive { .. } | Self::Changed(_) => Retry::AfterChange,
            Self::Io { .. } | Self::Pack(_) => Retry::Transient,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Tree(_) | Self::Pack(_) | Self::Archive { .. } => "ArchiveOperationFailed",
            Self::Io { action: "create the folder", .. } => "DirectoryCreationFailed",
            Self::Io { .. } | Self::Name(_) | Self::Changed(_) => "StorageOperationFailed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                vec!["the volume of the artifact folder is full: enlarge it".to_owned()]
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                vec!["the artifact folder must be writable for the user of the process".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
