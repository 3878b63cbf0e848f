use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use capstan_apply::Known;
use capstan_model::NamespacedName;
use capstan_tree::{ContentId, ReadSet};
use tokio::time::Instant;

use super::drift::Drift;
use super::pace::Pace;
use super::proofs::Proofs;
use crate::world::Place;

/// What was done for a unit since the process started: enough to do nothing when nothing changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) known: Known,
    pub(super) done: Option<Done>,
    /// Objects that need not be looked at again.
    pub(super) proven: Proofs,
    /// Are there objects that it keeps until others have taken them over?
    pub(super) has_heirs: bool,
    /// What is known to have drifted.
    pub(super) drift: Vec<Drift>,
    /// How often drift was put right.
    pub(super) pace: Pace,
}

/// A tree, and what of it was read.
pub(super) type Reads = (ContentId, Arc<ReadSet>);

/// The last run.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) inputs: Inputs,
    /// When it began.
    pub(super) at: Instant,
    /// When the objects were sent last.
    pub(super) applied: Instant,
    /// The tree that was built, and what of it was read; nothing when it failed before.
    pub(super) reads: Option<Reads>,
    /// Digest of what was built; nothing when it failed before.
    pub(super) digest: Option<String>,
    pub(super) phase: Phase,
    /// Nothing was sent, and nobody asked: a unit that is ready has nothing to tell.
    pub(super) is_quiet: bool,
}

/// Everything that a run depends on, apart from the live objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inputs {
    pub(super) revision: String,
    pub(super) generation: i64,
    pub(super) requested_at: Option<String>,
    pub(super) variables: String,
    pub(super) keys: String,
    pub(super) target: String,
}

/// How the last run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Ready; these objects were healthy.
    Ready { places: Vec<Place> },
    /// Applied; these objects must become healthy. After the timeout the unit is unhealthy, and still looks.
    Checking { places: Vec<Place>, timed_out: bool },
    /// It failed before that.
    Failed,
}

/// The memories of all units. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memories(Arc<Mutex<HashMap<NamespacedName, Memory>>>);

impl Memories {
    pub(super) fn get(&self, key: &NamespacedName) -> Memory {
        let memories = self.0.lock().expect("no holder of this lock can panic");
        memories.get(key).cloned().unwrap_or_default()
    }

    /// What the last run of a unit built from, and what of it was read.
    pub(super) fn reads(&self, key: &NamespacedName) -> Option<Reads> {
        let memories = self.0.lock().expect("no holder of this lock can panic");
        memories.get(key)?.done.as_ref()?.reads.clone()
    }

    pub(super) fn put(&self, key: &NamespacedName, memory: Memory) {
        self.0.lock().expect("no holder of this lock can panic").insert(key.clone(), memory);
    }

    pub(super) fn forget(&self, key: &NamespacedName) {
        self.0.lock().expect("no holder of this lock can panic").remove(key);
    }
}
