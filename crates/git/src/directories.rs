//! The directories of a commit, read once each.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gix::objs::tree::EntryKind as GitKind;

/// Names in one directory.
const MOST_ENTRIES: usize = 100_000;

/// The content of one directory.
#[derive(Debug)]
pub(crate) struct Directory {
    /// In the order of their names, which is not Git's.
    entries: Vec<Named>,
    /// Why it cannot be listed.
    pub(crate) fault: Option<String>,
}

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) id: gix::ObjectId,
    pub(crate) kind: GitKind,
}

impl Directory {
    fn read(tree: &gix::Tree<'_>) -> Self {
        let mut directory = Self { entries: Vec::new(), fault: None };
        for entry in tree.iter() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    directory.fault = Some(error.to_string());
                    break;
                }
            };
            if directory.entries.len() == MOST_ENTRIES {
                directory.fault = Some(format!("a directory may hold {MOST_ENTRIES} names"));
                break;
            }
            let Ok(name) = std::str::from_utf8(entry.filename()) else { continue };
            if is_forbidden(name) {
                let fault = format!("it holds the name {name:?}, which Git never writes");
                directory.fault.get_or_insert(fault);
                continue;
            }
            directory.entries.push(Named {
                name: name.to_owned(),
                id: entry.object_id(),
                kind: entry.mode().kind(),
            });
        }
        directory.entries.sort_by(|a, b| a.name.cmp(&b.name));
        directory
    }

    pub(crate) fn entries(&self) -> &[Named] {
        &self.entries
    }

    /// The entry of a name; of several, the first that Git has.
    pub(crate) fn find(&self, name: &str) -> Option<&Named> {
        let at = self.entries.partition_point(|entry| entry.name.as_str() < name);
        self.entries.get(at).filter(|entry| entry.name == name)
    }
}

/// What was read of the directories of one commit. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directories(Arc<RwLock<HashMap<gix::ObjectId, Arc<Directory>>>>);

impl Directories {
    /// The directory of an id.
    pub(crate) fn get(
        &self,
        repository: &gix::ThreadSafeRepository,
        id: gix::ObjectId,
    ) -> Result<Arc<Directory>, gix::Error> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let directory = Arc::new(Directory::read(&repository.to_thread_local().find_tree(id)?));
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, Arc::clone(&directory));
        Ok(directory)
    }
}

/// Git's own folder, which a commit cannot hold.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.eq_ignore_ascii_case(".git")
}

fn is_forbidden(name: &str) -> bool {
    is_hidden(name) || matches!(name, "" | "." | "..") || name.contains(['/', '\0'])
}
