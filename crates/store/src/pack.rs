use std::io::{self, Write};

use capstan_tree::{EntryKind, Tree};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::StoreError;

/// Mode of every file, as Flux normalises it; nobody runs a file out of an artifact.
const FILE_MODE: u32 = 0o644;
/// Mode of every directory.
const DIRECTORY_MODE: u32 = 0o755;

/// A packed tree.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    /// The tar.gz.
    pub bytes: Vec<u8>,
    /// `sha256:<hex>` of the bytes, as `status.artifact.digest` has it.
    pub digest: String,
}

impl Packed {
    /// An archive that somebody else has packed.
    pub fn of(bytes: Vec<u8>) -> Self {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        Self { bytes, digest }
    }
}

/// Packs a tree; equal trees give equal bytes.
///
/// Entries are sorted by path; modes, owners and times are normalised: 644 for files, 755 for
/// directories, user 0, 1970-01-01. Symbolic links are left out, as Flux does.
///
/// # Errors
/// [`StoreError::Tree`] when the tree cannot be read.
pub fn pack(tree: &dyn Tree) -> Result<Packed, StoreError> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    add_directory(&mut archive, tree, "")?;
    let gzip = archive.into_inner().map_err(StoreError::Pack)?;
    Ok(Packed::of(gzip.finish().map_err(StoreError::Pack)?))
}

fn add_directory<W: Write>(
    archive: &mut Builder<W>,
    tree: &dyn Tree,
    path: &str,
) -> Result<(), StoreError> {
    for entry in tree.list(path)? {
        let inner =
            if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
        if tree.real(&inner)? != inner {
            continue;
        }
        match entry.kind {
            EntryKind::Dir => {
                append(archive, EntryType::Directory, DIRECTORY_MODE, &format!("{inner}/"), &[])
                    .map_err(StoreError::Pack)?;
                add_directory(archive, tree, &inner)?;
            }
            EntryKind::File => {
                let content = tree.read(&inner)?;
                append(archive, EntryType::Regular, FILE_MODE, &inner, &content)
                    .map_err(StoreError::Pack)?;
            }
        }
    }
    Ok(())
}

fn append<W: Write>(
    archive: &mut Builder<W>,
    kind: EntryType,
    mode: u32,
    path: &str,
    content: &[u8],
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, path, content)
}
