//! What is told of the work: a span and figures for each reconciliation, and how many objects are in which state.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;

use capstan_cluster::Mirror;
use capstan_model::{GroupVersionKind, LabelSelector, Manifest, NamespacedName};
use capstan_runtime::{Next, ObjectCount, run_id};
use serde_json::Value;
use tracing::Instrument;

use crate::source::SourceKind;
use crate::world::World;

/// Runs a reconciliation under the names that Flux's logs and metrics have, unless the object went to another shard.
pub(crate) async fn observed(
    world: World,
    controller: &'static str,
    (gvk, mirror): (GroupVersionKind, Mirror),
    key: NamespacedName,
    run: impl Future<Output = Next>,
) -> Next {
    let is_watched = mirror.get(&key).is_some();
    if !is_watched && is_of_another_shard(&world, &gvk, &key).await {
        return Next::Wait;
    }
    let span = tracing::info_span!(
        "reconcile",
        controller,
        controllerGroup = gvk.group,
        controllerKind = gvk.kind,
        name = key.name,
        namespace = key.namespace,
        reconcileID = run_id(),
    );
    let began = Instant::now();
    let next = run.instrument(span).await;
    let is_there = mirror.get(&key).is_some();
    let object = (&*gvk.kind, &*key.namespace, &*key.name);
    world.metrics.reconciled(controller, object, next, began.elapsed(), is_there);
    next
}

/// Is there an object that this agent does not watch? One whose label changed is another's from now on.
async fn is_of_another_shard(world: &World, gvk: &GroupVersionKind, key: &NamespacedName) -> bool {
    let selector = &world.args.watch_label_selector;
    if selector.is_empty() {
        return false;
    }
    let Ok(selector) = selector.parse::<LabelSelector>() else { return true };
    let read = world.cluster.get(gvk, &key.namespace, &key.name).await;
    matches!(read, Ok(Some(object)) if !selector.matches(|label| object.label(label)))
}

/// From now on the metrics count the objects that are watched.
pub(crate) fn count_objects(world: &World) {
    let sources = world.source_objects.clone();
    let (units, receivers) = (world.kustomizations.clone(), world.receivers.clone());
    let generators = world.generators.clone();
    world.metrics.count_objects(move || {
        let kinds = SourceKind::ALL.into_iter().map(|kind| (kind.name(), sources.of(kind)));
        let others = [
            ("Kustomization", &units),
            ("Receiver", &receivers),
            ("ArtifactGenerator", &generators),
        ];
        kinds.chain(others).flat_map(|(kind, mirror)| count(kind, mirror)).collect()
    });
}

fn count(kind: &'static str, mirror: &Mirror) -> Vec<ObjectCount> {
    let mut counts: BTreeMap<(&'static str, bool), usize> = BTreeMap::new();
    for object in mirror.all() {
        let suspended = object.value().pointer("/spec/suspend") == Some(&Value::Bool(true));
        *counts.entry((ready(&object), suspended)).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|((ready, suspended), count)| ObjectCount { kind, ready, suspended, count })
        .collect()
}

fn ready(object: &Manifest) -> &'static str {
    let conditions = object.value().pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.and_then(|list| list.iter().find(|one| one["type"] == "Ready"));
    match ready.and_then(|ready| ready["status"].as_str()) {
        Some("True") => "True",
        Some("False") => "False",
        _ => "Unknown",
    }
}
