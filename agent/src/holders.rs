//! Objects that several units want: the first one keeps it, the others wait until it lets go.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use capstan_cluster::Mirror;
use capstan_model::{Manifest, NamespacedName, ObjectId};
use serde_json::Value;

/// Who has which object, by the inventories of all units. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Holders {
    units: Mirror,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Those that wait for what a unit does with an object.
    waiting: HashMap<NamespacedName, HashSet<NamespacedName>>,
    /// What units still have, and leave to others that want it.
    released: HashMap<NamespacedName, HashSet<ObjectId>>,
}

impl Holders {
    pub(crate) fn new(units: Mirror) -> Self {
        Self { units, state: Arc::default() }
    }

    /// Does `holder` look after the object? If so, `unit` is told when that may have changed: see [`Holders::waiting_for`].
    pub(crate) fn is_held(
        &self,
        holder: &NamespacedName,
        id: &ObjectId,
        unit: &NamespacedName,
    ) -> bool {
        let is_released = {
            let mut state = self.lock();
            // Before the look, so that what changes after it is told.
            state.wait(holder, unit);
            state.released.get(holder).is_some_and(|released| released.contains(id))
        };
        let (Some(other), Some(own)) = (self.units.get(holder), self.units.get(unit)) else {
            return false;
        };
        !is_released
            && is_active(&other)
            && target(&other) == target(&own)
            && has(&other, &id.inventory_id())
    }

    /// A unit other than `unit` that has the object in its inventory, too. `unit` is told when that may have changed.
    pub(crate) fn other(&self, id: &ObjectId, unit: &NamespacedName) -> Option<NamespacedName> {
        let (own, inventory_id) = (self.units.get(unit)?, id.inventory_id());
        let wants = |other: &Manifest| {
            key(other) != *unit
                && is_active(other)
                && target(other) == target(&own)
                && has(other, &inventory_id)
        };
        let heir = self.units.all().into_iter().find(|other| wants(other));
        let heir = heir.map(|heir| key(&heir))?;
        self.lock().wait(&heir, unit);
        // It may have let go of it in the meantime.
        self.units.get(&heir).is_some_and(|heir| wants(&heir)).then_some(heir)
    }

    /// From now on a unit keeps these objects only until others have taken them over.
    pub(crate) fn release(&self, unit: &NamespacedName, objects: HashSet<ObjectId>) {
        let mut state = self.lock();
        if objects.is_empty() {
            state.released.remove(unit);
        } else {
            state.released.insert(unit.clone(), objects);
        }
    }

    /// Those that wait for a unit that changed now. Whoever still waits says so again.
    pub(crate) fn waiting_for(&self, unit: &NamespacedName) -> HashSet<NamespacedName> {
        self.lock().waiting.remove(unit).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock can panic")
    }
}

impl State {
    fn wait(&mut self, of: &NamespacedName, unit: &NamespacedName) {
        self.waiting.entry(of.clone()).or_default().insert(unit.clone());
    }
}

fn key(unit: &Manifest) -> NamespacedName {
    NamespacedName::new(unit.namespace(), unit.name())
}

/// A unit that is suspended or on its way out looks after nothing.
fn is_active(unit: &Manifest) -> bool {
    !unit.is_deleting() && unit.value().pointer("/spec/suspend") != Some(&Value::Bool(true))
}

/// The cluster that a unit applies to.
fn target(unit: &Manifest) -> Option<&Value> {
    unit.value().pointer("/spec/kubeConfig")
}

fn has(unit: &Manifest, inventory_id: &str) -> bool {
    let entries = unit.value().pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| entry["id"] == inventory_id)
}

#[cfg(test)]
mod tests {
    use capstan_cluster::Mirror;
    use capstan_model::{Manifest, NamespacedName, ObjectId};
    use serde_json::{Value, json};

    use super::Holders;

    const ID: &str = "a_b__ConfigMap";

    fn unit(name: &str, spec: &Value, holds: bool) -> Manifest {
        let entries = if holds { json!([{"id": ID, "v": "v1"}]) } else { json!([]) };
        let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"namespace": "n", "name": name}, "spec": spec,
            "status": {"inventory": {"entries": entries}}});
        Manifest::try_from(unit).expect("an object")
    }

    fn key(name: &str) -> NamespacedName {
        NamespacedName::new("n", name)
    }

    fn holders(units: Vec<Manifest>) -> Holders {
        let mirror = Mirror::default();
        units.into_iter().for_each(|unit| drop(mirror.put(unit)));
        Holders::new(mirror)
    }

    #[test]
    fn who_holds_an_object_looks_after_it() {
        let id: ObjectId = ID.parse().expect("an id");
        let elsewhere = json!({"kubeConfig": {"secretRef": {"name": "c"}}});
        let none = json!({});
        for (other, holds) in [
            (unit("other", &none, true), true),
            (unit("other", &none, false), false),
            (unit("other", &json!({"suspend": true}), true), false),
            (unit("other", &elsewhere, true), false),
            (unit("another", &none, true), false),
        ] {
            let holders = holders(vec![other, unit("own", &none, true)]);
            assert_eq!(holders.is_held(&key("other"), &id, &key("own")), holds);
        }
    }

    #[test]
    fn who_waits_is_told_once() {
        let (id, none): (ObjectId, _) = (ID.parse().expect("an id"), json!({}));
        let both = vec![unit("other", &none, true), unit("own", &none, true)];
        let holders = holders(both);
        assert!(holders.is_held(&key("other"), &id, &key("own")));
        assert_eq!(holders.waiting_for(&key("other")), [key("own")].into());
        assert!(holders.waiting_for(&key("other")).is_empty());
    }

    #[test]
    fn what_is_released_is_not_held() {
        let (id, none): (ObjectId, _) = (ID.parse().expect("an id"), json!({}));
        let holders = holders(vec![unit("other", &none, true), unit("own", &none, true)]);
        holders.release(&key("other"), [id.clone()].into());
        assert!(!holders.is_held(&key("other"), &id, &key("own")));
        holders.release(&key("other"), [].into());
        assert!(holders.is_held(&key("other"), &id, &key("own")));
    }

    #[test]
    fn an_heir_is_another_unit_that_has_it_too() {
        let (id, none): (ObjectId, _) = (ID.parse().expect("an id"), json!({}));
        let own = unit("own", &none, true);
        assert_eq!(holders(vec![own.clone()]).other(&id, &key("own")), None);
        let asleep = unit("other", &json!({"suspend": true}), true);
        assert_eq!(holders(vec![own.clone(), asleep]).other(&id, &key("own")), None);
        let holders = holders(vec![own, unit("other", &none, true)]);
        assert_eq!(holders.other(&id, &key("own")), Some(key("other")));
        assert_eq!(holders.waiting_for(&key("other")), [key("own")].into());
    }
}
