use std::sync::Arc;

use capstan_api::flux::{REQUESTED_AT, ReceiverResource, ReceiverSpec, SOURCE_GROUP};
use capstan_model::{Chain, GroupVersionKind, Manifest, NamespacedName};
use capstan_receive::{Facts, Filters, Selected, Target, target};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::json;

use crate::source::{SourceKey, SourceKind};
use crate::world::{STATUS_MANAGER, World};

/// Objects that are annotated at once.
const AT_ONCE: usize = 8;

/// Requests the reconciliation of everything that a Receiver means; false when something failed. What is found is told,
/// whatever else fails.
pub(super) async fn notify(
    world: &World,
    receiver: &Manifest,
    spec: &ReceiverSpec,
    filters: &Filters,
    facts: &Facts,
) -> bool {
    let mut all_well = true;
    for (at, resource) in spec.resources.iter().enumerate() {
        let admits = |object: &Manifest| filters.admit(at, object, facts);
        match admitted(world, receiver, resource, admits).await {
            Ok((gvk, objects)) => all_well &= request(world, receiver, &gvk, objects).await,
            Err(error) => {
                let kind = &resource.kind;
                tracing::error!(receiver = %receiver.id(), kind, name = resource.name, error, "unable to request reconciliation");
                all_well = false;
            }
        }
    }
    all_well
}

type Found = (GroupVersionKind, Vec<Arc<Manifest>>);

/// The objects that an entry means and its filters admit.
async fn admitted(
    world: &World,
    receiver: &Manifest,
    resource: &ReceiverResource,
    admits: impl Fn(&Manifest) -> Result<bool, capstan_receive::FilterError>,
) -> Result<Found, String> {
    let target = target(resource, receiver.namespace(), world.args.no_cross_namespace_refs)
        .map_err(|error| error.to_string())?;
    let mut objects = find(world, &target).await?;
    if objects.is_empty() {
        tracing::warn!(receiver = %receiver.id(), kind = resource.kind, labels = ?resource.match_labels, "no resources found with matching labels");
    }
    // An expression over a large body may take long, and nothing interrupts it.
    tokio::task::block_in_place(|| {
        let mut failed = Ok(());
        objects.retain(|object| match admits(object) {
            Ok(admits) => admits,
            Err(error) => {
                failed = Err(error.to_string());
                false
            }
        });
        failed
    })?;
    Ok((target.gvk, objects))
}

async fn find(world: &World, target: &Target) -> Result<Vec<Arc<Manifest>>, String> {
    let (gvk, namespace) = (&target.gvk, &target.namespace);
    match &target.selected {
        Selected::Named(name) => {
            let key = NamespacedName::new(&**namespace, &**name);
            // What is watched is known: the sync begins before the API server is asked.
            let watched = source_kind(gvk).map(|kind| world.source_objects.of(kind).get(&key));
            if let Some(Some(object)) = watched {
                return Ok(vec![object]);
            }
            let read = world.cluster.get(gvk, namespace, name).await;
            let object = read.map_err(|error| Chain(&error).to_string())?;
            let absent =
                || format!("unable to read {} \"{namespace}/{name}\": not found", gvk.kind);
            Ok(vec![Arc::new(object.ok_or_else(absent)?)])
        }
        labelled @ Selected::Labelled(_) => {
            let selector = labelled.selector().unwrap_or_default();
            let listed = world.cluster.list(gvk, namespace, &selector).await;
            let objects = listed.map_err(|error| Chain(&error).to_string())?;
            Ok(objects.into_iter().map(Arc::new).collect())
        }
    }
}

fn source_kind(gvk: &GroupVersionKind) -> Option<SourceKind> {
    SourceKind::named(&gvk.kind).filter(|_| gvk.group == SOURCE_GROUP)
}

/// Wakes sources at once; then leaves Flux's annotation, so that everybody can see why and other controllers are woken.
async fn request(
    world: &World,
    receiver: &Manifest,
    gvk: &GroupVersionKind,
    objects: Vec<Arc<Manifest>>,
) -> bool {
    for object in &objects {
        let key =
            source_kind(gvk).map(|kind| SourceKey::new(kind, object.namespace(), object.name()));
        if let Some(key) = key.filter(|key| world.source_objects.get(key).is_some()) {
            world.source_queue.wake(key);
        }
    }
    let now = Timestamp::now().to_string();
    let patch = json!({"metadata": {"annotations": {REQUESTED_AT: now}}});
    let annotate = |object: Arc<Manifest>| {
        let patch = &patch;
        async move {
            let (namespace, name) = (object.namespace(), object.name());
            let patched = world.cluster.merge(gvk, namespace, name, patch, STATUS_MANAGER).await;
            match patched {
                Ok(_) => {
                    tracing::info!(receiver = %receiver.id(), "resource '{}/{name}.{namespace}' annotated", gvk.kind);
                    true
                }
                Err(error) => {
                    tracing::error!(receiver = %receiver.id(), error = %Chain(&error), "failed to annotate resource: '{}/{name}.{namespace}'", gvk.kind);
                    false
                }
            }
        }
    };
    let annotated = futures::stream::iter(objects).map(annotate).buffer_unordered(AT_ONCE);
    annotated.fold(true, |all, one| async move { all && one }).await
}
