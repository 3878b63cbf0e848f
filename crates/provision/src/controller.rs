use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::{Change, Selection, mirror_into};
use capstan_model::{GroupVersionKind, Manifest};
use capstan_runtime::{Next, Stop};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::managed::Managed;
use crate::world::{CONFIG_KIND, Key, Options, Watched, World};
use crate::{configs, names, pass};

/// How soon a watch is tried again whose kind the API server does not serve yet, although its CRD is established.
const NOT_SERVED_YET: Duration = Duration::from_millis(500);

/// How long kinds may stay unread before it is said.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reconciles the managed resources of a cluster until `stop`.
///
/// Every kind is watched whose CRD exists, and one that comes later is picked up then. Runs that have begun are finished.
pub async fn run(options: Options, stop: Stop) {
    let concurrency = options.concurrency;
    let world = Arc::new(World::new(options));
    let crds_changed = watch::Sender::new(());
    let mut watches = JoinSet::new();
    watches.spawn(watch_crds(Arc::clone(&world), crds_changed.clone()));
    for watched in &world.watched {
        let (world, watched) = (Arc::clone(&world), watched.clone());
        watches.spawn(watch_kind(world, watched, crds_changed.subscribe()));
    }
    watches.spawn(complain_until_settled(Arc::clone(&world)));
    let reconcile = |key: Key| reconcile(Arc::clone(&world), key);
    world.queue.run(concurrency, &stop, reconcile).await;
    watches.shutdown().await;
}

/// Nothing is reconciled before every kind was read once, so it must not stay unread in silence.
async fn complain_until_settled(world: Arc<World>) {
    let mut patience = tokio::time::interval(PATIENCE);
    patience.tick().await;
    loop {
        patience.tick().await;
        let unread = world.unread();
        if !unread.is_empty() {
            tracing::warn!(
                kinds = unread.join(", "),
                "nothing is reconciled until these can be listed and watched: check RBAC and the API server"
            );
        }
    }
}

async fn reconcile(world: Arc<World>, key: Key) -> Next {
    if key.kind == CONFIG_KIND {
        configs::run(&world, &key).await
    } else {
        pass::run(&world, &key).await
    }
}

/// Watches the CRDs, so that kinds come and go with them.
async fn watch_crds(world: Arc<World>, changed: watch::Sender<()>) {
    let kind = GroupVersionKind::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    loop {
        let told = |_| {
            changed.send_replace(());
        };
        let ended =
            mirror_into(world.cluster(), &kind, Selection::default(), &world.crds, told).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "CRDs cannot be watched");
        }
        tokio::time::sleep(NOT_SERVED_YET).await;
    }
}

/// Watches one kind whenever its CRD is established.
async fn watch_kind(world: Arc<World>, watched: Watched, mut crds: watch::Receiver<()>) {
    loop {
        while !world.is_established(&watched.crd) {
            if crds.changed().await.is_err() {
                return;
            }
        }
        let told = |change: Change| told(&world, &watched, &change);
        let ended =
            mirror_into(world.cluster(), &watched.gvk, Selection::default(), &watched.mirror, told)
                .await;
        if let Err(error) = ended {
            tracing::debug!(kind = %watched.gvk, %error, "watch ended");
        }
        world.cluster().forget(&watched.gvk);
        tokio::time::sleep(NOT_SERVED_YET).await;
    }
}

/// Wakes the object that changed, and who waits for it.
fn told(world: &World, watched: &Watched, change: &Change) {
    let object = change.object();
    let key = Key { group: watched.group, kind: watched.kind, name: object.name().to_owned() };
    if matters_to_others(change) {
        world.changed(watched.group, watched.kind, object.name());
        let came_or_went = change.before.is_none() || change.after.is_none();
        if came_or_went && let Some(config) = configs::key_of(world, &key, object) {
            world.queue.wake(config);
        }
    }
    if matters_to_itself(world, &key, change) {
        world.queue.wake(key);
    }
}

/// Status, and what we wrote ourselves, is no news to an object itself.
fn matters_to_itself(world: &World, key: &Key, change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return true };
    if world.knows(key, after) {
        return false;
    }
    let part = |object: &Manifest, pointer: &str| object.value().pointer(pointer).cloned();
    let differs = |pointer| part(before, pointer) != part(after, pointer);
    before.uid() != after.uid()
        || before.generation() != after.generation()
        || before.is_deleting() != after.is_deleting()
        || annotations_of_others(before) != annotations_of_others(after)
        || differs("/metadata/labels")
        || differs("/metadata/ownerReferences")
        || differs("/metadata/finalizers")
}

/// The annotations that somebody else may have changed. Our own marks come back as events, sometimes before the answer of
/// the write, and would keep a failing create awake.
fn annotations_of_others(object: &Manifest) -> Vec<(&String, &Value)> {
    const OURS: [&str; 5] = [
        names::CREATE_PENDING,
        names::CREATE_SUCCEEDED,
        names::CREATE_FAILED,
        names::RESOLVED,
        names::APPLIED_TAGS,
    ];
    let map = object.value().pointer("/metadata/annotations").and_then(Value::as_object);
    map.into_iter().flatten().filter(|(key, _)| !OURS.contains(&key.as_str())).collect()
}

/// What references, selectors, edges and blockers look at.
fn matters_to_others(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return true };
    let part = |object: &Manifest, pointer: &str| object.value().pointer(pointer).cloned();
    let differs = |pointer| part(before, pointer) != part(after, pointer);
    before.uid() != after.uid()
        || before.generation() != after.generation()
        || before.is_deleting() != after.is_deleting()
        || Managed(before).is_ready() != Managed(after).is_ready()
        || before.annotation(names::EXTERNAL_NAME) != after.annotation(names::EXTERNAL_NAME)
        || differs("/status/atProvider")
        || differs("/metadata/labels")
        || differs("/metadata/ownerReferences")
}

#[cfg(test)]
mod tests {
    use super::{annotations_of_others, matters_to_others};
    use crate::testing::{object, ready};
    use capstan_cluster::Change;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn change(before: Value, after: Value) -> Change {
        Change { before: Some(Arc::new(object(before))), after: Some(Arc::new(object(after))) }
    }

    #[test]
    fn our_own_marks_wake_nobody() {
        let marks = json!({"metadata": {"annotations":
            {"crossplane.io/external-create-failed": "2026-01-01T00:00:00Z"}}});
        assert!(annotations_of_others(&object(marks)).is_empty());
        let asked = json!({"metadata": {"annotations": {"crossplane.io/paused": "true"}}});
        assert_eq!(annotations_of_others(&object(asked)).len(), 1);
    }

    #[test]
    fn others_hear_of_readiness_and_ids_only() {
        let quiet =
            change(json!({}), json!({"metadata": {"resourceVersion": "2"}, "status": {"x": 1}}));
        assert!(!matters_to_others(&quiet));
        assert!(matters_to_others(&change(json!({}), json!({"status": ready()}))));
        let named = json!({"metadata": {"annotations": {"crossplane.io/external-name": "vpc-1"}}});
        assert!(matters_to_others(&change(json!({}), named)));
        assert!(matters_to_others(&Change {
            before: None,
            after: Some(Arc::new(object(json!({}))))
        }));
    }
}
