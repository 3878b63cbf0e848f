use std::fmt;
use std::sync::Arc;

use capstan_tree::{
    ContentId, Entry, EntryKind, MOST_BYTES, Tree, TreeError, follow, join, normalise,
};
use gix::objs::tree::EntryKind as GitKind;

use crate::directories::{Directories, Directory, Named, is_hidden};

/// The files of a commit, read from the object database when they are asked for.
///
/// - Symbolic links are absent, as in Flux's artifacts, unless the tree [follows them](GitTree::following_links). Then
///   they lead on as in a checkout, and never out of the commit.
/// - Submodules are absent, unless they are [mounted](crate::Repositories::with_submodules).
/// - `.git`, in any case, is absent; a directory that holds an entry named so, `.` or `..`, or a name with `/`, cannot be
///   listed: Git makes no such tree, so somebody made it for harm.
/// - A name that is not UTF-8 is absent: no kustomization can write it.
/// - A file has at most [`MOST_BYTES`], which is checked before it is unpacked, and a directory 100,000 names.
#[derive(Clone)]
pub struct GitTree {
    repository: Arc<gix::ThreadSafeRepository>,
    root: gix::ObjectId,
    directories: Directories,
    follows: bool,
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitTree").field(&self.root).finish()
    }
}

/// Bytes of a link's target, as Linux has it.
const LONGEST_LINK: u64 = 4096;

impl GitTree {
    pub(crate) fn new(repository: gix::ThreadSafeRepository, root: gix::ObjectId) -> Self {
        let directories = Directories::default();
        Self { repository: Arc::new(repository), root, directories, follows: false }
    }

    /// The same files, with symbolic links as what they lead to.
    #[must_use]
    pub fn following_links(self) -> Self {
        Self { follows: true, ..self }
    }

    /// The commit of the submodule at a path, 40 hex digits.
    pub(crate) fn submodule(&self, path: &str) -> Option<String> {
        let found = self.entry(&normalise(path).ok()?).ok()??;
        matches!(found, (_, GitKind::Commit)).then(|| found.0.to_string())
    }

    /// Id and kind of what is at a path.
    fn find(&self, path: &str) -> Result<Option<(gix::ObjectId, EntryKind)>, TreeError> {
        let path = self.real(path)?;
        let found = self.entry(&path)?;
        Ok(found.and_then(|(id, found)| Some((id, kind(found)?))))
    }

    /// Id and kind of what is at a path without links.
    fn entry(&self, path: &str) -> Result<Option<(gix::ObjectId, GitKind)>, TreeError> {
        if path.is_empty() {
            return Ok(Some((self.root, GitKind::Tree)));
        }
        if path.split('/').any(is_hidden) {
            return Ok(None);
        }
        let (mut id, mut kind) = (self.root, GitKind::Tree);
        for name in path.split('/') {
            if kind != GitKind::Tree {
                return Ok(None);
            }
            match self.directory(path, id)?.find(name) {
                Some(found) => (id, kind) = (found.id, found.kind),
                None => return Ok(None),
            }
        }
        Ok(Some((id, kind)))
    }

    fn directory(&self, path: &str, id: gix::ObjectId) -> Result<Arc<Directory>, TreeError> {
        self.directories.get(&self.repository, id).map_err(|cause| broken(path, &cause))
    }

    /// Where the link at a path leads.
    fn target(&self, path: &str) -> Result<Option<String>, TreeError> {
        let Some((id, GitKind::Link)) = self.entry(path)? else { return Ok(None) };
        let content = self.content(path, id, LONGEST_LINK)?;
        let text = String::from_utf8(content);
        text.map(Some).map_err(|_| TreeError::Store(path.to_owned(), "an odd link".to_owned()))
    }

    fn content(&self, path: &str, id: gix::ObjectId, most: u64) -> Result<Vec<u8>, TreeError> {
        let repository = self.repository.to_thread_local();
        let size = repository.find_header(id).map_err(|cause| broken(path, &cause))?.size();
        if size > most {
            return Err(TreeError::TooLarge(path.to_owned(), size));
        }
        let object = repository.find_object(id).map_err(|cause| broken(path, &cause))?;
        Ok(object.detach().data)
    }
}

impl Tree for GitTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        match self.find(path)? {
            Some((id, EntryKind::File)) => self.content(path, id, MOST_BYTES),
            Some((_, EntryKind::Dir)) => Err(TreeError::NotAFile(path.to_owned())),
            None => Err(TreeError::NotFound(path.to_owned())),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, TreeError> {
        let id = match self.find(path)? {
            Some((id, EntryKind::Dir)) => id,
            Some((_, EntryKind::File)) => return Err(TreeError::NotADirectory(path.to_owned())),
            None => return Err(TreeError::NotFound(path.to_owned())),
        };
        let directory = self.directory(path, id)?;
        if let Some(fault) = &directory.fault {
            return Err(TreeError::Store(path.to_owned(), fault.clone()));
        }
        let mut entries = Vec::with_capacity(directory.entries().len());
        for Named { name, kind: found, .. } in directory.entries() {
            let kind = match found {
                GitKind::Link if self.follows => self.kind(&join(path, name)?),
                other => kind(*other),
            };
            entries.extend(kind.map(|kind| Entry { name: name.clone(), kind }));
        }
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.find(path).ok()?.map(|(_, kind)| kind)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        // What a link leads to may lie outside of the directory.
        if self.follows {
            return None;
        }
        let (id, _) = self.find(path).ok()??;
        Some(ContentId::of([id.as_slice()]))
    }

    fn real(&self, path: &str) -> Result<String, TreeError> {
        if self.follows { follow(path, |at| self.target(at)) } else { normalise(path) }
    }
}

const fn kind(kind: GitKind) -> Option<EntryKind> {
    match kind {
        GitKind::Tree => Some(EntryKind::Dir),
        GitKind::Blob | GitKind::BlobExecutable => Some(EntryKind::File),
        GitKind::Link | GitKind::Commit => None,
    }
}

fn broken(path: &str, cause: &gix::Error) -> TreeError {
    TreeError::Store(path.to_owned(), cause.to_string())
}

#[cfg(test)]
mod tests;
