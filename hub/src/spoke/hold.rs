//! Keeping what a spoke needs from being deleted before the spoke has drained.
//!
//! Each such object carries the finalizer `in-use.fleet.capstan.dev/spoke-<name>`. Whoever deletes the resource behind it
//! (a cluster, a node group, a role) leaves it alone as long as a finalizer with that prefix is there, and the finalizer is
//! what the user finds when asking why.

use std::sync::Arc;

use capstan_api::fleet::{IN_USE_PREFIX, RequiredObject, SpokeSpec, spoke_identity};
use capstan_cluster::{Cluster, ClusterError};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName};

use crate::FIELD_MANAGER;
use crate::object::{controller, finalizers, with_finalizer, without_finalizer};
use crate::world::World;

/// The finalizer by which a spoke holds an object.
pub(crate) fn finalizer(spoke: &str) -> String {
    format!("{IN_USE_PREFIX}{}", spoke_identity(spoke))
}

/// What a spoke needs: its cluster, what is composed with it (the network and the nodes that the agent runs on), and what
/// the Spoke names. Each once.
pub(crate) fn everything(
    world: &Arc<World>,
    spec: &SpokeSpec,
    cluster: Option<&Manifest>,
) -> Vec<RequiredObject> {
    let mut all: Vec<_> = cluster.map(reference).into_iter().collect();
    if let Some(owner) = cluster.and_then(controller) {
        for gvk in world.watched_kinds() {
            let composed = world.watch(&gvk).all();
            let siblings = composed.iter().filter(|object| {
                object.namespace().is_empty()
                    && controller(object).is_some_and(|theirs| theirs.uid == owner.uid)
            });
            all.extend(siblings.map(|object| reference(object)));
        }
    }
    all.retain(|object| object.kind != "Spoke");
    all.extend(spec.agent.iter().flat_map(|agent| agent.requires.clone()));
    all.sort();
    all.dedup();
    all
}

/// Holds the objects; gives back those that do not exist.
pub(crate) async fn hold<'a>(
    world: &Arc<World>,
    spoke: &str,
    objects: &'a [RequiredObject],
) -> Result<Vec<&'a RequiredObject>, ClusterError> {
    let mut missing = Vec::new();
    let finalizer = finalizer(spoke);
    for object in objects {
        let (gvk, key) = (kind(object), NamespacedName::new("", &object.name));
        let shown = world.watch(&gvk).get(&key);
        if shown.is_some_and(|shown| finalizers(&shown).contains(&finalizer)) {
            continue;
        }
        match find(&world.cluster, object).await? {
            Some(found) if !found.is_deleting() => {
                if let Some(patch) = with_finalizer(&found, &finalizer) {
                    world.cluster.merge(&gvk, "", found.name(), &patch, FIELD_MANAGER).await?;
                }
            }
            // No finalizer can be added to what is going; a hold from before still counts.
            Some(_) => {}
            None => missing.push(object),
        }
    }
    Ok(missing)
}

/// Lets everything go that a spoke holds: what it names, and whatever watched object carries its finalizer.
pub(crate) async fn release(
    world: &Arc<World>,
    spoke: &str,
    named: &[RequiredObject],
) -> Result<(), ClusterError> {
    let finalizer = finalizer(spoke);
    let mut held: Vec<_> = named.to_vec();
    for gvk in world.watched_kinds() {
        let carrying = world.watch(&gvk).all();
        let carrying = carrying.iter().filter(|object| finalizers(object).contains(&finalizer));
        held.extend(carrying.map(|object| reference(object)));
    }
    held.sort();
    held.dedup();
    for object in &held {
        let Some(found) = find(&world.cluster, object).await? else { continue };
        if let Some(patch) = without_finalizer(&found, &finalizer) {
            let merged =
                world.cluster.merge(&found.gvk(), "", found.name(), &patch, FIELD_MANAGER).await;
            match merged {
                Err(error) if error.is_not_found() => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

async fn find(
    cluster: &Cluster,
    object: &RequiredObject,
) -> Result<Option<Manifest>, ClusterError> {
    match cluster.get(&kind(object), "", &object.name).await {
        Err(ClusterError::NoSuchKind(_)) => Ok(None),
        other => other,
    }
}

fn kind(object: &RequiredObject) -> GroupVersionKind {
    GroupVersionKind::from_api_version(&object.api_version, &object.kind)
}

fn reference(object: &Manifest) -> RequiredObject {
    RequiredObject {
        api_version: object.api_version().to_owned(),
        kind: object.kind().to_owned(),
        name: object.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::finalizer;

    #[test]
    fn a_hold_names_its_holder() {
        assert_eq!(finalizer("a"), "in-use.fleet.capstan.dev/spoke-a");
    }
}
