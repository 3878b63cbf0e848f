//! Deleting a composite: its children first, in an order in which each can go.
//!
//! Managed resources wait for each other by themselves: whoever needs another is deleted before it. What is ordered here is
//! only what they cannot know: a Spoke whose cluster is one of the children drains first, and ProviderConfigs go last.

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::{ClusterError, DeleteOptions};
use capstan_compose::meta;
use capstan_model::Manifest;
use capstan_runtime::Next;

use super::observe::Seen;
use super::{CompositeError, observe, status};
use crate::object::{controller, ready_text, without_finalizer};
use crate::world::{CompositeKey, World};
use crate::{FIELD_MANAGER, kinds, spoke};

/// When a child goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Spokes: they drain while everything still stands.
    Spokes,
    /// Managed resources and composites.
    Resources,
    /// What managed resources connect with.
    ProviderConfigs,
}

fn turn(object: &Manifest) -> Turn {
    let gvk = object.gvk();
    if gvk.group == kinds::spoke().group && gvk.kind == kinds::spoke().kind {
        Turn::Spokes
    } else if gvk.kind == "ProviderConfig" {
        Turn::ProviderConfigs
    } else {
        Turn::Resources
    }
}

/// Makes one step; the children's events make the next.
pub(super) async fn run(
    world: &Arc<World>,
    key: &CompositeKey,
    composite: &Manifest,
) -> Result<Next, CompositeError> {
    if !crate::object::finalizers(composite).iter().any(|f| f == meta::FINALIZER_COMPOSITE) {
        return Ok(Next::Wait);
    }
    let Some(seen) = observe::children(world, composite).await? else {
        return Ok(Next::After(Duration::from_millis(100)));
    };
    let children = owned(composite, seen);
    if children.is_empty() {
        return finish(world, key, composite).await;
    }
    let first = children.iter().map(|child| turn(child)).min().expect("there is a child");
    if first > Turn::Spokes
        && let Some(holder) = holder(world, &children)
    {
        world.composites.hold(key, true);
        status::deleting(world, composite, &holder).await?;
        return Ok(Next::Wait);
    }
    world.composites.hold(key, false);
    let now: Vec<_> = children.iter().filter(|child| turn(child) == first).collect();
    for child in now.iter().filter(|child| !child.is_deleting()) {
        delete(world, child).await?;
    }
    status::deleting(world, composite, &left(&now, children.len())).await?;
    Ok(Next::Wait)
}

/// Only what the composite controls is its to delete.
fn owned(composite: &Manifest, seen: Vec<Seen>) -> Vec<Arc<Manifest>> {
    let ours = |object: &Arc<Manifest>| {
        controller(object).is_some_and(|owner| owner.uid == composite.uid())
    };
    seen.into_iter().map(|seen| seen.object).filter(ours).collect()
}

/// A Spoke whose cluster is one of the children.
fn holder(world: &Arc<World>, children: &[Arc<Manifest>]) -> Option<String> {
    for spoke in world.watch(&kinds::spoke()).all() {
        if let Some(child) = children.iter().find(|child| spoke::uses(&spoke, child)) {
            let told = if spoke.is_deleting() {
                format!("waiting for {} to drain: {}", spoke.id(), ready_text(&spoke))
            } else {
                format!("{} uses {}: delete the Spoke first", spoke.id(), child.id())
            };
            return Some(told);
        }
    }
    None
}

async fn delete(world: &World, child: &Manifest) -> Result<(), ClusterError> {
    let options = DeleteOptions { uid: Some(child.uid().to_owned()), ..DeleteOptions::default() };
    match world.cluster.delete(&child.gvk(), child.namespace(), child.name(), &options).await {
        // A namesake that is not ours: the old one is gone.
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(drop),
    }
}

fn left(now: &[&Arc<Manifest>], all: usize) -> String {
    // Whoever waits for others says less than whoever is waited for.
    let speaking = now.iter().find(|child| ready_text(child).starts_with("Deleting"));
    let told = speaking.or(now.first()).map(|child| {
        let why = ready_text(child);
        format!(": {} ({why})", child.id())
    });
    format!("{all} composed resources are left{}", told.unwrap_or_default())
}

async fn finish(
    world: &World,
    key: &CompositeKey,
    composite: &Manifest,
) -> Result<Next, CompositeError> {
    if let Some(patch) = without_finalizer(composite, meta::FINALIZER_COMPOSITE) {
        let gvk = composite.gvk();
        match world.cluster.merge(&gvk, "", composite.name(), &patch, FIELD_MANAGER).await {
            Err(error) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    world.composites.forget(key);
    Ok(Next::Wait)
}

#[cfg(test)]
mod tests {
    use super::{Turn, left, turn};
    use capstan_model::Manifest;
    use serde_json::json;
    use std::sync::Arc;

    fn object(api_version: &str, kind: &str, reason: &str) -> Arc<Manifest> {
        let value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": reason,
                "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        Arc::new(Manifest::try_from(value).expect("valid"))
    }

    #[test]
    fn spokes_go_first_and_provider_configs_last() {
        let of = |api_version, kind| turn(&object(api_version, kind, "x"));
        assert_eq!(of("fleet.capstan.dev/v1alpha1", "Spoke"), Turn::Spokes);
        assert_eq!(of("ec2.aws.crossplane.io/v1beta1", "VPC"), Turn::Resources);
        assert_eq!(
            of("kubernetes.crossplane.io/v1alpha1", "ProviderConfig"),
            Turn::ProviderConfigs
        );
        assert!(Turn::Spokes < Turn::Resources && Turn::Resources < Turn::ProviderConfigs);
    }

    #[test]
    fn the_one_that_is_going_is_named() {
        let (a, b) = (object("v1", "A", "Available"), object("v1", "B", "Deleting"));
        assert_eq!(left(&[&a, &b], 5), "5 composed resources are left: B/a (Deleting: m)");
    }
}
