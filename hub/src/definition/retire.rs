//! Deleting an XRD: claims, then composites with all that they hold, then the CRDs.

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::{ClusterError, DeleteOptions};
use capstan_compose::meta::{FINALIZER_DEFINED, FINALIZER_OFFERED};
use capstan_compose::xrd::Xrd;
use capstan_model::{GroupVersionKind, Manifest};
use capstan_runtime::Next;
use serde_json::json;

use super::{DefinitionError, status};
use crate::composite::Definition;
use crate::object::{finalizers, text};
use crate::world::World;
use crate::{FIELD_MANAGER, kinds};

/// Makes one step. What it waits for is gone soon after it was asked to, or says itself why not.
pub(super) async fn run(world: &Arc<World>, object: &Manifest) -> Result<Next, DefinitionError> {
    // An XRD that never was one has made nothing.
    let Ok(xrd) = Xrd::parse(object) else { return release(world, object).await };
    let definition = Definition::of(xrd);
    let claims = definition.claim.as_ref();
    for gvk in [claims, Some(&definition.composite)].into_iter().flatten() {
        let left = delete_all(world, gvk).await?;
        if let Some(first) = left.first() {
            let message = format!("{} objects are left, such as {}", left.len(), first.id());
            status::terminating(world, object, &message).await?;
            return Ok(Next::After(Duration::from_secs(1)));
        }
    }
    for (gvk, plural) in [
        (claims, definition.xrd.claim_names.as_ref().map(|names| &names.plural)),
        (Some(&definition.composite), Some(&definition.xrd.names.plural)),
    ] {
        if let (Some(gvk), Some(plural)) = (gvk, plural) {
            world.unwatch(gvk);
            delete_crd(world, object, &format!("{plural}.{}", gvk.group)).await?;
        }
    }
    world.composites.retire(&definition);
    release(world, object).await
}

async fn delete_all(world: &World, gvk: &GroupVersionKind) -> Result<Vec<Manifest>, ClusterError> {
    let all = match world.cluster.list(gvk, "", "").await {
        Err(ClusterError::NoSuchKind(_)) => return Ok(Vec::new()),
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        other => other?,
    };
    for one in all.iter().filter(|one| !one.is_deleting()) {
        let options = DeleteOptions::default();
        world.cluster.delete(gvk, one.namespace(), one.name(), &options).await?;
    }
    Ok(all)
}

/// Only a CRD that this XRD has made.
async fn delete_crd(world: &World, xrd: &Manifest, name: &str) -> Result<(), ClusterError> {
    let Some(crd) = world.cluster.get(&kinds::crd(), "", name).await? else { return Ok(()) };
    if crate::object::controller(&crd).is_some_and(|owner| owner.uid == xrd.uid()) {
        let options = DeleteOptions { uid: Some(crd.uid().to_owned()), ..DeleteOptions::default() };
        world.cluster.delete(&kinds::crd(), "", name, &options).await?;
    }
    Ok(())
}

async fn release(world: &World, xrd: &Manifest) -> Result<Next, DefinitionError> {
    let mut list = finalizers(xrd);
    list.retain(|known| known != FINALIZER_DEFINED && known != FINALIZER_OFFERED);
    let patch = json!({"metadata": {
        "finalizers": list,
        "resourceVersion": text(xrd, "/metadata/resourceVersion"),
    }});
    let gvk = kinds::definition();
    match world.cluster.merge(&gvk, "", xrd.name(), &patch, FIELD_MANAGER).await {
        Err(error) if error.is_not_found() => Ok(Next::Wait),
        other => Ok(other.map(|_| Next::Wait)?),
    }
}
