//! Who is to look again when something changed. A wake carries no data: whoever is woken reads everything anew.

use std::sync::Arc;

use capstan_cluster::Change;
use capstan_model::{GroupVersionKind, Manifest};

use crate::kinds;
use crate::object::{controller, text};
use crate::spoke;
use crate::world::World;

/// Wakes everyone whom a change concerns.
pub(crate) fn told(world: &Arc<World>, gvk: &GroupVersionKind, change: &Change) {
    let object = change.object();
    match gvk.kind.as_str() {
        "CompositeResourceDefinition" if *gvk == kinds::definition() => {
            world.queues.definitions.wake(object.name().to_owned());
        }
        "CustomResourceDefinition" if *gvk == kinds::crd() => {
            if let Some(owner) = controller(object) {
                world.queues.definitions.wake(owner.name);
            }
        }
        "Composition" if *gvk == kinds::composition() => composites_of(world, object),
        "Spoke" if *gvk == kinds::spoke() => {
            world.queues.spokes.wake(object.name().to_owned());
            if change.after.is_none() {
                world.composites.wake_held(&world.queues.composites);
            }
        }
        "Lease" => {
            if let Some(spoke) = object.label("fleet.capstan.dev/spoke") {
                world.queues.spokes.wake(spoke.to_owned());
            }
        }
        "Secret" if *gvk == kinds::secret() => secret(world, object),
        _ => {}
    }
    if let Some(known) = world.composites.definition(&gvk.group, &gvk.kind) {
        if known.composite == *gvk {
            world.queues.composites.wake((gvk.clone(), object.name().to_owned()));
            claim_of(world, known.claim.as_ref(), object);
        } else if known.claim.as_ref() == Some(gvk) {
            world.queues.claims.wake((gvk.clone(), change.key()));
        }
    }
    owner(world, object);
    spoke::wake_for_cluster(world, gvk, object);
}

/// The composite that controls an object.
fn owner(world: &World, object: &Manifest) {
    let Some(owner) = controller(object) else { return };
    if let Some(known) = world.composites.definition(&owner.gvk.group, &owner.gvk.kind) {
        world.queues.composites.wake((known.composite.clone(), owner.name));
    }
}

fn claim_of(world: &World, claim: Option<&GroupVersionKind>, composite: &Manifest) {
    let Some(claim) = claim else { return };
    let at = |key: &str| text(composite, &format!("/spec/claimRef/{key}")).to_owned();
    let (namespace, name) = (at("namespace"), at("name"));
    if !name.is_empty() {
        let key = capstan_model::NamespacedName::new(namespace, name);
        world.queues.claims.wake((claim.clone(), key));
    }
}

/// Every composite that a Composition may make.
fn composites_of(world: &Arc<World>, composition: &Manifest) {
    let made = GroupVersionKind::from_api_version(
        text(composition, "/spec/compositeTypeRef/apiVersion"),
        text(composition, "/spec/compositeTypeRef/kind"),
    );
    let Some(known) = world.composites.definition(&made.group, &made.kind) else { return };
    for composite in world.watch(&known.composite).all() {
        let key = (known.composite.clone(), composite.name().to_owned());
        world.queues.composites.wake(key);
    }
}

/// Credentials concern spokes; a child's connection Secret concerns the composite that the child belongs to.
fn secret(world: &Arc<World>, secret: &Manifest) {
    for spoke in world.watch(&kinds::spoke()).all() {
        if spoke::reads_secret(&spoke, secret) {
            world.queues.spokes.wake(spoke.name().to_owned());
        }
    }
    let Some(child) = controller(secret) else { return };
    if !world.watched_kinds().contains(&child.gvk) {
        return;
    }
    let key = capstan_model::NamespacedName::new("", child.name);
    if let Some(child) = world.watch(&child.gvk).get(&key) {
        owner(world, &child);
    }
}
