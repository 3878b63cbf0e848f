use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use capstan_api::flux::{GitRepositorySpec, LocalReference};
use capstan_cluster::{EventType, Note};
use capstan_git::{FetchError, Fetched};
use capstan_model::{
    Advice, Chain, Fault, FluxDuration, Manifest, NamespacedName, Retry, Revision,
};
use capstan_report::{Failure, SourceOutcome, source_status};
use capstan_runtime::Next;
use capstan_tree::{Changes, ContentId, Ignore, filtered};
use jiff::Timestamp;

use super::{Source, artifact, remote};
use crate::follow::Topic;
use crate::kinds;
use crate::world::{Place, World};

/// Flux's component name in events.
const COMPONENT: &str = "source-controller";

/// Fetches a GitRepository, hands the tree to the units at once, then offers the artifact and reports.
pub(crate) async fn reconcile(world: World, key: NamespacedName) -> Next {
    let read = world.cluster.get(&kinds::git_repository(), &key.namespace, &key.name).await;
    let mut object = match read {
        Ok(Some(object)) => object,
        Ok(None) => {
            world.sources.remove(&key);
            follow(&world, &key, None);
            return Next::Wait;
        }
        Err(error) => {
            tracing::warn!(source = %key, error = %Chain(&error), "failed to read");
            return Next::Backoff;
        }
    };
    match reconcile_object(&world, &key, &mut object).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(source = %key, error = %Chain(&error), "failed to report");
            Next::Backoff
        }
    }
}

async fn reconcile_object(
    world: &World,
    key: &NamespacedName,
    object: &mut Manifest,
) -> Result<Next, capstan_cluster::ClusterError> {
    if object.is_deleting() {
        world.sources.remove(key);
        follow(world, key, None);
        if let Err(error) = world.store.remove("gitrepository", &key.namespace, &key.name) {
            tracing::warn!(source = %key, error = %Chain(&error), "artifacts stay behind");
        }
        world.remove_finalizer(object).await?;
        return Ok(Next::Wait);
    }
    world.add_finalizer(object).await?;
    let spec: GitRepositorySpec = match kinds::spec(object) {
        Ok(spec) => spec,
        Err(message) => {
            let failure = Failure { reason: "URLInvalid".to_owned(), message, stalled: true };
            return fail(world, object, failure).await;
        }
    };
    if spec.suspend == Some(true) {
        return Ok(Next::Wait);
    }
    follow(world, key, spec.secret_ref.as_ref());
    if world.sources.get(key).is_none() {
        restore(world, key, object, &spec).await;
    }
    let interval = interval(&spec.interval);
    if kinds::status(object).get("artifact").is_none() {
        let status = kinds::status(object);
        let status = source_status(&status, &SourceOutcome::Fetching, World::attempt(object));
        world.write_status(object, status).await?;
    }
    match fetch(world, object, &spec).await {
        Ok(fetched) => {
            store(world, key, object, &spec, fetched).await.map(|()| Next::After(interval))
        }
        Err(failure) => fail(world, object, failure).await,
    }
}

/// From now on a change of the Secret wakes the source: credentials that were mended are tried at once.
fn follow(world: &World, key: &NamespacedName, secret: Option<&LocalReference>) {
    let place = |secret: &LocalReference| Place::new(kinds::secret(), &key.namespace, &secret.name);
    let places: Vec<_> = secret.map(place).into_iter().collect();
    world.followed_by_sources.follow(key, Topic::Inputs, &world.cluster, &places);
}

/// After a start, units go on with the revision of the last artifact, also while the server is away.
async fn restore(world: &World, key: &NamespacedName, object: &Manifest, spec: &GitRepositorySpec) {
    let status = kinds::status(object);
    let revision = status.pointer("/artifact/revision").and_then(|text| text.as_str());
    let Some(revision) = revision.and_then(|text| text.parse::<Revision>().ok()) else { return };
    let Ok(remote) = remote::remote(world, object, spec, Duration::ZERO).await else { return };
    let repositories = world.repositories.clone();
    let read = tokio::task::spawn_blocking(move || repositories.held(&remote, &revision)).await;
    let Ok(Some(Fetched { revision, tree })) = read else { return };
    let Ok(ignore) = Ignore::of_source(&tree, spec.ignore.as_deref()) else { return };
    tracing::info!(source = %key, %revision, "restored");
    let tree = Arc::new(filtered(tree, ignore));
    world.sources.put(key, Source { revision, tree, is_restored: true, since: None });
    wake_units(world, key);
}

/// Hands the tree to the units first, so that they build while the artifact is packed.
async fn store(
    world: &World,
    key: &NamespacedName,
    object: &mut Manifest,
    spec: &GitRepositorySpec,
    fetched: Fetched,
) -> Result<(), capstan_cluster::ClusterError> {
    let Fetched { revision, tree } = fetched;
    let ignore = match Ignore::of_source(&tree, spec.ignore.as_deref()) {
        Ok(ignore) => ignore,
        Err(error) => {
            let message = Chain(&error).to_string();
            let reason = "SourceIgnoreError".to_owned();
            fail(world, object, Failure { reason, message, stalled: false }).await?;
            return Ok(());
        }
    };
    let tree: Arc<dyn capstan_tree::Tree> = Arc::new(filtered(tree, ignore));
    let since = since(world.sources.get(key), &revision, &tree).await;
    let source = Source { revision: revision.clone(), tree, is_restored: false, since };
    let is_new = world.sources.put(key, source.clone());
    if is_new {
        tracing::info!(source = %key, %revision, "fetched");
        wake_units(world, key);
    }
    let status = kinds::status(object);
    let outcome = match artifact::offer(world, key, &source, &status).await {
        Ok(artifact) => SourceOutcome::Stored { artifact, revision: revision.to_string() },
        Err(failure) => SourceOutcome::Failed(failure),
    };
    let is_noted = status.pointer("/artifact/revision").and_then(|r| r.as_str())
        == Some(&revision.to_string());
    let status = source_status(&status, &outcome, World::ended(object));
    world.write_status(object, status).await?;
    if !is_noted {
        let note = Note {
            type_: EventType::Normal,
            reason: "NewArtifact".to_owned(),
            message: format!("stored artifact for commit '{}'", revision.commit),
            annotations: [("source.toolkit.fluxcd.io/revision".to_owned(), revision.to_string())]
                .into(),
        };
        world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
    }
    Ok(())
}

/// What a tree changes. Without an answer every unit builds.
async fn since(
    before: Option<Source>,
    revision: &Revision,
    tree: &Arc<dyn capstan_tree::Tree>,
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

/// Wakes the units that build from a source.
fn wake_units(world: &World, source: &NamespacedName) {
    for unit in world.kustomizations.all() {
        if crate::unit::source_of(&unit).as_ref() == Some(source) {
            world.unit_queue.wake(NamespacedName::new(unit.namespace(), unit.name()));
        }
    }
}

async fn fail(
    world: &World,
    object: &mut Manifest,
    failure: Failure,
) -> Result<Next, capstan_cluster::ClusterError> {
    tracing::warn!(source = %object.id(), reason = failure.reason, message = failure.message, "failed");
    let next = if failure.stalled { Next::Wait } else { Next::Backoff };
    let note = Note {
        type_: EventType::Warning,
        reason: failure.reason.clone(),
        message: failure.message.clone(),
        annotations: std::collections::BTreeMap::new(),
    };
    let status = kinds::status(object);
    let status = source_status(&status, &SourceOutcome::Failed(failure), World::ended(object));
    world.write_status(object, status).await?;
    world.cluster.record(object, COMPONENT, note, Timestamp::now()).await;
    Ok(next)
}

async fn fetch(
    world: &World,
    object: &Manifest,
    spec: &GitRepositorySpec,
) -> Result<Fetched, Failure> {
    let timeout = spec.timeout.as_deref().map_or(Duration::from_secs(60), interval);
    let remote = remote::remote(world, object, spec, timeout).await?;
    let wanted = remote::wanted(spec.reference.as_ref())?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let (repositories, seen) = (world.repositories.clone(), Arc::clone(&interrupt));
    let url = remote.url.clone();
    let running = tokio::task::spawn_blocking(move || repositories.fetch(&remote, &wanted, &seen));
    match tokio::time::timeout(timeout, running).await {
        Ok(Ok(fetched)) => fetched.map_err(|error| failure(&error)),
        Ok(Err(panic)) => {
            let cause = format!("the fetch panicked: {panic}");
            Err(failure(&FetchError::Remote { url, cause }))
        }
        Err(_elapsed) => {
            interrupt.store(true, Ordering::Relaxed);
            Err(failure(&FetchError::Timeout { url, timeout: FluxDuration(timeout) }))
        }
    }
}

fn failure(error: &FetchError) -> Failure {
    let stalled = error.retry() == Retry::Never;
    Failure { reason: error.reason().to_owned(), message: Advice(error).to_string(), stalled }
}

/// A duration that the CRD has checked; a minute where somebody else's CRD let nonsense through.
fn interval(text: &str) -> Duration {
    text.parse::<FluxDuration>().map_or(Duration::from_secs(60), |duration| duration.0)
}
