use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use capstan_model::{Manifest, NamespacedName};
use tokio::sync::watch;

/// A watched kind, held in memory. Cheap to clone; all clones see the same objects.
#[derive(Clone, Debug)]
pub struct Mirror {
    objects: Arc<RwLock<HashMap<NamespacedName, Arc<Manifest>>>>,
    synced: Arc<watch::Sender<bool>>,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was; absent when it is new.
    pub before: Option<Arc<Manifest>>,
    /// As it is; absent when it is gone.
    pub after: Option<Arc<Manifest>>,
}

impl Change {
    /// The object, as it is or as it last was.
    pub fn object(&self) -> &Arc<Manifest> {
        let object = self.after.as_ref().or(self.before.as_ref());
        object.expect("a change has a before or an after")
    }

    /// Its key.
    pub fn key(&self) -> NamespacedName {
        key(self.object())
    }
}

pub(crate) fn key(object: &Manifest) -> NamespacedName {
    NamespacedName::new(object.namespace(), object.name())
}

impl Default for Mirror {
    fn default() -> Self {
        Self { objects: Arc::default(), synced: Arc::new(watch::Sender::new(false)) }
    }
}

impl Mirror {
    /// An object, if it is there.
    pub fn get(&self, key: &NamespacedName) -> Option<Arc<Manifest>> {
        self.read().get(key).cloned()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<Manifest>> {
        self.read().values().cloned().collect()
    }

    /// Has the first list been read whole?
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until the first list has been read whole.
    pub async fn synced(&self) {
        let mut synced = self.synced.subscribe();
        // The sender lives as long as the mirror does, so this can only end with true.
        let _ = synced.wait_for(|synced| *synced).await;
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<NamespacedName, Arc<Manifest>>> {
        self.objects.read().expect("no holder of this lock can panic")
    }

    pub(crate) fn put(&self, object: Manifest) -> Change {
        let after = Arc::new(object);
        let mut objects = self.objects.write().expect("no holder of this lock can panic");
        let before = objects.insert(key(&after), Arc::clone(&after));
        Change { before, after: Some(after) }
    }

    pub(crate) fn remove(&self, object: &Manifest) -> Change {
        let mut objects = self.objects.write().expect("no holder of this lock can panic");
        let before = objects.remove(&key(object));
        Change { before: before.or_else(|| Some(Arc::new(object.clone()))), after: None }
    }

    /// Replaces everything by a fresh list; what is not in it any more is a change too.
    pub(crate) fn replace(&self, list: Vec<Manifest>) -> Vec<Change> {
        let fresh: HashMap<_, _> =
            list.into_iter().map(|object| (key(&object), Arc::new(object))).collect();
        let mut objects = self.objects.write().expect("no holder of this lock can panic");
        let mut old = std::mem::replace(&mut *objects, fresh);
        let mut changes: Vec<Change> = objects
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
        self.synced.send_replace(true);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::Mirror;
    use capstan_model::Manifest;
    use serde_json::json;

    fn object(name: &str, version: &str) -> Manifest {
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "n", "resourceVersion": version, "uid": name}});
        Manifest::try_from(value).expect("valid")
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
