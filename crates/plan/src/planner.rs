use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use capstan_model::{Manifest, ObjectId};
use capstan_ssa::managers_taken_over;

use crate::error::{PlanError, PlanErrors};
use crate::types::{
    ApplyStep, Because, Edge, IgnoreRule, Input, InventoryEntry, Plan, PlanReport, Skipped, Wait,
    WaitCondition, Wave,
};
use crate::{edges, graph, normalise, order, prune, refs, stages};

/// Plans a unit: which objects to apply in which waves, and which to delete.
///
/// Errors are all the reasons at once: a namespaced object without namespace, an object without
/// name, two objects under one id, a Secret that is still encrypted, a dependency cycle. Nothing
/// may be applied then: the last good state stays.
pub fn plan(input: Input<'_>) -> Result<Plan, PlanErrors> {
    let Input { desired, inventory, prune, owner, scopes, settings } = input;
    let desired = finalised(desired, scopes, &owner.group)?;
    let wanted = entries_of(&desired);
    let (mut objects, skipped) = without_skipped(desired, &owner.group);
    for object in &mut objects {
        normalise::set_owner(object, &owner);
    }
    let mut edges = edges::infer(&objects);
    stages::add(&objects, &settings.early_kinds, &mut edges);
    let mark = |key: &str, value: &str| (format!("{}/{key}", owner.group), value.to_owned());
    let waves = waves(&objects, &edges, |object| ApplyStep {
        id: object.id(),
        field_manager: settings.field_manager.clone(),
        mode: normalise::mode(object, &owner.group),
        recreate: settings.force || normalise::wants_recreation(object, &owner.group),
        ignored: ignored(object, &settings.ignore),
        digest: object.digest(),
        exclusions: vec![mark("reconcile", "disabled"), mark("ssa", "Ignore")],
        merge_mark: mark("ssa", "Merge"),
        force_mark: mark("force", "enabled"),
        manifest: object.clone(),
    })?;
    let kept: HashSet<&ObjectId> = wanted.iter().map(|entry| &entry.id).collect();
    let mut seen = HashSet::new();
    let gone = inventory
        .into_iter()
        .filter(|entry| !kept.contains(&entry.id) && seen.insert(entry.id.clone()));
    let (retained, gone): (Vec<_>, Vec<_>) = gone.partition(|entry| prune && holds(entry, &wanted));
    let wanted = in_order(wanted.into_iter().chain(retained.iter().cloned()).collect());
    Ok(Plan {
        waves,
        prune: if prune { prune::steps(&gone, &owner) } else { Vec::new() },
        union_inventory: in_order(wanted.iter().chain(&gone).cloned().collect()),
        report: PlanReport {
            edges: named_edges(&objects, &edges),
            skipped,
            retained: retained.into_iter().map(|entry| entry.id).collect(),
            orphaned: if prune { Vec::new() } else { gone.into_iter().map(|e| e.id).collect() },
        },
        final_inventory: wanted,
        takes_over: managers_taken_over(&settings.field_manager, &settings.override_managers),
        owner,
    })
}

/// The fields of an object that are left to others.
fn ignored(object: &Manifest, rules: &[IgnoreRule]) -> Vec<String> {
    let applies = |rule: &&IgnoreRule| {
        rule.target.as_ref().is_none_or(|target| target.matches(object.value()))
    };
    rules.iter().filter(applies).flat_map(|rule| rule.paths.iter().cloned()).collect()
}

/// The desired objects in Flux's order, each final, each id once.
fn finalised(
    desired: Vec<Manifest>,
    scopes: &dyn Fn(&capstan_model::GroupVersionKind) -> crate::Scope,
    group: &str,
) -> Result<Vec<Manifest>, PlanErrors> {
    let defined = normalise::defined_scopes(&desired);
    let mut objects: BTreeMap<ObjectId, Manifest> = BTreeMap::new();
    let mut errors = Vec::new();
    for object in desired {
        let scope = normalise::scope_of(object.gvk(), scopes, &defined);
        match normalise::finalise(object, scope, group) {
            Ok(object) => {
                let id = object.id();
                if objects.get(&id).is_some_and(|other| *other != object) {
                    errors.push(PlanError::Duplicate(id));
                } else {
                    objects.insert(id, object);
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(PlanErrors(errors));
    }
    let mut objects: Vec<(ObjectId, Manifest)> = objects.into_iter().collect();
    objects.sort_by(|(a, _), (b, _)| order::flux_order(a, b));
    Ok(objects.into_iter().map(|(_, object)| object).collect())
}

fn entries_of(objects: &[Manifest]) -> Vec<InventoryEntry> {
    let entry = |o: &Manifest| InventoryEntry { id: o.id(), version: o.gvk().version };
    objects.iter().map(entry).collect()
}

fn without_skipped(objects: Vec<Manifest>, group: &str) -> (Vec<Manifest>, Vec<Skipped>) {
    let mut skipped = Vec::new();
    let keep = |object: &Manifest| match normalise::skip_reason(object, group) {
        Some(because) => {
            skipped.push(Skipped { id: object.id(), because });
            false
        }
        None => true,
    };
    let kept = objects.into_iter().filter(keep).collect();
    (kept, skipped)
}

/// Objects in layers: a wave holds what depends on the waves before it and on nothing of its own.
fn waves(
    objects: &[Manifest],
    edges: &BTreeSet<(usize, usize, Because)>,
    step: impl Fn(&Manifest) -> ApplyStep,
) -> Result<Vec<Wave>, PlanErrors> {
    let pairs: BTreeSet<_> = edges.iter().map(|(before, after, _)| (*before, *after)).collect();
    let pairs: Vec<_> = pairs.into_iter().collect();
    let layer = graph::layers(objects.len(), &pairs).map_err(|path| {
        let path = path.into_iter().map(|place| objects[place].id()).collect();
        PlanErrors(vec![PlanError::Cycle(path)])
    })?;
    let mut waves = vec![Wave::default(); layer.iter().max().map_or(0, |last| last + 1)];
    for (object, layer) in objects.iter().zip(&layer) {
        waves[*layer].steps.push(step(object));
    }
    for (wait, layer) in first_waits(objects, edges, &layer) {
        waves[layer].wait_for.push(wait);
    }
    Ok(waves)
}

/// Each wait with the first wave that needs it; later waves need not ask again.
fn first_waits(
    objects: &[Manifest],
    edges: &BTreeSet<(usize, usize, Because)>,
    layer: &[usize],
) -> BTreeMap<Wait, usize> {
    let mut first: BTreeMap<Wait, usize> = BTreeMap::new();
    let mut kinds: HashMap<usize, HashSet<String>> = HashMap::new();
    for (before, after, because) in edges {
        let condition = match because {
            Because::Namespace => WaitCondition::Active,
            Because::Defines => {
                let claims = kinds.entry(*before).or_insert_with(|| claim_kinds(&objects[*before]));
                if claims.contains(objects[*after].kind()) {
                    WaitCondition::Offered
                } else {
                    WaitCondition::Established
                }
            }
            _ => continue,
        };
        let object = &objects[*before];
        let wait = Wait { id: object.id(), version: object.gvk().version, condition };
        let wave = first.entry(wait).or_insert(layer[*after]);
        *wave = layer[*after].min(*wave);
    }
    first
}

fn claim_kinds(definition: &Manifest) -> HashSet<String> {
    let definitions = refs::definitions(definition).into_iter();
    definitions.filter(|kind| kind.claim).map(|kind| kind.kind).collect()
}

fn named_edges(objects: &[Manifest], edges: &BTreeSet<(usize, usize, Because)>) -> Vec<Edge> {
    let edge = |(before, after, because): &(usize, usize, Because)| Edge {
        before: objects[*before].id(),
        after: objects[*after].id(),
        because: *because,
    };
    edges.iter().map(edge).collect()
}

fn in_order(mut entries: Vec<InventoryEntry>) -> Vec<InventoryEntry> {
    entries.sort_by(|a, b| order::flux_order(&a.id, &b.id));
    entries
}

/// A Namespace that wanted objects live in: deleting it would delete them too.
fn holds(entry: &InventoryEntry, wanted: &[InventoryEntry]) -> bool {
    let namespace = entry.id.group.is_empty() && entry.id.kind == "Namespace";
    namespace && wanted.iter().any(|other| other.id.namespace == entry.id.name)
}
