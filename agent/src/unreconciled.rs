//! Objects of Flux's kinds that are served and that nothing here reconciles: each says so, so that nobody waits in vain and
//! no unit that holds one looks healthy.

use capstan_api::flux::{UNRECONCILED, Unreconciled};
use capstan_cluster::{ClusterError, EventType, Note};
use capstan_model::{Chain, GroupVersionKind, Manifest};
use capstan_report::{NOT_SUPPORTED, unreconciled_status};
use capstan_runtime::Next;
use jiff::Timestamp;

use crate::kinds;
use crate::world::{Place, World};

/// Who says it, in events.
const COMPONENT: &str = "capstan-agent";

/// The kind, in the version that is stored.
pub(crate) fn gvk(kind: &Unreconciled) -> GroupVersionKind {
    GroupVersionKind::new(kind.group, kind.versions[0], kind.kind)
}

/// Says on an object that nothing reconciles it.
pub(crate) async fn report(world: World, place: Place) -> Next {
    let Some(kind) = UNRECONCILED.iter().find(|kind| gvk(kind) == place.gvk) else {
        return Next::Wait;
    };
    match report_object(&world, kind, &place).await {
        Ok(()) => Next::Wait,
        Err(error) => {
            tracing::warn!(gvk = %place.gvk, error = %Chain(&error), "failed to read or report");
            Next::Backoff
        }
    }
}

async fn report_object(
    world: &World,
    kind: &Unreconciled,
    place: &Place,
) -> Result<(), ClusterError> {
    let found = world.cluster.get(&place.gvk, &place.namespace, &place.name).await?;
    let Some(mut object) = found.filter(|object| !object.is_deleting()) else { return Ok(()) };
    if object.value().pointer("/spec/suspend") == Some(&serde_json::Value::Bool(true)) {
        return Ok(());
    }
    let message = message(kind);
    if kind.has_status {
        let before = kinds::status(&object);
        let Some(status) = unreconciled_status(&before, &message, World::ended(&object)) else {
            return Ok(());
        };
        world.write_status(&mut object, status).await?;
    }
    warn(world, &object, message).await;
    Ok(())
}

fn message(kind: &Unreconciled) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let Unreconciled { kind, instead, .. } = kind;
    format!("Capstan {version} stores {kind} objects and does not reconcile them; {instead}")
}

async fn warn(world: &World, object: &Manifest, message: String) {
    tracing::warn!(object = %object.id(), message, "not reconciled");
    let note = Note {
        type_: EventType::Warning,
        reason: NOT_SUPPORTED.to_owned(),
        message,
        annotations: std::collections::BTreeMap::new(),
    };
    world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
}
