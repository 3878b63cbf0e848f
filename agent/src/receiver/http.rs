use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use capstan_api::flux::{REQUESTED_AT, ReceiverResource, ReceiverSpec};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName};
use jiff::Timestamp;
use serde_json::json;

use super::signature;
use crate::kinds;
use crate::source::{SourceKey, SourceKind, secret_text};
use crate::world::{STATUS_MANAGER, World};

/// Flux's limit of a payload.
const LONGEST_BODY: usize = 3 * 1024 * 1024;

/// Flux's path and port: `POST /hook/<digest>`.
pub(crate) fn router(world: World) -> Router {
    Router::new()
        .route("/hook/{digest}", post(receive))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(world)
}

async fn receive(
    State(world): State<World>,
    Path(digest): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let path = format!("/hook/{digest}");
    let has_path = |receiver: &Arc<Manifest>| {
        kinds::status(receiver).get("webhookPath").and_then(|p| p.as_str()) == Some(&path)
    };
    let Some(receiver) = world.receivers.all().into_iter().find(has_path) else {
        return StatusCode::NOT_FOUND;
    };
    let Ok(spec) = kinds::spec::<ReceiverSpec>(&receiver) else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    if spec.suspend == Some(true) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !is_authentic(&world, &receiver, &spec, &headers, &body).await {
        return StatusCode::BAD_REQUEST;
    }
    notify(&world, &receiver, &spec).await
}

async fn is_authentic(
    world: &World,
    receiver: &Manifest,
    spec: &ReceiverSpec,
    headers: &HeaderMap,
    body: &[u8],
) -> bool {
    if spec.type_ == "generic" {
        // The path holds a digest of the token: knowing it is the proof.
        return true;
    }
    let secret =
        world.cluster.get(&kinds::secret(), receiver.namespace(), &spec.secret_ref.name).await;
    let Ok(Some(secret)) = secret else { return false };
    let Some(token) = secret_text(&secret, "token") else { return false };
    let header = headers.get("X-Signature").and_then(|value| value.to_str().ok());
    header.is_some_and(|header| signature::is_valid(header, &token, body))
}

/// Wakes what the Receiver names, at once; and leaves Flux's annotation on it, so that everybody can see why.
async fn notify(world: &World, receiver: &Manifest, spec: &ReceiverSpec) -> StatusCode {
    let mut all_found = true;
    for resource in &spec.resources {
        let targets = targets(world, receiver, resource);
        all_found &= !targets.is_empty();
        for (gvk, key) in targets {
            if let Some(kind) = SourceKind::named(&gvk.kind) {
                world.source_queue.wake(SourceKey { kind, place: key.clone() });
            }
            let now = Timestamp::now().to_string();
            let patch = json!({"metadata": {"annotations": {REQUESTED_AT: now}}});
            let (cluster, namespace, name) = (&world.cluster, &key.namespace, &key.name);
            if let Err(error) = cluster.merge(&gvk, namespace, name, &patch, STATUS_MANAGER).await {
                tracing::warn!(receiver = %receiver.id(), %error, "failed to notify");
                all_found = false;
            }
        }
    }
    if all_found { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}

fn targets(
    world: &World,
    receiver: &Manifest,
    resource: &ReceiverResource,
) -> Vec<(GroupVersionKind, NamespacedName)> {
    let (gvk, mirror) = match (resource.kind.as_str(), SourceKind::named(&resource.kind)) {
        (_, Some(kind)) => (kind.gvk(), world.source_objects.of(kind)),
        ("Kustomization", _) => (kinds::kustomization(), &world.kustomizations),
        _ => return Vec::new(),
    };
    let namespace = resource.namespace.as_deref().unwrap_or(receiver.namespace());
    let matches = |object: &Arc<Manifest>| {
        object.namespace() == namespace
            && if resource.name == "*" {
                !resource.match_labels.is_empty()
                    && resource.match_labels.iter().all(|(k, v)| object.label(k) == Some(v))
            } else {
                object.name() == resource.name
            }
    };
    let found = mirror.all().into_iter().filter(matches);
    found
        .map(|object| (gvk.clone(), NamespacedName::new(object.namespace(), object.name())))
        .collect()
}
