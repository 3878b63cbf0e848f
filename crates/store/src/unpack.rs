use std::collections::BTreeSet;
use std::io::{self, Read};

use capstan_tree::{MemTree, parent};
use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use crate::StoreError;

/// Entries of one archive, whatever they are.
const MOST_ENTRIES: usize = 100_000;
/// Bytes of one path, as Linux has it.
const LONGEST_PATH: usize = 4096;

/// What is taken out of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpack {
    /// Bytes of all files together.
    pub max_size: u64,
    /// Leaves symbolic links out; without it, one is an error.
    pub skips_links: bool,
}

impl Unpack {
    /// As Flux reads its own artifacts: 100 MiB, and no links.
    pub const ARTIFACT: Self = Self { max_size: 100 << 20, skips_links: false };
    /// As Flux reads the layers of an OCI artifact, with the bound of an artifact.
    pub const LAYER: Self = Self { max_size: 100 << 20, skips_links: true };
}

/// Reads a tar.gz into memory, by the rules of Flux's `pkg/tar`.
///
/// - Names are relative and plain: empty ones, absolute ones, ones with a backslash or a part `..` are errors. `./` before
///   a name means nothing. One that is not UTF-8 is left out: no kustomization can write it.
/// - Files and directories count. Symbolic links are errors or left out; hard links, devices, pipes and sparse files are
///   errors. (Flux makes an empty file of a hard link.) Headers of PAX that hold for the whole archive are read over.
/// - The last of two files of one name counts. A name that is a file and a directory is an error.
/// - `max_size` bounds what the headers declare, before anything is read, and what is decompressed. Modes, owners and times
///   are not kept, and neither are directories without files.
///
/// # Errors
/// [`StoreError::Archive`] that says which entry is wrong; nothing of the archive is kept then.
pub fn unpack(archive: impl Read, options: Unpack) -> Result<MemTree, StoreError> {
    // Headers, names and padding are bounded with the files: a bomb may be made of them alone.
    let overhead = 2 * 512 * MOST_ENTRIES as u64;
    let plain = MultiGzDecoder::new(archive).take(options.max_size.saturating_add(overhead));
    let mut archive = Archive::new(plain);
    let mut into = Unpacked::default();
    let mut size: u64 = 0;
    let entries = archive.entries().map_err(|error| broken(&error))?;
    for (index, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|error| broken(&error))?;
        if index == MOST_ENTRIES {
            return Err(refused("", format!("the archive has more than {MOST_ENTRIES} entries")));
        }
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        size = size.saturating_add(entry.size());
        if size > options.max_size {
            let limit = options.max_size;
            return Err(refused(&shown, format!("the archive unpacks to more than {limit} bytes")));
        }
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() || (kind.is_symlink() && options.skips_links) {
            continue;
        }
        let Some(path) = path(&entry.path_bytes()).map_err(|why| refused(&shown, why))? else {
            continue;
        };
        match kind {
            EntryType::Directory => into.directory(&path),
            EntryType::Regular | EntryType::Continuous => {
                refuse_sparse(&mut entry).map_err(|why| refused(&shown, why))?;
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(|error| broken(&error))?;
                if content.len() as u64 != entry.size() {
                    return Err(refused(&shown, "the archive ends within it".to_owned()));
                }
                into.file(&path, content)
            }
            EntryType::Symlink => Err("symbolic links are not allowed here".to_owned()),
            EntryType::Link => Err("hard links are not allowed".to_owned()),
            other => Err(format!("entries of type {other:?} are not allowed")),
        }
        .map_err(|why| refused(&shown, why))?;
    }
    Ok(into.tree)
}

/// What was unpacked so far.
#[derive(Default)]
struct Unpacked {
    tree: MemTree,
    files: BTreeSet<String>,
    directories: BTreeSet<String>,
}

impl Unpacked {
    /// Notes a directory and those above it.
    fn directory(&mut self, path: &str) -> Result<(), String> {
        let mut path = path;
        // Above one that is known, all are known.
        while !path.is_empty() && !self.directories.contains(path) {
            if self.files.contains(path) {
                return Err(format!("`{path}` is a file already"));
            }
            self.directories.insert(path.to_owned());
            path = parent(path);
        }
        Ok(())
    }

    fn file(&mut self, path: &str, content: Vec<u8>) -> Result<(), String> {
        if path.is_empty() || self.directories.contains(path) {
            return Err("there is a directory of that name".to_owned());
        }
        self.directory(parent(path))?;
        self.files.insert(path.to_owned());
        self.tree.insert(path, content).map_err(|error| error.to_string())
    }
}

/// The path of an entry from the root; nothing when it is not UTF-8.
fn path(bytes: &[u8]) -> Result<Option<String>, String> {
    let has = |byte: u8| bytes.contains(&byte);
    if bytes.is_empty() || bytes.starts_with(b"/") || has(b'\\') || has(0) {
        return Err("the name is empty, absolute, or holds a backslash or NUL".to_owned());
    }
    if bytes.len() > LONGEST_PATH {
        return Err(format!("the name has more than {LONGEST_PATH} bytes"));
    }
    if bytes.split(|byte| *byte == b'/').any(|part| part == b"..") {
        return Err("the name leads out of the archive or may do so".to_owned());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
    capstan_tree::normalise(text).map(Some).map_err(|error| error.to_string())
}

/// Sparse files in the form of PAX look like plain ones, and hold a map before their content.
fn refuse_sparse<R: Read>(entry: &mut Entry<'_, R>) -> Result<(), String> {
    let extensions = entry.pax_extensions().map_err(|error| error.to_string())?;
    for extension in extensions.into_iter().flatten() {
        let extension = extension.map_err(|error| error.to_string())?;
        if extension.key_bytes().starts_with(b"GNU.sparse.") {
            return Err("sparse files are not allowed".to_owned());
        }
    }
    Ok(())
}

fn refused(entry: &str, why: String) -> StoreError {
    StoreError::Archive { entry: entry.to_owned(), why }
}

fn broken(error: &io::Error) -> StoreError {
    refused("", error.to_string())
}
