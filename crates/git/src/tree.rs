use std::fmt;
use std::sync::Arc;

use capstan_tree::{ContentId, Entry, EntryKind, Tree, TreeError, normalise};
use gix::objs::tree::EntryKind as GitKind;

/// The files of a commit, read from the object database when they are asked for.
///
/// Symlinks and submodules are absent, as in Flux's artifacts.
#[derive(Clone)]
pub struct GitTree {
    repository: Arc<gix::ThreadSafeRepository>,
    root: gix::ObjectId,
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitTree").field(&self.root).finish()
    }
}

impl GitTree {
    pub(crate) fn new(repository: gix::ThreadSafeRepository, root: gix::ObjectId) -> Self {
        Self { repository: Arc::new(repository), root }
    }

    /// Id and kind of what is at a path.
    fn find(&self, path: &str) -> Result<Option<(gix::ObjectId, EntryKind)>, TreeError> {
        let path = normalise(path)?;
        if path.is_empty() {
            return Ok(Some((self.root, EntryKind::Dir)));
        }
        let repository = self.repository.to_thread_local();
        let broken = |cause: gix::Error| broken(&path, &cause);
        let root = repository.find_tree(self.root).map_err(broken)?;
        let Some(entry) = root.lookup_entry_by_path(&path).map_err(broken)? else {
            return Ok(None);
        };
        Ok(kind(entry.mode().kind()).map(|kind| (entry.object_id(), kind)))
    }
}

impl Tree for GitTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        match self.find(path)? {
            Some((id, EntryKind::File)) => {
                let repository = self.repository.to_thread_local();
                let object = repository.find_object(id).map_err(|cause| broken(path, &cause))?;
                Ok(object.detach().data)
            }
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
        let repository = self.repository.to_thread_local();
        let tree = repository.find_tree(id).map_err(|cause| broken(path, &cause))?;
        let mut entries = Vec::new();
        for entry in tree.iter() {
            let entry =
                entry.map_err(|cause| TreeError::Store(path.to_owned(), cause.to_string()))?;
            if let Some(kind) = kind(entry.mode().kind()) {
                entries.push(Entry { name: entry.filename().to_string(), kind });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Option<EntryKind> {
        self.find(path).ok()?.map(|(_, kind)| kind)
    }

    fn id(&self, path: &str) -> Option<ContentId> {
        let (id, _) = self.find(path).ok()??;
        Some(ContentId::of([id.as_slice()]))
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
