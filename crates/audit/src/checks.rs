use std::collections::{HashMap, HashSet};

use capstan_model::{Manifest, ObjectId};
use capstan_plan::{InventoryEntry, Owner, Plan};

use crate::Violation;

/// Each object in one step only.
pub(crate) fn ids(plan: &Plan, found: &mut Vec<Violation>) {
    let mut applied = HashSet::new();
    for step in plan.waves.iter().flat_map(|wave| &wave.steps) {
        if !applied.insert(&step.id) {
            found.push(Violation::AppliedTwice(step.id.clone()));
        }
    }
    let mut pruned = HashSet::new();
    for step in &plan.prune {
        if !pruned.insert(&step.id) {
            found.push(Violation::PrunedTwice(step.id.clone()));
        }
    }
}

/// Each step is about its own object, and the object is the owner's.
pub(crate) fn objects(plan: &Plan, owner: &Owner, found: &mut Vec<Violation>) {
    for step in plan.waves.iter().flat_map(|wave| &wave.steps) {
        let id = step.manifest.id();
        if id != step.id {
            found.push(Violation::WrongObject(step.id.clone(), id));
        }
        if step.manifest.digest() != step.digest {
            found.push(Violation::WrongDigest(step.id.clone()));
        }
        let labels = [("name", &owner.name), ("namespace", &owner.namespace)];
        for (key, value) in labels {
            let key = format!("{}/{key}", owner.group);
            if step.manifest.label(&key) != Some(value) {
                found.push(Violation::NotOwned(step.id.clone(), key));
            }
        }
    }
}

/// Homes and definitions come in earlier waves; so does what the report says comes before.
pub(crate) fn order(plan: &Plan, found: &mut Vec<Violation>) {
    let mut wave_of: HashMap<&ObjectId, usize> = HashMap::new();
    let mut homes: HashMap<&str, (&ObjectId, usize)> = HashMap::new();
    let mut definitions: HashMap<(String, String), (&ObjectId, usize)> = HashMap::new();
    for (place, wave) in plan.waves.iter().enumerate() {
        if wave.steps.is_empty() {
            found.push(Violation::EmptyWave(place));
        }
        for step in &wave.steps {
            wave_of.insert(&step.id, place);
            if is_namespace(&step.id) {
                homes.insert(&step.id.name, (&step.id, place));
            }
            for kind in defined_kinds(&step.manifest) {
                definitions.insert(kind, (&step.id, place));
            }
        }
    }
    let mut require = |before: &ObjectId, first: usize, after: &ObjectId, then: usize| {
        if first >= then && before != after {
            found.push(Violation::OutOfOrder { before: before.clone(), after: after.clone() });
        }
    };
    for (id, place) in &wave_of {
        if let Some((home, first)) = homes.get(&*id.namespace) {
            require(home, *first, id, *place);
        }
        if let Some((definition, first)) = definitions.get(&(id.group.clone(), id.kind.clone())) {
            require(definition, *first, id, *place);
        }
    }
    for edge in &plan.report.edges {
        if let (Some(first), Some(then)) = (wave_of.get(&edge.before), wave_of.get(&edge.after)) {
            require(&edge.before, *first, &edge.after, *then);
        }
    }
}

/// Nothing waits for what has not been applied by then.
pub(crate) fn waits(plan: &Plan, found: &mut Vec<Violation>) {
    let mut applied: HashSet<&ObjectId> = HashSet::new();
    for (place, wave) in plan.waves.iter().enumerate() {
        for wait in wave.wait_for.iter().filter(|wait| !applied.contains(&wait.id)) {
            found.push(Violation::VainWait { wave: place, id: wait.id.clone() });
        }
        applied.extend(wave.steps.iter().map(|step| &step.id));
    }
}

/// Only what was ours is deleted, and nothing that is wanted goes with it.
pub(crate) fn prune(plan: &Plan, inventory: &[InventoryEntry], found: &mut Vec<Violation>) {
    let ours: HashSet<&ObjectId> = inventory.iter().map(|entry| &entry.id).collect();
    let applied = plan.waves.iter().flat_map(|wave| &wave.steps).map(|step| &step.id);
    let skipped = plan.report.skipped.iter().map(|skipped| &skipped.id);
    let wanted: HashSet<&ObjectId> = applied.chain(skipped).collect();
    let mut lives_in: HashMap<&str, &ObjectId> = HashMap::new();
    for id in &wanted {
        lives_in.insert(&id.namespace, id);
    }
    for step in &plan.prune {
        if !ours.contains(&step.id) {
            found.push(Violation::PrunedStranger(step.id.clone()));
        }
        if wanted.contains(&step.id) {
            found.push(Violation::PrunedWanted(step.id.clone()));
        }
        if is_namespace(&step.id)
            && let Some(wanted) = lives_in.get(&*step.id.name)
        {
            let (namespace, wanted) = (step.id.clone(), (*wanted).clone());
            found.push(Violation::PrunedHome { namespace, wanted });
        }
    }
}

/// What holds others goes after them.
pub(crate) fn prune_order(plan: &Plan, found: &mut Vec<Violation>) {
    for pair in plan.prune.windows(2) {
        if pair[1].stage < pair[0].stage {
            found.push(Violation::StageFalls(pair[1].id.clone()));
        }
    }
    let mut homes: HashMap<&str, &ObjectId> = HashMap::new();
    let mut groups: HashMap<&str, &ObjectId> = HashMap::new();
    for step in &plan.prune {
        let held_by = homes.get(&*step.id.namespace).or_else(|| groups.get(&*step.id.group));
        if let Some(container) = held_by {
            let (container, held) = ((*container).clone(), step.id.clone());
            found.push(Violation::PrunedTooSoon { container, held });
        }
        if is_namespace(&step.id) {
            homes.insert(&step.id.name, &step.id);
        }
        if step.id.kind == "CustomResourceDefinition"
            && let Some((_, group)) = step.id.name.split_once('.')
        {
            groups.insert(group, &step.id);
        }
    }
}

/// The union holds everything touched, the final inventory what stays.
pub(crate) fn inventories(plan: &Plan, inventory: &[InventoryEntry], found: &mut Vec<Violation>) {
    let union = listed(&plan.union_inventory, found);
    let last = listed(&plan.final_inventory, found);
    let orphaned: HashSet<&ObjectId> = plan.report.orphaned.iter().collect();
    for step in plan.waves.iter().flat_map(|wave| &wave.steps) {
        if !union.contains(&step.id) {
            found.push(Violation::NotInUnion(step.id.clone()));
        }
        if !last.contains(&step.id) {
            found.push(Violation::NotInFinal(step.id.clone()));
        }
    }
    for entry in inventory.iter().filter(|entry| !union.contains(&entry.id)) {
        if !orphaned.contains(&entry.id) {
            found.push(Violation::NotInUnion(entry.id.clone()));
        }
    }
    for step in plan.prune.iter().filter(|step| last.contains(&step.id)) {
        found.push(Violation::StaysInFinal(step.id.clone()));
    }
}

fn listed<'a>(entries: &'a [InventoryEntry], found: &mut Vec<Violation>) -> HashSet<&'a ObjectId> {
    let mut ids = HashSet::new();
    for entry in entries {
        if !ids.insert(&entry.id) {
            found.push(Violation::ListedTwice(entry.id.clone()));
        }
    }
    ids
}

fn is_namespace(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "Namespace"
}

/// Group and kind of what a CRD or XRD defines, read anew.
fn defined_kinds(object: &Manifest) -> Vec<(String, String)> {
    if !matches!(object.kind(), "CustomResourceDefinition" | "CompositeResourceDefinition") {
        return Vec::new();
    }
    let spec = &object.value()["spec"];
    let group = spec["group"].as_str().unwrap_or_default();
    let kinds = [&spec["names"]["kind"], &spec["claimNames"]["kind"]];
    let kinds = kinds.into_iter().filter_map(|kind| kind.as_str());
    kinds.map(|kind| (group.to_owned(), kind.to_owned())).collect()
}
