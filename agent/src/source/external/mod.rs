//! ExternalArtifact: others write its status, and we build from what it points to.

use std::sync::Arc;
use std::time::Duration;

use capstan_cluster::ClusterError;
use capstan_http::{Connection, HttpError, body};
use capstan_model::{Chain, Manifest};
use capstan_report::Failure;
use capstan_runtime::Next;
use capstan_store::{Packed, Unpack};
use capstan_tree::{Identified, Tree};
use serde_json::Value;

use super::reconcile::{since, wake_units};
use super::{Source, SourceKey, artifact, notes};
use crate::kinds;
use crate::world::World;

/// Bytes of an archive as it comes.
const MOST_BYTES: u64 = 100 << 20;
/// Bound of a download.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Gets the artifact that the status points to, and hands it to the units. Nothing is written: the object is not ours.
pub(super) async fn reconcile(world: &World, key: &SourceKey) -> Result<Next, ClusterError> {
    let (namespace, name) = (&key.place.namespace, &key.place.name);
    let found = world.cluster.get(&key.kind.gvk(), namespace, name).await?;
    let Some(object) = found.filter(|object| !object.is_deleting()) else {
        world.sources.remove(key);
        return Ok(Next::Wait);
    };
    let status = kinds::status(&object);
    let Some(described) = Described::read(&status) else { return Ok(Next::Wait) };
    let held = world.sources.get(key);
    let is_held = |held: &Source| {
        held.digest.as_ref() == Some(&described.digest) && held.revision == described.revision
    };
    if held.as_ref().is_some_and(is_held) {
        return Ok(Next::Wait);
    }
    match described.get(world, &status).await {
        Ok(tree) => {
            put(world, key, &object, described, tree).await;
            Ok(Next::Wait)
        }
        Err(message) => {
            let reason = "ArtifactFailed".to_owned();
            tracing::warn!(source = %key, message, "failed");
            if world.sources.fail(key, &message) {
                wake_units(world, key);
            }
            let failure = Failure { reason, message, stalled: false };
            notes::failed(world, &object, &failure).await;
            Ok(Next::Backoff)
        }
    }
}

/// What a status says of an artifact.
struct Described {
    url: String,
    digest: String,
    revision: String,
}

impl Described {
    fn read(status: &Value) -> Option<Self> {
        let text = |key: &str| Some(status.get("artifact")?.get(key)?.as_str()?.to_owned());
        Some(Self { url: text("url")?, digest: text("digest")?, revision: text("revision")? })
    }

    /// Downloads, checks and unpacks it.
    async fn get(&self, world: &World, status: &Value) -> Result<Identified, String> {
        let Self { url, digest, .. } = self;
        let failed = |why: String| {
            format!(
                "failed to get the artifact at '{url}': {why}; whoever writes this object must store it again"
            )
        };
        let own = format!("http://{}/", world.args.storage_adv_addr);
        let bytes = if url.starts_with(&own) {
            artifact::bytes(world, status)
                .await
                .ok_or_else(|| failed("it is not stored here".to_owned()))?
        } else {
            download(url).await.map_err(|error| failed(error.to_string()))?
        };
        let work = move || {
            let real = Packed::of(bytes);
            (real.digest, capstan_store::unpack(&*real.bytes, Unpack::ARTIFACT))
        };
        let unpacked = tokio::task::spawn_blocking(work).await;
        let (real, tree) =
            unpacked.map_err(|panic| failed(format!("unpacking panicked: {panic}")))?;
        if real != *digest {
            return Err(failed(format!("it has the digest {real}, and should have {digest}")));
        }
        tree.map(capstan_tree::MemTree::identified)
            .map_err(|error| failed(Chain(&error).to_string()))
    }
}

async fn download(url: &str) -> Result<Vec<u8>, HttpError> {
    let client = Connection { timeout: TIMEOUT, ..Connection::default() }.client()?;
    let answer = client.get(url).send().await?;
    let status = answer.status();
    if !status.is_success() {
        return Err(HttpError::Transport(format!("the server answers {status}")));
    }
    body(answer, MOST_BYTES).await
}

async fn put(
    world: &World,
    key: &SourceKey,
    object: &Manifest,
    described: Described,
    tree: Identified,
) {
    let Described { digest, revision, .. } = described;
    let tree: Arc<dyn Tree> = Arc::new(tree);
    let since = since(world.sources.get(key), &revision, &tree).await;
    let metadata = kinds::status(object).pointer("/artifact/metadata").cloned();
    let source = Source {
        metadata: serde_json::from_value(metadata.unwrap_or_default()).unwrap_or_default(),
        generation: object.generation().unwrap_or_default(),
        is_restored: false,
        digest: Some(digest),
        revision,
        tree,
        since,
    };
    if world.sources.put(key, source) {
        tracing::info!(source = %key, "fetched");
        wake_units(world, key);
    }
}
