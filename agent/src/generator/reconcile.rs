use std::collections::BTreeMap;
use std::time::Duration;

use capstan_api::flux::{ArtifactGeneratorSpec, GeneratorSource};
use capstan_cluster::{ClusterError, EventType, Note};
use capstan_model::{Chain, Manifest, NamespacedName};
use capstan_report::Failure;
use capstan_runtime::Next;
use capstan_store::Published;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::inputs::{self, Inputs};
use super::outputs::{self, FIELD_MANAGER};
use super::status::{self, Made};
use crate::kinds;
use crate::world::World;

/// How often everything is looked at, whatever changes: source-watcher's interval.
const INTERVAL: Duration = Duration::from_secs(3600);
/// The safety net behind a source that wakes us.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The finalizer of source-watcher.
const FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";
/// Pauses a generator when it says `disabled`.
const RECONCILE: &str = "source.extensions.fluxcd.io/reconcile";

/// Makes the artifacts of a generator from its sources, describes them, and removes those that it makes no more.
pub(crate) async fn reconcile(world: World, key: NamespacedName) -> Next {
    let done = reconcile_generator(&world, &key).await;
    done.unwrap_or_else(|error| {
        tracing::warn!(generator = %key, error = %Chain(&error), "failed to read or report");
        Next::Backoff
    })
}

async fn reconcile_generator(world: &World, key: &NamespacedName) -> Result<Next, ClusterError> {
    let found = world.cluster.get(&super::gvk(), &key.namespace, &key.name).await?;
    let Some(mut generator) = found else { return Ok(Next::Wait) };
    let generator = &mut generator;
    if generator.is_deleting() {
        for made in status::inventory(generator) {
            outputs::remove(world, &made).await?;
        }
        set_finalizer(world, generator, false).await?;
        return Ok(Next::Wait);
    }
    set_finalizer(world, generator, true).await?;
    if generator.annotation(RECONCILE).is_some_and(|text| text.eq_ignore_ascii_case("disabled")) {
        let message = "reconciliation is disabled".to_owned();
        tell(world, generator, (EventType::Warning, "ReconciliationDisabled"), message).await;
        return Ok(Next::Wait);
    }
    if inputs::are_loading(world, generator) {
        return Ok(Next::After(LOOK_AGAIN));
    }
    match make(world, generator).await {
        Ok(None) => Ok(Next::After(INTERVAL)),
        Ok(Some((made, sources))) => {
            for gone in status::inventory(generator) {
                let is_same =
                    |now: &Made| (&now.namespace, &now.name) == (&gone.namespace, &gone.name);
                if !made.iter().any(is_same) {
                    outputs::remove(world, &gone).await?;
                }
            }
            let status = status::succeeded(generator, &made, &sources);
            write(world, generator, status).await?;
            let message = format!("reconciliation succeeded, generated {} artifact(s)", made.len());
            tell(world, generator, (EventType::Normal, "Ready"), message).await;
            Ok(Next::After(INTERVAL))
        }
        Err(failure) => {
            tracing::warn!(generator = %generator.id(), message = failure.message, "failed");
            let status = status::failed(generator, &failure);
            write(world, generator, status).await?;
            let event = (EventType::Warning, &*failure.reason);
            tell(world, generator, event, failure.message.clone()).await;
            Ok(if failure.stalled { Next::Wait } else { Next::Backoff })
        }
    }
}

/// Makes and describes all artifacts; nothing when all of them are what they should be.
async fn make(world: &World, generator: &Manifest) -> Result<Option<(Vec<Made>, String)>, Failure> {
    let refuse =
        |message: String| Failure { reason: "ValidationFailed".to_owned(), message, stalled: true };
    let spec: ArtifactGeneratorSpec = kinds::spec(generator).map_err(refuse)?;
    capstan_generate::validate(&spec).map_err(|error| refuse(error.to_string()))?;
    let is_elsewhere = |source: &&GeneratorSource| {
        source.namespace.as_deref().is_some_and(|namespace| namespace != generator.namespace())
    };
    if let Some(source) = spec.sources.iter().find(is_elsewhere)
        && world.args.no_cross_namespace_refs
    {
        let namespace = source.namespace.as_deref().unwrap_or_default();
        let place = format!("{}/{namespace}/{}", source.kind, source.name);
        let message = format!("cross-namespace reference to source {place} is not allowed");
        return Err(Failure { reason: "AccessDenied".to_owned(), message, stalled: true });
    }
    let inputs = Inputs::get(world, generator.namespace(), &spec)?;
    let sources = inputs.digest();
    let is_stored = |made: &Made| {
        // The digest is looked at when it is read.
        let published = Published { path: made.path(), digest: made.digest.clone(), size: 0 };
        world.store.read(&published).is_ok()
    };
    if status::is_settled(generator, &sources) && status::inventory(generator).iter().all(is_stored)
    {
        return Ok(None);
    }
    let mut made = Vec::new();
    for output in outputs::make(spec.clone(), inputs).await? {
        made.push(output.publish(world, generator, &spec).await?);
    }
    Ok(Some((made, sources)))
}

async fn set_finalizer(
    world: &World,
    generator: &mut Manifest,
    wanted: bool,
) -> Result<(), ClusterError> {
    let list = generator.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    let mut finalizers: Vec<Value> = list.cloned().unwrap_or_default();
    if finalizers.iter().any(|finalizer| finalizer == FINALIZER) == wanted {
        return Ok(());
    }
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if wanted {
        finalizers.push(FINALIZER.into());
    }
    let patch = json!({"metadata": {
        "finalizers": finalizers, "resourceVersion": generator.resource_version(),
    }});
    let (gvk, namespace, name) = (generator.gvk(), generator.namespace(), generator.name());
    match world.cluster.merge(&gvk, namespace, name, &patch, FIELD_MANAGER).await {
        Ok(stored) => *generator = stored,
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn write(world: &World, generator: &Manifest, status: Value) -> Result<(), ClusterError> {
    let (gvk, namespace, name) = (generator.gvk(), generator.namespace(), generator.name());
    let patch = json!({ "status": status });
    match world.cluster.merge_status(&gvk, namespace, name, &patch, FIELD_MANAGER).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

async fn tell(world: &World, generator: &Manifest, event: (EventType, &str), message: String) {
    let (type_, reason) = (event.0, event.1.to_owned());
    let note = Note { type_, reason, message, annotations: BTreeMap::new() };
    world.cluster.record(generator, FIELD_MANAGER, note, Timestamp::now()).await;
}
