use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_model::Chain;
use capstan_report::{Failure, SourceFailure, Trouble};
use capstan_store::{Packed, Published, Unpack};
use capstan_tree::Tree;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::SourceKey;
use super::kind::Restored;
use crate::world::World;

/// What an artifact is made from.
pub(super) struct Contents {
    pub(super) revision: String,
    /// The file's name without `.tar.gz`.
    pub(super) file: String,
    pub(super) tree: Arc<dyn Tree>,
    /// The bytes, where they are not the packed tree.
    pub(super) packed: Option<Vec<u8>>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Packs a revision for third parties and describes it, as `status.artifact` has it. The same bytes as before are
/// described as they were.
pub(super) async fn offer(
    world: &World,
    key: &SourceKey,
    contents: Contents,
    before: Option<&Value>,
) -> Result<Value, SourceFailure> {
    let Contents { revision, file, tree, packed, metadata } = contents;
    let (store, owner) = (world.store.clone(), key.clone());
    let work = move || {
        let packed = match packed {
            Some(bytes) => Packed::of(bytes),
            None => capstan_store::pack(&tree)?,
        };
        let (namespace, name) = (&owner.place.namespace, &owner.place.name);
        store.publish(owner.kind.name(), namespace, name, &file, &packed)
    };
    let refuse = |message: String, reason: &str| SourceFailure {
        trouble: Trouble::Storage,
        // Without an artifact nothing is outdated.
        outdated: before.map(|_| format!("new upstream revision '{revision}'")),
        ..Failure { reason: reason.to_owned(), message, stalled: false }.into()
    };
    let published = tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| {
            refuse(format!("packing the artifact panicked: {panic}"), "ArchiveOperationFailed")
        })?
        .map_err(|error| refuse(Chain(&error).to_string(), capstan_model::Fault::reason(&error)))?;
    let artifact = describe(world, &published, &revision, &metadata);
    let is_same = |before: &&Value| {
        let mut before = (*before).clone();
        before["lastUpdateTime"] = artifact["lastUpdateTime"].clone();
        before == artifact
    };
    Ok(before.filter(is_same).cloned().unwrap_or(artifact))
}

/// `status.artifact` of what was stored.
pub(crate) fn describe(
    world: &World,
    published: &Published,
    revision: &str,
    metadata: &BTreeMap<String, String>,
) -> Value {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let mut artifact = json!({
        "digest": published.digest,
        "lastUpdateTime": now.to_string(),
        "path": published.path,
        "revision": revision,
        "size": published.size,
        "url": format!("http://{}/{}", world.args.storage_adv_addr, published.path),
    });
    if !metadata.is_empty() {
        artifact["metadata"] = json!(metadata);
    }
    artifact
}

/// Is the artifact that a status describes still in the store?
pub(super) fn is_stored(world: &World, artifact: &Value) -> bool {
    let published = published(artifact);
    !published.path.is_empty() && world.store.holds(&published)
}

fn published(artifact: &Value) -> Published {
    let text = |key: &str| artifact.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let size = artifact.get("size").and_then(Value::as_u64).unwrap_or_default();
    Published { path: text("path"), digest: text("digest"), size }
}

/// The bytes of the artifact that a status describes, out of the store.
pub(super) async fn bytes(world: &World, status: &Value) -> Option<Vec<u8>> {
    let (store, published) = (world.store.clone(), published(status.get("artifact")?));
    tokio::task::spawn_blocking(move || store.read(&published).ok()).await.ok()?
}

/// The tree of the artifact that a status describes, out of the store.
pub(super) async fn restored(world: &World, status: &Value) -> Option<Restored> {
    let artifact = status.get("artifact")?;
    let revision = artifact.get("revision")?.as_str()?.to_owned();
    let (store, published) = (world.store.clone(), published(artifact));
    let read = move || {
        let bytes = store.read(&published)?;
        capstan_store::unpack(&*bytes, Unpack::ARTIFACT)
    };
    match tokio::task::spawn_blocking(read).await.ok()? {
        Ok(tree) => Some(Restored { revision, tree: Arc::new(tree.identified()) }),
        Err(error) => {
            tracing::debug!(revision, error = %Chain(&error), "the artifact is not restored");
            None
        }
    }
}
