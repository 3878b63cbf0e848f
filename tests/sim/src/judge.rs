use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::api::{Answer, Asked, Key, Store, Verb};
use crate::fleet::{self, Fleet, GROUP, OWN};

/// What is watched for at every write of the agent. The letters are those of docs/reliability.md.
pub(crate) struct Judge {
    fleet: Arc<Fleet>,
    /// The newest revision that was told to the agent, ever.
    pub(crate) newest: usize,
    /// Units that are to go.
    pub(crate) removed: BTreeSet<usize>,
    /// Objects that somebody else changed since we wrote them.
    pub(crate) touched: BTreeSet<Key>,
    /// The newest revision at which a unit was ready.
    ready: BTreeMap<usize, usize>,
    /// The newest content of each object that a unit applied, by the revision that it is from.
    applied: BTreeMap<(Key, usize), usize>,
    /// The newest revision that each unit has attempted.
    attempted: BTreeMap<usize, usize>,
    /// Writes of objects that units own.
    pub(crate) owned_writes: u64,
    pub(crate) broken: Vec<String>,
}

impl Judge {
    pub(crate) fn new(fleet: Arc<Fleet>) -> Self {
        Self {
            fleet,
            newest: 0,
            removed: BTreeSet::new(),
            touched: BTreeSet::new(),
            ready: BTreeMap::new(),
            applied: BTreeMap::new(),
            attempted: BTreeMap::new(),
            owned_writes: 0,
            broken: Vec::new(),
        }
    }

    fn breaks(&mut self, law: &str, what: &str) {
        self.broken.push(format!("{law}: {what}"));
    }

    /// A request, before it is carried out.
    pub(crate) fn before(&mut self, store: &Store, asked: &Asked) {
        let Some(key) = asked.key.as_ref().filter(|key| key.1 == fleet::NAMESPACE) else { return };
        match asked.verb {
            Verb::Delete => self.deletes(store, asked, key),
            Verb::Apply if !asked.dry_run => self.applies(store, asked, key),
            _ => {}
        }
    }

    /// I1: what is deleted is ours, and just that object. I3: the last good revision stays.
    fn deletes(&mut self, store: &Store, asked: &Asked, key: &Key) {
        let Some(live) = store.find(key) else { return };
        let given = &asked.body["preconditions"];
        if given["uid"].is_null() || given["resourceVersion"].is_null() {
            self.breaks(
                "I1",
                &format!("{} is deleted without preconditions: {}", key.2, asked.body),
            );
        }
        let Some(unit) = owner(live) else {
            return self.breaks("I1", &format!("{} is deleted, which no unit owns", key.2));
        };
        if !inventory(store, unit).contains(&id(store, key)) {
            self.breaks("I1", &format!("{} is deleted, which is in no inventory", key.2));
        }
        let place = (store.kinds[key.0].kind.clone(), key.2.clone());
        let begun = applied_revision(store, unit).unwrap_or_default();
        let is_unwanted = (begun..=self.newest).any(|number| {
            self.fleet.revisions[number][unit].as_ref().is_some_and(|w| !w.contains_key(&place))
        });
        let is_made_anew = self.fleet.units[unit].force && live["immutable"] == true;
        if !is_unwanted && !is_made_anew && !self.removed.contains(&unit) {
            self.breaks("I3", &format!("{} is deleted, which every revision wants", key.2));
        }
    }

    /// I5: no object goes back. I6: no object comes before what its unit depends on.
    fn applies(&mut self, store: &Store, asked: &Asked, key: &Key) {
        let label = asked.body["metadata"]["labels"][format!("{GROUP}/name")].as_str();
        let Some(unit) = label.and_then(fleet::unit_number) else { return };
        let Some(number) = fleet::content_revision(&asked.body) else { return };
        let before = self.applied.insert((key.clone(), unit), number).unwrap_or_default();
        if before > number {
            let what = format!("{} goes back from {before} to {number}", key.2);
            self.breaks("I5", &what);
        }
        for on in self.fleet.units[unit].depends_on.clone() {
            if self.ready.get(&on).is_none_or(|ready| *ready < number) {
                let what = format!(
                    "{} of revision {number} is applied, and unit-{on} was ready at {:?}",
                    key.2,
                    self.ready.get(&on)
                );
                self.breaks("I6", &what);
            }
        }
        if !inventory(store, unit).contains(&id(store, key)) {
            self.breaks("I2", &format!("{} is applied, and in no inventory", key.2));
        }
    }

    /// A write, after it was carried out.
    pub(crate) fn after(
        &mut self,
        store: &Store,
        asked: &Asked,
        before: Option<&Value>,
        answer: &Answer,
    ) {
        let Some(key) = &asked.key else { return };
        let is_event = store.kinds[key.0].kind == "Event";
        if answer.code >= 300 || asked.dry_run || is_event {
            return;
        }
        if key.1 == fleet::NAMESPACE {
            self.touched.remove(key);
            let live = store.find(key).map(|live| &**live);
            self.owned_writes += u64::from(before != live);
        }
        self.superset(store);
        if let Some(unit) = fleet::unit_number(&key.2).filter(|_| asked.is_status) {
            self.reported(store, unit, key);
        }
    }

    /// I2: whatever carries our labels is in the inventory of its unit.
    fn superset(&mut self, store: &Store) {
        let mut lost = Vec::new();
        for (key, object) in store.all().filter(|(key, _)| key.1 == fleet::NAMESPACE) {
            let Some(unit) = owner(object) else { continue };
            if unit_object(store, unit).is_none()
                || !inventory(store, unit).contains(&id(store, key))
            {
                lost.push(key.2.clone());
            }
        }
        for name in lost {
            self.breaks("I2", &format!("{name} carries a unit's labels, and is in no inventory"));
        }
    }

    /// I5: no report goes back. I13: who says that he is ready, has applied what he says.
    fn reported(&mut self, store: &Store, unit: usize, key: &Key) {
        let Some(object) = store.find(key) else { return };
        let status = &object["status"];
        let number = |field: &str| status[field].as_str().and_then(fleet::revision_number);
        let attempted = number("lastAttemptedRevision").unwrap_or_default();
        let before = self.attempted.insert(unit, attempted).unwrap_or_default();
        if before > attempted {
            self.breaks("I5", &format!("{} attempts {attempted} after {before}", key.2));
        }
        let conditions = status["conditions"].as_array();
        let ready = conditions.and_then(|list| list.iter().find(|c| c["type"] == "Ready"));
        let is_ready = ready.is_some_and(|ready| ready["status"] == "True");
        let Some(applied) = number("lastAppliedRevision").filter(|_| is_ready) else { return };
        let seen = self.ready.entry(unit).or_default();
        *seen = applied.max(*seen);
        if status["observedGeneration"] != object["metadata"]["generation"] || attempted != applied
        {
            return;
        }
        let Some(wanted) = self.fleet.revisions[applied][unit].clone() else {
            return self
                .breaks("I13", &format!("{} is ready at {applied}, which is broken", key.2));
        };
        for ((kind, name), (_, content)) in &wanted {
            let key = (store.kind(kind), fleet::NAMESPACE.to_owned(), name.clone());
            let is_there = store.find(&key).is_some_and(|live| is_as_wanted(live, unit, content));
            if !is_there && !self.touched.contains(&key) {
                let live = store.find(&key);
                let what = format!("unit-{unit} is ready at {applied}, and {name} is {live:?}");
                self.breaks("I13", &what);
            }
        }
    }

    /// I2, I7: all is as the last revision wants it, and nothing else is there. What is not, as text.
    pub(crate) fn unsettled(&self, store: &Store) -> Vec<String> {
        let mut wrong = Vec::new();
        let last = self.newest;
        for unit in 0..self.fleet.units.len() {
            if self.removed.contains(&unit) {
                if unit_object(store, unit).is_some() {
                    wrong.push(format!("unit-{unit} is still there"));
                }
                continue;
            }
            let Some(object) = unit_object(store, unit) else {
                wrong.push(format!("unit-{unit} is gone"));
                continue;
            };
            wrong.extend(not_ready(object, last));
            let wanted = self.fleet.revisions[last][unit].clone().unwrap_or_default();
            let mut ids = BTreeSet::new();
            for ((kind, name), (_, content)) in &wanted {
                let key = (store.kind(kind), fleet::NAMESPACE.to_owned(), name.clone());
                ids.insert(id(store, &key));
                let live = store.find(&key);
                if !live.is_some_and(|live| is_as_wanted(live, unit, content)) {
                    wrong.push(format!("{name} is {live:?}, not {content}"));
                }
            }
            let held = inventory(store, unit);
            if held != ids {
                wrong.push(format!("the inventory of unit-{unit} is {held:?}, not {ids:?}"));
            }
        }
        for (key, object) in store.all().filter(|(key, _)| key.1 == fleet::NAMESPACE) {
            let wants = |unit: usize| {
                let place = (store.kinds[key.0].kind.clone(), key.2.clone());
                let wanted = self.fleet.revisions[last][unit].as_ref();
                !self.removed.contains(&unit) && wanted.is_some_and(|w| w.contains_key(&place))
            };
            if owner(object).is_some_and(|unit| !wants(unit)) {
                wrong.push(format!("{} is orphaned", key.2));
            }
        }
        wrong
    }
}

/// Does an object show what a unit wants, or does it belong to another unit?
fn is_as_wanted(live: &Value, unit: usize, content: &Value) -> bool {
    let is_of_another = live["metadata"]["name"] == fleet::SHARED && owner(live) != Some(unit);
    is_of_another || fleet::shows(live, content)
}

fn not_ready(object: &Value, last: usize) -> Option<String> {
    let status = &object["status"];
    let conditions = status["conditions"].as_array();
    let ready = conditions.and_then(|list| list.iter().find(|c| c["type"] == "Ready"));
    let is_ready = ready.is_some_and(|ready| ready["status"] == "True")
        && status["observedGeneration"] == object["metadata"]["generation"]
        && status["lastAppliedRevision"] == fleet::revision(last);
    (!is_ready).then(|| {
        let applied = &status["lastAppliedRevision"];
        format!("{} is not ready at {last}: {applied} {ready:?}", object["metadata"]["name"])
    })
}

fn unit_object(store: &Store, unit: usize) -> Option<&Value> {
    let key = (store.kind("Kustomization"), OWN.to_owned(), fleet::unit_name(unit));
    store.find(&key).map(|object| &**object)
}

fn applied_revision(store: &Store, unit: usize) -> Option<usize> {
    fleet::revision_number(unit_object(store, unit)?["status"]["lastAppliedRevision"].as_str()?)
}

/// The unit whose labels an object carries.
fn owner(object: &Value) -> Option<usize> {
    let name = object["metadata"]["labels"].get(format!("{GROUP}/name"))?.as_str()?;
    fleet::unit_number(name)
}

fn inventory(store: &Store, unit: usize) -> BTreeSet<String> {
    let entries =
        unit_object(store, unit).and_then(|o| o["status"]["inventory"]["entries"].as_array());
    let id = |entry: &Value| entry["id"].as_str().map(str::to_owned);
    entries.into_iter().flatten().filter_map(id).collect()
}

/// An object, as inventories write it.
fn id(store: &Store, key: &Key) -> String {
    let kind = &store.kinds[key.0];
    format!("{}_{}_{}_{}", key.1, key.2, kind.group, kind.kind)
}
