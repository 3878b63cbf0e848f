use capstan_model::{Chain, NamespacedName};
use capstan_report::Failure;
use capstan_store::Published;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Source;
use crate::world::World;

/// The store's folder and the artifact's path say this kind.
const KIND: &str = "gitrepository";

/// Packs a revision for third parties and describes it; what is stored already is described as it is.
pub(super) async fn offer(
    world: &World,
    key: &NamespacedName,
    source: &Source,
    status: &Value,
) -> Result<Value, Failure> {
    let revision = source.revision.to_string();
    if let Some(artifact) =
        status.get("artifact").filter(|artifact| is_current(world, artifact, &revision))
    {
        return Ok(artifact.clone());
    }
    let (store, tree) = (world.store.clone(), source.tree.clone());
    let (owner, commit) = (key.clone(), source.revision.commit.clone());
    let work = move || {
        let packed = capstan_store::pack(&tree)?;
        store.publish(KIND, &owner.namespace, &owner.name, &commit, &packed)
    };
    let failure = |message: String| Failure {
        reason: "ArchiveOperationFailed".to_owned(),
        message,
        stalled: false,
    };
    let published = tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| failure(format!("packing the artifact panicked: {panic}")))?
        .map_err(|error| failure(Chain(&error).to_string()))?;
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("now is a valid time");
    Ok(json!({
        "digest": published.digest,
        "lastUpdateTime": now.to_string(),
        "path": published.path,
        "revision": revision,
        "size": published.size,
        "url": format!("http://{}/{}", world.args.storage_adv_addr, published.path),
    }))
}

fn is_current(world: &World, artifact: &Value, revision: &str) -> bool {
    let text = |key: &str| artifact.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let size = artifact.get("size").and_then(Value::as_u64).unwrap_or_default();
    let published = Published { path: text("path"), digest: text("digest"), size };
    text("revision") == revision && world.store.holds(&published)
}
