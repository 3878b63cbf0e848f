use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capstan_bucket::Index;

use crate::source::SourceKey;

/// What the trees of buckets were made from: an object whose ETag stays need not be fetched again. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Etags(Arc<Mutex<HashMap<SourceKey, Index>>>);

impl Etags {
    pub(super) fn get(&self, key: &SourceKey) -> Option<Index> {
        self.0.lock().expect("no holder of this lock can panic").get(key).cloned()
    }

    pub(super) fn put(&self, key: &SourceKey, index: Index) {
        self.0.lock().expect("no holder of this lock can panic").insert(key.clone(), index);
    }

    pub(crate) fn remove(&self, key: &SourceKey) {
        self.0.lock().expect("no holder of this lock can panic").remove(key);
    }
}
