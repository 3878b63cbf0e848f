//! The kinds of composites that are served, and what is remembered of single composites.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, RwLock};

use capstan_compose::select::{self, SelectError};
use capstan_compose::xrd::Xrd;
use capstan_model::{GroupVersionKind, Manifest};
use capstan_runtime::Queue;
use rand::Rng;
use serde_json::json;

use crate::world::CompositeKey;

/// What an established XRD says about its composites.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    /// Kind of the composites, in the version that is referenced.
    pub(crate) composite: GroupVersionKind,
    /// Kind of the claims.
    pub(crate) claim: Option<GroupVersionKind>,
    /// The XRD, read.
    pub(crate) xrd: Xrd,
}

impl Definition {
    /// From an XRD.
    pub(crate) fn of(xrd: Xrd) -> Self {
        Self { composite: xrd.composite_gvk(), claim: xrd.claim_gvk(), xrd }
    }
}

/// The kinds that are served, and what was done for each composite. All of it can be lost: it only saves work.
#[derive(Debug, Default)]
pub(crate) struct Composites {
    served: RwLock<HashMap<(String, String), Definition>>,
    memory: Mutex<HashMap<CompositeKey, Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Digest of what was applied last, by template.
    applied: HashMap<String, String>,
    /// Warnings that were told.
    told: HashSet<String>,
    /// Does its deletion wait for a Spoke?
    held: bool,
}

impl Composites {
    /// The definition of a composite kind or of a claim kind. Versions do not count.
    pub(crate) fn definition(&self, group: &str, kind: &str) -> Option<Definition> {
        let served = self.served.read().expect("no holder of this lock can panic");
        served.get(&(group.to_owned(), kind.to_owned())).cloned()
    }

    /// Serves the kinds of a definition from now on.
    pub(crate) fn serve(&self, definition: &Definition) {
        let mut served = self.served.write().expect("no holder of this lock can panic");
        for gvk in [Some(&definition.composite), definition.claim.as_ref()].into_iter().flatten() {
            served.insert((gvk.group.clone(), gvk.kind.clone()), definition.clone());
        }
    }

    /// Serves them no longer.
    pub(crate) fn retire(&self, definition: &Definition) {
        let mut served = self.served.write().expect("no holder of this lock can panic");
        for gvk in [Some(&definition.composite), definition.claim.as_ref()].into_iter().flatten() {
            served.remove(&(gvk.group.clone(), gvk.kind.clone()));
        }
    }

    fn with<T>(&self, key: &CompositeKey, act: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.memory.lock().expect("no holder of this lock can panic");
        act(memory.entry(key.clone()).or_default())
    }

    /// Was this the last thing that was applied for a template?
    pub(super) fn was_applied(&self, key: &CompositeKey, template: &str, digest: &str) -> bool {
        self.with(key, |memory| memory.applied.get(template).is_some_and(|last| last == digest))
    }

    /// Remembers what was applied.
    pub(super) fn applied(&self, key: &CompositeKey, template: &str, digest: String) {
        self.with(key, |memory| memory.applied.insert(template.to_owned(), digest));
    }

    /// True the first time that a warning is told.
    pub(super) fn is_news(&self, key: &CompositeKey, warning: &str) -> bool {
        self.with(key, |memory| memory.told.insert(warning.to_owned()))
    }

    /// Remembers whether a deletion waits for a Spoke.
    pub(super) fn hold(&self, key: &CompositeKey, held: bool) {
        self.with(key, |memory| memory.held = held);
    }

    /// Wakes the composites whose deletion waits for a Spoke.
    pub(crate) fn wake_held(&self, queue: &Queue<CompositeKey>) {
        let memory = self.memory.lock().expect("no holder of this lock can panic");
        for key in memory.iter().filter(|(_, memory)| memory.held).map(|(key, _)| key) {
            queue.wake(key.clone());
        }
    }

    /// Forgets a composite that is gone.
    pub(super) fn forget(&self, key: &CompositeKey) {
        self.memory.lock().expect("no holder of this lock can panic").remove(key);
    }
}

/// The Composition that a composite is made by.
pub(super) fn select(
    definition: &Definition,
    composite: &Manifest,
    compositions: &[Arc<Manifest>],
) -> Result<Arc<Manifest>, SelectError> {
    let all: Vec<Manifest> = compositions.iter().map(|known| Manifest::clone(known)).collect();
    let mut pick = |count| rand::rng().random_range(0..count);
    let name = select::select(composite, &definition.xrd, &all, &mut pick)?;
    let chosen = compositions.iter().find(|composition| composition.name() == name);
    chosen.cloned().ok_or(SelectError::Missing(name))
}

/// Records the chosen Composition, so that the choice stays; false when it is recorded.
pub(super) fn refer(composite: &mut Manifest, composition: &str) -> bool {
    let recorded = composite.value().pointer("/spec/compositionRef/name");
    if recorded.is_some_and(|name| name == composition) {
        return false;
    }
    composite.value_mut()["spec"]["compositionRef"] = json!({"name": composition});
    true
}

#[cfg(test)]
mod tests {
    use super::{Composites, refer};
    use capstan_model::{GroupVersionKind, Manifest};
    use serde_json::json;

    #[test]
    fn a_choice_is_recorded_once() {
        let value = json!({"apiVersion": "g/v1", "kind": "X", "metadata": {"name": "x"}});
        let mut composite = Manifest::try_from(value).expect("valid");
        assert!(refer(&mut composite, "c"));
        assert!(!refer(&mut composite, "c"));
        assert_eq!(composite.value()["spec"], json!({"compositionRef": {"name": "c"}}));
    }

    #[test]
    fn a_warning_is_news_once() {
        let (composites, key) =
            (Composites::default(), (GroupVersionKind::new("g", "v1", "X"), "x".to_owned()));
        assert!(composites.is_news(&key, "w"));
        assert!(!composites.is_news(&key, "w"));
        composites.forget(&key);
        assert!(composites.is_news(&key, "w"));
    }

    #[test]
    fn what_was_applied_is_known_by_its_digest() {
        let (composites, key) =
            (Composites::default(), (GroupVersionKind::new("g", "v1", "X"), "x".to_owned()));
        composites.applied(&key, "vpc", "1".to_owned());
        assert!(composites.was_applied(&key, "vpc", "1"));
        assert!(!composites.was_applied(&key, "vpc", "2"));
        assert!(!composites.was_applied(&key, "subnet", "1"));
    }
}
