use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::ClusterError;
use capstan_model::{Chain, FluxDuration, Manifest, NamespacedName};
use capstan_report::{Failure, SourceFailure, SourceOutcome, Verification, source_status};
use capstan_runtime::Next;
use capstan_tree::{Changes, ContentId, Tree};
use serde_json::Value;
use tracing::Instrument as _;

use super::artifact::{self, Contents};
use super::bucket::S3;
use super::git::Git;
use super::kind::{Asked, Fetched, FetchedTree, Kind, Restored};
use super::oci::Oci;
use super::{Source, SourceKey, SourceKind, external, notes};
use crate::follow::Topic;
use crate::world::{Place, World};
use crate::{kinds, unit};

/// Fetches a source, hands the tree to the units at once, then offers the artifact and reports.
pub(crate) async fn reconcile(world: World, key: SourceKey) -> Next {
    let done = match key.kind {
        SourceKind::GitRepository => reconcile_kind::<Git>(&world, &key).await,
        SourceKind::OciRepository => reconcile_kind::<Oci>(&world, &key).await,
        SourceKind::Bucket => reconcile_kind::<S3>(&world, &key).await,
        SourceKind::ExternalArtifact => external::reconcile(&world, &key).await,
    };
    done.unwrap_or_else(|error| {
        tracing::warn!(source = %key, error = %Chain(&error), "failed to read or report");
        Next::Backoff
    })
}

async fn reconcile_kind<K: Kind>(world: &World, key: &SourceKey) -> Result<Next, ClusterError> {
    let (namespace, name) = (&key.place.namespace, &key.place.name);
    let found = world.source_objects.of(K::KIND).get(&key.place);
    let Some(mut object) = found.map(|object| (*object).clone()) else {
        forget(world, key);
        return Ok(Next::Wait);
    };
    let object = &mut object;
    if object.is_deleting() {
        forget(world, key);
        if let Err(error) = world.store.remove(K::KIND.name(), namespace, name) {
            tracing::warn!(source = %key, error = %Chain(&error), "artifacts stay behind");
        }
        world.remove_finalizer(object).await?;
        return Ok(Next::Wait);
    }
    world.add_finalizer(object).await?;
    let spec: K::Spec = match kinds::spec(object) {
        Ok(spec) => spec,
        Err(message) => {
            let reason = "InvalidSpec".to_owned();
            return fail(world, object, Failure { reason, message, stalled: true }.into()).await;
        }
    };
    if object.value().pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        tracing::info!("reconciliation is suspended for this object");
        return Ok(Next::Wait);
    }
    follow(world, key, &K::inputs(&spec, namespace));
    if world.sources.get(key).is_none() {
        restore::<K>(world, key, object, &spec).await;
    }
    let status = kinds::status(object);
    if status.get("artifact").is_none() && !is_judged(&status, object.generation()) {
        let status = source_status(&status, &SourceOutcome::Fetching, World::attempt(object));
        world.write_status(object, status).await?;
    }
    let held = held(world, key, object);
    let asked = Asked { world, object, spec: &spec, held: held.clone().map(|held| held.revision) };
    let fetched = K::fetch(asked).instrument(tracing::info_span!("fetch")).await;
    match (fetched, held) {
        (Ok(Fetched::Held), Some(held)) => keep::<K>(world, key, object, held).await,
        // A kind that says so without a revision in hand would have its source wait for ever.
        (Ok(Fetched::Held), None) => Ok(Next::Backoff),
        (Ok(Fetched::Tree(tree)), _) => store::<K>(world, key, object, &spec, tree).await,
        (Err(failure), _) => fail(world, object, failure).await,
    }
}

/// Does a status say whether this generation is ready? Then it goes on saying so while it is tried again.
fn is_judged(status: &Value, generation: Option<i64>) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition["type"] == "Ready"
            && condition["status"] != "Unknown"
            && condition["observedGeneration"].as_i64() == generation
    })
}

/// Nothing of a source is held or followed any more.
fn forget(world: &World, key: &SourceKey) {
    world.sources.remove(key);
    world.etags.remove(key);
    follow(world, key, &[]);
}

/// From now on a change of what is read wakes the source: credentials that were mended are tried at once.
fn follow(world: &World, key: &SourceKey, places: &[Place]) {
    world.followed_by_sources.follow(key, Topic::Inputs, &world.cluster, places);
}

/// After a start, units go on with the revision of the last artifact, also while the server is away.
async fn restore<K: Kind>(world: &World, key: &SourceKey, object: &Manifest, spec: &K::Spec) {
    let asked = Asked { world, object, spec, held: None };
    let Some(Restored { revision, tree }) = K::restore(asked).await else { return };
    tracing::info!(source = %key, revision, "restored");
    let status = kinds::status(object);
    let generation = status.get("observedGeneration").and_then(Value::as_i64).unwrap_or_default();
    let metadata = status.pointer("/artifact/metadata").cloned().unwrap_or_default();
    let metadata = serde_json::from_value(metadata).unwrap_or_default();
    let source = Source {
        revision,
        tree,
        metadata,
        generation,
        is_restored: true,
        digest: None,
        since: None,
    };
    world.sources.put(key, source);
    wake_units(world, key);
}

/// What is held, if it was fetched for just this spec, and stored.
fn held(world: &World, key: &SourceKey, object: &Manifest) -> Option<Source> {
    let held = world.sources.get(key)?;
    let status = kinds::status(object);
    let artifact = status.get("artifact")?;
    let is_current = Some(held.generation) == object.generation()
        && artifact.get("revision").and_then(Value::as_str) == Some(&held.revision)
        && artifact::is_stored(world, artifact);
    is_current.then_some(held)
}

/// The revision that is held is the newest.
async fn keep<K: Kind>(
    world: &World,
    key: &SourceKey,
    object: &mut Manifest,
    held: Source,
) -> Result<Next, ClusterError> {
    let revision = held.revision.clone();
    if held.is_restored && world.sources.put(key, Source { is_restored: false, ..held }) {
        wake_units(world, key);
    }
    let before = kinds::status(object);
    let outcome = SourceOutcome::Stored {
        artifact: before.get("artifact").cloned().unwrap_or_default(),
        message: K::stored(&revision),
        observed: Value::Null,
        verification: Verification::AsBefore,
    };
    let status = source_status(&before, &outcome, World::ended(object));
    world.write_status(object, status).await?;
    notes::stored(world, object, &before, &K::stored(&revision)).await;
    Ok(until_next(object))
}

/// Hands the tree to the units first, so that they build while the artifact is packed.
async fn store<K: Kind>(
    world: &World,
    key: &SourceKey,
    object: &mut Manifest,
    spec: &K::Spec,
    fetched: FetchedTree,
) -> Result<Next, ClusterError> {
    let FetchedTree { revision, tree, packed, metadata, summary, verification, facts } = fetched;
    let generation = object.generation().unwrap_or_default();
    let since = since(world.sources.get(key), &revision, &tree).await;
    // What is included may change what a revision shows.
    let id = tree.id("");
    let is_same =
        |held: &Source| held.revision == revision && id.is_some() && held.tree.id("") == id;
    let is_stored = held(world, key, object).is_some_and(|held| is_same(&held));
    let is_changed = world.sources.get(key).is_some_and(|held| !is_same(&held));
    let message = K::stored(&revision);
    let source = Source {
        revision: revision.clone(),
        tree: Arc::clone(&tree),
        metadata: metadata.clone(),
        generation,
        is_restored: false,
        digest: None,
        since,
    };
    if world.sources.put(key, source) || is_changed {
        tracing::info!(source = %key, revision, "fetched");
        wake_units(world, key);
    }
    let before = kinds::status(object);
    let last = before.get("artifact");
    let offered = match last {
        Some(artifact) if is_stored => Ok(artifact.clone()),
        _ => {
            let file = K::file(&revision).to_owned();
            let contents = Contents { revision, file, tree, packed, metadata };
            artifact::offer(world, key, contents, last).await
        }
    };
    let artifact = match offered {
        Ok(artifact) => artifact,
        Err(failure) => return fail(world, object, failure).await,
    };
    let mut observed = K::observed(spec);
    if let (Some(observed), Value::Object(facts)) = (observed.as_object_mut(), facts) {
        observed.extend(facts);
    }
    let outcome = SourceOutcome::Stored { artifact, message, observed, verification };
    let status = source_status(&before, &outcome, World::ended(object));
    world.write_status(object, status).await?;
    notes::stored(world, object, &before, &summary).await;
    Ok(until_next(object))
}

/// What a tree changes. Without an answer every unit builds.
pub(crate) async fn since(
    before: Option<Source>,
    revision: &str,
    tree: &Arc<dyn Tree>,
) -> Option<(ContentId, Arc<Changes>)> {
    let before = before?;
    let id = before.tree.id("")?;
    if tree.id("") == Some(id) {
        let is_new = before.revision != *revision;
        return if is_new { Some((id, Arc::default())) } else { before.since };
    }
    let tree = Arc::clone(tree);
    let compare = move || Changes::between(&before.tree, &tree);
    match tokio::task::spawn_blocking(compare).await {
        Ok(Ok(changes)) => Some((id, Arc::new(changes))),
        Ok(Err(error)) => {
            tracing::warn!(error = %Chain(&error), "failed to compare with the revision before");
            None
        }
        Err(_) => None,
    }
}

/// Wakes the units that build from a source, what its revision touches first, and the generators that make artifacts of it.
pub(crate) fn wake_units(world: &World, source: &SourceKey) {
    for generator in world.generators.all() {
        if crate::generator::sources_of(&generator).contains(source) {
            let key = NamespacedName::new(generator.namespace(), generator.name());
            world.generator_queue.wake(key);
        }
    }
    let units = world.kustomizations.all().into_iter();
    let units = units.filter(|unit| unit::source_of(unit).as_ref() == Some(source));
    let units = units.map(|unit| NamespacedName::new(unit.namespace(), unit.name()));
    let held = world.sources.get(source);
    let is_touched = |unit: &NamespacedName| {
        held.as_ref().is_none_or(|held| unit::is_touched(&world.memories, unit, held))
    };
    let (first, others): (Vec<_>, Vec<_>) = units.partition(is_touched);
    first.into_iter().for_each(|unit| world.unit_queue.wake(unit));
    others.into_iter().for_each(|unit| world.unit_queue.wake_later(unit));
}

async fn fail(
    world: &World,
    object: &mut Manifest,
    failed: SourceFailure,
) -> Result<Next, ClusterError> {
    let failure = failed.failure.clone();
    tracing::warn!(source = %object.id(), reason = failure.reason, message = failure.message, "failed");
    let next = if failure.stalled { Next::Wait } else { Next::Backoff };
    let status = kinds::status(object);
    let status = source_status(&status, &SourceOutcome::Failed(failed), World::ended(object));
    world.write_status(object, status).await?;
    notes::failed(world, object, &failure).await;
    Ok(next)
}

/// A look at the next interval; kinds without one are woken by what they watch.
fn until_next(object: &Manifest) -> Next {
    match object.value().pointer("/spec/interval").and_then(Value::as_str) {
        Some(text) => Next::After(duration(text)),
        None => Next::Wait,
    }
}

/// A duration that the CRD has checked; a minute where somebody else's CRD let nonsense through.
pub(super) fn duration(text: &str) -> Duration {
    text.parse::<FluxDuration>().map_or(Duration::from_secs(60), |duration| duration.0)
}
