use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use capstan_tree::{Changes, ContentId, Tree};

use super::SourceKey;

/// A fetched revision, ready to build from.
#[derive(Clone)]
pub(crate) struct Source {
    /// As Flux writes it: `main@sha1:<commit>`, `latest@sha256:<digest>`, `sha256:<digest>`.
    pub(crate) revision: String,
    pub(crate) tree: Arc<dyn Tree>,
    /// What the source notes of itself, as `status.artifact.metadata` has it.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Digest of the archive that it was read from, for what others have packed.
    pub(crate) digest: Option<String>,
    /// Generation of the spec that it was fetched for.
    pub(crate) generation: i64,
    /// Read from the disk after a start: units may have been further already.
    pub(crate) is_restored: bool,
    /// What differs from the tree before it, which the id names: a revision alone may show other files when what is
    /// ignored changes.
    pub(crate) since: Option<(ContentId, Arc<Changes>)>,
}

impl Source {
    /// The revision that the source was made from, where it says so.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.metadata.get("org.opencontainers.image.revision").map(String::as_str)
    }
}

/// The last good revision of every source. Units build from here: nobody waits for an artifact to be packed.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    held: Arc<Mutex<HashMap<SourceKey, Source>>>,
    /// Why nothing newer came, of sources that cannot say so themselves.
    failed: Arc<Mutex<HashMap<SourceKey, String>>>,
}

impl Sources {
    pub(crate) fn get(&self, key: &SourceKey) -> Option<Source> {
        self.held.lock().expect("no holder of this lock can panic").get(key).cloned()
    }

    /// Puts a revision in place; true when it is another than before, or sure only now.
    pub(crate) fn put(&self, key: &SourceKey, source: Source) -> bool {
        let mut sources = self.held.lock().expect("no holder of this lock can panic");
        self.failures().remove(key);
        let revision = source.revision.clone();
        sources
            .insert(key.clone(), source)
            .is_none_or(|before| before.revision != revision || before.is_restored)
    }

    /// Notes why nothing newer came; true when it is news.
    pub(crate) fn fail(&self, key: &SourceKey, why: &str) -> bool {
        self.failures().insert(key.clone(), why.to_owned()).as_deref() != Some(why)
    }

    /// Why nothing newer came.
    pub(crate) fn failure(&self, key: &SourceKey) -> Option<String> {
        self.failures().get(key).cloned()
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<SourceKey, String>> {
        self.failed.lock().expect("no holder of this lock can panic")
    }

    pub(crate) fn remove(&self, key: &SourceKey) {
        self.failures().remove(key);
        self.held.lock().expect("no holder of this lock can panic").remove(key);
    }
}
