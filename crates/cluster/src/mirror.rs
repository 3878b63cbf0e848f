use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use capstan_model::{Manifest, NamespacedName};
use tokio::sync::watch;

/// What a mirror can hold: objects, or what is to be known of them.
pub trait Mirrored {
    /// Where it is.
    fn key(&self) -> NamespacedName;
    /// Tells it from a namesake that came later.
    fn uid(&self) -> &str;
    /// Tells its states apart; the API server counts them up.
    fn resource_version(&self) -> &str;
}

impl Mirrored for Manifest {
    fn key(&self) -> NamespacedName {
        NamespacedName::new(self.namespace(), self.name())
    }

    fn uid(&self) -> &str {
        self.uid()
    }

    fn resource_version(&self) -> &str {
        self.resource_version()
    }
}

/// A watched kind, held in memory. Cheap to clone; all clones see the same objects.
#[derive(Debug)]
pub struct Mirror<T = Manifest> {
    objects: Arc<RwLock<Objects<T>>>,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug)]
struct Objects<T> {
    held: HashMap<NamespacedName, Arc<T>>,
    /// The uids of those that went: an own write that is put in place late must not bring one back.
    gone: HashMap<NamespacedName, String>,
}

/// How far a mirror can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// The first list has been read whole.
    synced: bool,
    /// The watch is interrupted.
    interrupted: bool,
}

/// What became of an object.
#[derive(Debug)]
pub struct Change<T = Manifest> {
    /// As it was; absent when it is new.
    pub before: Option<Arc<T>>,
    /// As it is; absent when it is gone.
    pub after: Option<Arc<T>>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        Self { objects: Arc::clone(&self.objects), state: Arc::clone(&self.state) }
    }
}

impl<T> Clone for Change<T> {
    fn clone(&self) -> Self {
        Self { before: self.before.clone(), after: self.after.clone() }
    }
}

impl<T: Mirrored> Change<T> {
    /// The object, as it is or as it last was.
    pub fn object(&self) -> &Arc<T> {
        let object = self.after.as_ref().or(self.before.as_ref());
        object.expect("a change has a before or an after")
    }

    /// Its key.
    pub fn key(&self) -> NamespacedName {
        self.object().key()
    }
}

impl<T> Default for Mirror<T> {
    fn default() -> Self {
        let objects = Objects { held: HashMap::new(), gone: HashMap::new() };
        let state = Arc::new(watch::Sender::new(State::default()));
        Self { objects: Arc::new(RwLock::new(objects)), state }
    }
}

impl<T: Mirrored> Mirror<T> {
    /// An object, if it is there.
    pub fn get(&self, key: &NamespacedName) -> Option<Arc<T>> {
        self.read().held.get(key).cloned()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<T>> {
        self.read().held.values().cloned().collect()
    }

    /// Has the first list been read whole?
    pub fn is_synced(&self) -> bool {
        self.state.borrow().synced
    }

    /// Is it what the cluster has, but for the moment that a change takes to get here?
    pub fn is_current(&self) -> bool {
        *self.state.borrow() == State { synced: true, interrupted: false }
    }

    /// Waits until the first list has been read whole.
    pub async fn synced(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as the mirror does, so this can only end with true.
        let _ = state.wait_for(|state| state.synced).await;
    }

    pub(crate) fn set_interrupted(&self, interrupted: bool) {
        self.state.send_if_modified(|state| {
            std::mem::replace(&mut state.interrupted, interrupted) != interrupted
        });
    }

    fn read(&self) -> RwLockReadGuard<'_, Objects<T>> {
        self.objects.read().expect("no holder of this lock can panic")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects<T>> {
        self.objects.write().expect("no holder of this lock can panic")
    }

    /// Puts an object in place, as an own write shows it. Nothing when it is known already, older than what is known, or gone.
    pub fn put(&self, object: T) -> Option<Change<T>> {
        let mut objects = self.write();
        let gone = objects.gone.get(&object.key());
        if gone.is_some_and(|gone| gone == object.uid()) { None } else { objects.put(object) }
    }

    /// Puts an object in place, as the watch shows it. Nothing when it is known already, or older than what is known: what we wrote
    /// comes back later through the watch. What a list did not have comes back, too: the list may have been older.
    pub(crate) fn saw(&self, object: T) -> Option<Change<T>> {
        self.write().put(object)
    }

    /// Takes an object out, unless a namesake has taken its place.
    pub(crate) fn remove(&self, object: T) -> Option<Change<T>> {
        let mut objects = self.write();
        let key = object.key();
        if objects.held.get(&key).is_some_and(|held| held.uid() != object.uid()) {
            return None;
        }
        let before = objects.held.remove(&key);
        objects.gone.insert(key, object.uid().to_owned());
        Some(Change { before: before.or_else(|| Some(Arc::new(object))), after: None })
    }

    /// Replaces everything by a fresh list; what is not in it any more is a change too.
    pub(crate) fn replace(&self, list: Vec<T>) -> Vec<Change<T>> {
        let fresh: HashMap<_, _> =
            list.into_iter().map(|object| (object.key(), Arc::new(object))).collect();
        let mut objects = self.write();
        objects.gone.clear();
        let mut old = std::mem::replace(&mut objects.held, fresh);
        let gone = old.iter().filter(|(key, _)| !objects.held.contains_key(*key));
        let gone: Vec<_> =
            gone.map(|(key, object)| (key.clone(), object.uid().to_owned())).collect();
        objects.gone.extend(gone);
        let mut changes: Vec<Change<T>> = objects
            .held
            .iter()
            .map(|(key, after)| Change { before: old.remove(key), after: Some(Arc::clone(after)) })
            .collect();
        drop(objects);
        changes.retain(|change| match (&change.before, &change.after) {
            (Some(before), Some(after)) => {
                before.resource_version() != after.resource_version() || before.uid() != after.uid()
            }
            _ => true,
        });
        changes
            .extend(old.into_values().map(|before| Change { before: Some(before), after: None }));
        self.state.send_replace(State { synced: true, interrupted: false });
        changes
    }
}

impl<T: Mirrored> Objects<T> {
    fn put(&mut self, object: T) -> Option<Change<T>> {
        let key = object.key();
        if self.held.get(&key).is_some_and(|held| !is_newer(&object, held)) {
            return None;
        }
        self.gone.remove(&key);
        let after = Arc::new(object);
        let before = self.held.insert(key, Arc::clone(&after));
        Some(Change { before, after: Some(after) })
    }
}

/// Is it another object, or a later state of the same one? Versions that are no numbers cannot be compared: those count as later
/// when they differ.
fn is_newer<T: Mirrored>(object: &T, held: &T) -> bool {
    if object.uid() != held.uid() {
        return true;
    }
    let number = |object: &T| object.resource_version().parse::<u64>().ok();
    match (number(object), number(held)) {
        (Some(new), Some(old)) => new > old,
        _ => object.resource_version() != held.resource_version(),
    }
}

#[cfg(test)]
mod tests {
    use super::Mirror;
    use capstan_model::{Manifest, NamespacedName};
    use serde_json::json;

    fn object(name: &str, version: &str) -> Manifest {
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "n", "resourceVersion": version, "uid": name}});
        Manifest::try_from(value).expect("valid")
    }

    #[test]
    fn what_was_written_is_not_undone_by_what_the_watch_saw_before() {
        let mirror = Mirror::default();
        assert!(mirror.put(object("a", "9")).is_some());
        assert!(mirror.put(object("a", "9")).is_none(), "it is known");
        assert!(mirror.put(object("a", "8")).is_none(), "it is older");
        assert!(mirror.put(object("a", "10")).is_some());
        let held = mirror.get(&NamespacedName::new("n", "a")).expect("is there");
        assert_eq!(held.resource_version(), "10");
    }

    #[test]
    fn a_namesake_is_not_taken_out_with_the_one_before_it() {
        let mirror = Mirror::default();
        let mut namesake = object("a", "9");
        namesake.value_mut()["metadata"]["uid"] = "other".into();
        assert!(mirror.put(namesake).is_some());
        assert!(mirror.remove(object("a", "8")).is_none());
        assert_eq!(mirror.all().len(), 1);
    }

    #[test]
    fn what_went_is_not_brought_back_by_a_late_write() {
        let mirror = Mirror::default();
        assert!(mirror.put(object("a", "1")).is_some());
        assert!(mirror.remove(object("a", "3")).is_some());
        assert!(mirror.put(object("a", "2")).is_none(), "it is gone");
        assert!(mirror.put(object("a", "4")).is_none(), "whatever its version says");
        let mut namesake = object("a", "5");
        namesake.value_mut()["metadata"]["uid"] = "other".into();
        assert!(mirror.put(namesake).is_some());
        mirror.replace(Vec::new());
        let mut late = object("a", "6");
        late.value_mut()["metadata"]["uid"] = "other".into();
        assert!(mirror.put(late.clone()).is_none(), "a list did not have it any more");
        assert!(mirror.saw(late).is_some(), "the list was older than the object");
    }

    #[test]
    fn an_interrupted_watch_is_not_current() {
        let mirror = Mirror::default();
        assert!(!mirror.is_current());
        mirror.replace(vec![object("a", "1")]);
        assert!(mirror.is_current());
        mirror.set_interrupted(true);
        assert!(mirror.is_synced() && !mirror.is_current());
    }

    #[test]
    fn a_fresh_list_tells_what_came_changed_and_went() {
        let mirror = Mirror::default();
        assert!(!mirror.is_synced());
        mirror.replace(vec![object("same", "1"), object("changed", "1"), object("gone", "1")]);
        assert!(mirror.is_synced());
        let changes =
            mirror.replace(vec![object("same", "1"), object("changed", "2"), object("new", "1")]);
        let mut told: Vec<_> = changes
            .iter()
            .map(|change| {
                let state = match (&change.before, &change.after) {
                    (None, _) => "came",
                    (_, None) => "went",
                    _ => "changed",
                };
                format!("{} {state}", change.object().name())
            })
            .collect();
        told.sort();
        assert_eq!(told, ["changed changed", "gone went", "new came"]);
    }
}
