use std::time::Duration;

use capstan_api::flux::KustomizationSpec;
use capstan_cluster::{ClusterError, EventType};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, ObjectId};
use capstan_plan::{Input, InventoryEntry, Scope, Settings};
use capstan_report::{UnitOutcome, unit_status};
use capstan_runtime::Next;

use super::notes::{self, Revisions};
use super::reconcile::SEEN_GONE;
use super::target::{self, NoTarget};
use super::{build, depends, failure};
use crate::follow::Topic;
use crate::kinds;
use crate::world::{FIELD_MANAGER, Place, World};

/// The safety net behind the watches.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Takes a deleted unit apart: what depends on it first, then its objects in reverse order, then the finalizer.
///
/// Unlike Flux, which sends the deletions and lets go, we stay until the objects are gone: what they need to be deleted
/// (credentials, providers, the cluster itself) belongs to units that wait for this one.
pub(super) async fn finalize(
    world: &World,
    key: &NamespacedName,
    unit: &mut Manifest,
) -> Result<Next, ClusterError> {
    let spec: Option<KustomizationSpec> = kinds::spec(unit).ok();
    let Some(spec) = spec.filter(deletes) else { return release(world, key, unit).await };
    if let Some(dependent) = deleting_dependent(world, key) {
        let message =
            format!("waiting for '{dependent}', which depends on this and is being deleted");
        return hold(world, unit, message).await;
    }
    let target = match target::target(world, unit, &spec).await {
        Ok(target) => target,
        Err(NoTarget::KubeConfigAbsent(absent)) => {
            let message = format!("the cluster is gone, its objects with it: {}", absent.message);
            notes::record(
                world,
                unit,
                (EventType::Warning, "Orphaned"),
                message,
                Revisions::last_applied(&kinds::status(unit)),
            );
            return release(world, key, unit).await;
        }
        Err(NoTarget::Unusable(unusable)) => {
            hold(world, unit, unusable.message).await?;
            return Ok(Next::Backoff);
        }
    };
    let mut inventory = build::inventory(unit);
    if target.account_is_gone().await {
        let ids: Vec<_> = inventory.iter().map(|entry| entry.id.to_string()).collect();
        let message = format!("unable to prune objects: \n{}", ids.join("\n"));
        notes::record(
            world,
            unit,
            (EventType::Warning, "Orphaned"),
            message,
            Revisions::last_applied(&kinds::status(unit)),
        );
        return release(world, key, unit).await;
    }
    // A root that applied its own sync manifests owns itself: it goes when its finalizer does.
    inventory.retain(|entry| entry.id != unit.id());
    let steps = removal(unit, &inventory);
    let owned = world.owned.of(target.watcher.identity(), &world.holders, key);
    let pruned = capstan_apply::prune(&target.cluster, &steps, &owned).await;
    if !pruned.deleted.is_empty() {
        let lines: Vec<_> = pruned.deleted.iter().map(|id| format!("{id} deleted")).collect();
        let event = (EventType::Normal, "ReconciliationSucceeded");
        notes::record(
            world,
            unit,
            event,
            lines.join("\n"),
            Revisions::last_applied(&kinds::status(unit)),
        );
    }
    if let Some(error) = pruned.failed.first() {
        hold(world, unit, error.to_string()).await?;
        return Ok(Next::Backoff);
    }
    world.hand_over(key, &pruned.left);
    if let Some((id, heir)) = pruned.left.first() {
        let ids: Vec<_> = pruned.left.iter().map(|(id, _)| id.clone()).collect();
        world.followed.follow(key, Topic::Health, &target.cluster, &places(&inventory, &ids));
        let message = format!("waiting for Kustomization {heir} to take over {id}");
        return hold(world, unit, message).await;
    }
    if pruned.pending.is_empty() {
        return release(world, key, unit).await;
    }
    let places = places(&inventory, &pruned.pending);
    world.followed.follow(key, Topic::Health, &target.cluster, &places);
    let names: Vec<_> = pruned.pending.iter().take(5).map(ToString::to_string).collect();
    let message =
        format!("waiting for {} objects to be deleted: {}", pruned.pending.len(), names.join(", "));
    let next = hold(world, unit, message).await?;
    let gone = world.followed.any_is_gone(&target.cluster, &places).await;
    Ok(if gone { Next::After(SEEN_GONE) } else { next })
}

/// A suspended unit, one that does not prune and one that orphans leave their objects alone.
fn deletes(spec: &KustomizationSpec) -> bool {
    let wants = match spec.deletion_policy.as_deref() {
        None | Some("MirrorPrune") => spec.prune,
        Some("Orphan") => false,
        Some(_) => true,
    };
    wants && spec.suspend != Some(true)
}

fn deleting_dependent(world: &World, key: &NamespacedName) -> Option<NamespacedName> {
    let mut units = world.kustomizations.all().into_iter();
    let dependent =
        units.find(|unit| unit.is_deleting() && depends::dependencies(unit).contains(key))?;
    let dependent = NamespacedName::new(dependent.namespace(), dependent.name());
    (dependent != *key).then_some(dependent)
}

/// The deletion of everything, in order: the plan of a unit that wants nothing.
fn removal(unit: &Manifest, inventory: &[InventoryEntry]) -> Vec<capstan_plan::PruneStep> {
    let input = Input {
        desired: Vec::new(),
        inventory: inventory.to_vec(),
        prune: true,
        owner: build::owner(unit),
        scopes: &|_| Scope::Unknown,
        settings: Settings { field_manager: FIELD_MANAGER.to_owned(), ..Settings::default() },
    };
    capstan_plan::plan(input).map(|plan| plan.prune).unwrap_or_default()
}

fn places(inventory: &[InventoryEntry], pending: &[ObjectId]) -> Vec<Place> {
    let entries = inventory.iter().filter(|entry| pending.contains(&entry.id));
    let place = |entry: &InventoryEntry| {
        let id = &entry.id;
        let gvk = GroupVersionKind::new(&*id.group, &*entry.version, &*id.kind);
        Place::new(gvk, &id.namespace, &id.name)
    };
    entries.map(place).collect()
}

async fn hold(world: &World, unit: &mut Manifest, message: String) -> Result<Next, ClusterError> {
    let before = kinds::status(unit);
    let outcome = UnitOutcome::Failed {
        failure: failure("Terminating", message),
        revision: None,
        unhealthy: false,
        built: None,
    };
    let status = unit_status(&before, &outcome, World::attempt(unit));
    if before.get("conditions") != status.get("conditions") {
        world.write_status(unit, status).await?;
    }
    Ok(Next::After(LOOK_AGAIN))
}

async fn release(
    world: &World,
    key: &NamespacedName,
    unit: &mut Manifest,
) -> Result<Next, ClusterError> {
    world.remove_finalizer(unit).await?;
    world.memories.forget(key);
    world.hand_over(key, &[]);
    world.owned.forget(key);
    world.followed.follow(key, Topic::Health, &world.cluster, &[]);
    world.followed.follow(key, Topic::Inputs, &world.cluster, &[]);
    Ok(Next::Wait)
}
