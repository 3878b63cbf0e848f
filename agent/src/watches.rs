//! The watches of the agent's own kinds, and whom a change wakes.

use std::sync::Arc;

use capstan_cluster::{Change, Mirror, Selection, mirror_for_ever};
use capstan_model::{GroupVersionKind, Manifest};

use crate::args::Args;
use crate::source::{self, SourceKey, SourceKind};
use crate::unit;
use crate::world::{Place, World, is_ours_to_see};

/// Watches a kind for ever, also when its CRD comes late.
pub(crate) async fn watch(
    world: World,
    gvk: GroupVersionKind,
    mirror: Mirror,
    woken: fn(&World, &Change),
) {
    let told = |change: Change| {
        if change.after.is_none() {
            let key = change.key();
            world.metrics.forget((&gvk.kind, &key.namespace, &key.name));
        }
        woken(&world, &change);
    };
    let selection = selection(&world.args);
    mirror_for_ever(&world.cluster, &gvk, selection, &mirror, told).await;
}

/// The objects that this agent is for.
fn selection(args: &Args) -> Selection {
    let all = args.watch_all_namespaces;
    let namespace = if all { String::new() } else { args.runtime_namespace.clone() };
    Selection { namespace, labels: args.watch_label_selector.clone(), fields: String::new() }
}

/// A source changed: it is fetched when its spec or its annotations did.
pub(crate) fn source_changed(world: &World, change: &Change) {
    let Some(key) = SourceKey::of(change.object()) else { return };
    if is_ours_to_see(change) || is_made_elsewhere(key.kind, change) {
        world.source_queue.wake(key.clone());
    }
    // A source that came or went changes what its units have to say.
    if change.before.is_none() || change.after.is_none() {
        source::wake_units(world, &key);
    }
}

/// Others write the status of an ExternalArtifact, and we read it.
fn is_made_elsewhere(kind: SourceKind, change: &Change) -> bool {
    let artifact = |object: &Arc<Manifest>| object.value().pointer("/status/artifact").cloned();
    kind == SourceKind::ExternalArtifact
        && change.before.as_ref().map(artifact) != change.after.as_ref().map(artifact)
}

/// A Kustomization changed: itself, those that depend on it or left objects to it, and, when it goes, those that it depends on.
pub(crate) fn unit_changed(world: &World, change: &Change) {
    let key = change.key();
    if is_ours_to_see(change) {
        world.unit_queue.wake(key.clone());
    }
    world.dependents.learn(&world.kustomizations, &key);
    let waiting = world.holders.waiting_for(&key);
    for dependent in world.dependents.of(&key).into_iter().chain(waiting) {
        world.unit_queue.wake(dependent);
    }
    if change.after.as_ref().is_none_or(|after| after.is_deleting()) {
        for dependency in unit::dependencies(change.object()) {
            if world.kustomizations.get(&dependency).is_some() {
                world.unit_queue.wake(dependency);
            }
        }
    }
}

/// An ArtifactGenerator changed.
pub(crate) fn generator_changed(world: &World, change: &Change) {
    if is_ours_to_see(change) {
        world.generator_queue.wake(change.key());
    }
}

/// A Receiver changed.
pub(crate) fn receiver_changed(world: &World, change: &Change) {
    if is_ours_to_see(change) && change.after.is_some() {
        world.receiver_queue.wake(change.key());
    }
}

/// An object changed that nothing reconciles.
pub(crate) fn unreconciled_changed(world: &World, change: &Change) {
    if is_ours_to_see(change) && change.after.is_some() {
        let object = change.object();
        world.unreconciled_queue.wake(Place::new(object.gvk(), object.namespace(), object.name()));
    }
}
