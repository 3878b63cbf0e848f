use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_model::LabelSelector;
use serde_json::Value;

use super::{Kind, Refusal};

/// Where an object is: the kind's place in [`Store::kinds`], namespace, name.
pub type Key = (usize, String, String);

/// What happened to an object. The log of all of them is what watches tell.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The resourceVersion that it made.
    pub version: u64,
    /// Where.
    pub key: Key,
    /// As it was.
    pub before: Option<Arc<Value>>,
    /// As it is; nothing when it went.
    pub after: Option<Arc<Value>>,
    /// As it was told to go.
    pub last: Arc<Value>,
}

/// A change of one object.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    /// Field manager.
    pub manager: &'a str,
    /// Of the status alone.
    pub is_status: bool,
    /// Nothing is stored.
    pub dry_run: bool,
    /// How.
    pub change: Change<'a>,
}

/// How an object is changed.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// Server-side apply, which may take fields from others.
    Apply(&'a Value, bool),
    /// A merge patch.
    Merge(&'a Value),
    /// A new object.
    Create(&'a Value),
    /// The whole object.
    Replace(&'a Value),
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Namespace; all when empty.
    pub namespace: String,
    /// Labels.
    pub labels: LabelSelector,
    /// Name; all when nothing.
    pub name: Option<String>,
}

impl Selector {
    /// Is it one of them?
    pub fn selects(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let label = |key: &str| metadata["labels"].get(key).and_then(Value::as_str);
        (self.namespace.is_empty() || metadata["namespace"] == self.namespace)
            && self.name.as_ref().is_none_or(|name| metadata["name"] == **name)
            && self.labels.matches(label)
    }
}

/// Objects and their history.
#[derive(Debug)]
pub struct Store {
    /// The kinds that are served.
    pub kinds: Vec<Kind>,
    pub(super) objects: BTreeMap<Key, Arc<Value>>,
    pub(super) log: Vec<Entry>,
    pub(super) uids: u64,
    /// Seconds since the beginning.
    pub seconds: u64,
}

impl Default for Store {
    fn default() -> Self {
        let (objects, log) = (BTreeMap::new(), Vec::new());
        Self { kinds: Kind::all(), objects, log, uids: 0, seconds: 0 }
    }
}

impl Store {
    /// The place of a kind.
    ///
    /// # Panics
    /// When it is not served.
    pub fn kind(&self, kind: &str) -> usize {
        self.kinds.iter().position(|known| known.kind == kind).expect("a kind that is served")
    }

    /// The resourceVersion of the whole.
    pub fn version(&self) -> u64 {
        // An empty store has a version too: 0 would mean any.
        self.log.last().map_or(1, |entry| entry.version)
    }

    /// What happened after a version.
    pub fn since(&self, version: u64) -> &[Entry] {
        let begin = self.log.partition_point(|entry| entry.version <= version);
        &self.log[begin..]
    }

    /// An object.
    pub fn find(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// An object, or its absence as a refusal.
    ///
    /// # Errors
    /// When it is not there.
    pub fn get(&self, key: &Key) -> Result<Arc<Value>, Refusal> {
        self.find(key).cloned().ok_or_else(|| self.not_found(key))
    }

    pub(super) fn not_found(&self, (kind, _, name): &Key) -> Refusal {
        let resource = self.kinds[*kind].resource();
        Refusal::new(404, "NotFound", format!("{resource} \"{name}\" not found"))
    }

    /// The objects of a kind.
    pub fn list(&self, kind: usize, selector: &Selector) -> Vec<Arc<Value>> {
        let of_kind = self.objects.iter().filter(|((k, ..), _)| *k == kind);
        of_kind.map(|(_, object)| object).filter(|o| selector.selects(o)).cloned().collect()
    }

    /// The objects of a kind as they were at an earlier version.
    pub fn list_at(&self, kind: usize, selector: &Selector, version: u64) -> Vec<Arc<Value>> {
        let mut objects = BTreeMap::new();
        let known = self.log.iter().take_while(|entry| entry.version <= version);
        for entry in known.filter(|entry| entry.key.0 == kind) {
            match &entry.after {
                Some(object) => objects.insert(&entry.key, object),
                None => objects.remove(&entry.key),
            };
        }
        objects.into_values().filter(|object| selector.selects(object)).cloned().collect()
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// The time, as objects have it.
    pub(super) fn now(&self) -> String {
        let (days, rest) = (self.seconds / 86_400, self.seconds % 86_400);
        let (hours, minutes) = (rest / 3600, rest % 3600 / 60);
        format!("2026-01-{:02}T{hours:02}:{minutes:02}:{:02}Z", days + 1, rest % 60)
    }
}
