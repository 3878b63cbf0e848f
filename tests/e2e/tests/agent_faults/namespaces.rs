//! A namespace that goes while its unit wants it.

use anyhow::Result;
use capstan_e2e::look::{kind, text, wait_for, wait_gone};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::fleet::{Fleet, SOON, config_map, config_map_kind};

/// The namespace that somebody deletes.
const DOOMED: &str = "doomed";

fn namespace_kind() -> GroupVersionKind {
    kind("v1", "Namespace")
}

/// While a finalizer holds the namespace, the unit says so, and the rest of it goes on; when it is gone at last, it comes back
/// with all that belongs in it.
pub(crate) async fn terminate(fleet: &Fleet) -> Result<()> {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DOOMED}}).to_string();
    let (old, new) = (config_map(DOOMED, "inside", "old"), config_map(DOOMED, "inside", "new"));
    let files = [("doomed.yaml", Some(&*namespace)), ("inside.yaml", Some(&*old))];
    let commit = fleet.push(&files).await?;
    fleet.ended(&commit).await?;
    let hold = |list: Value| json!({"metadata": {"finalizers": list}});
    let held = hold(json!(["example.org/held"]));
    let cluster = fleet.cluster();
    cluster.merge(&config_map_kind(), DOOMED, "inside", &held, "somebody").await?;
    cluster.delete(&namespace_kind(), "", DOOMED, &Default::default()).await?;
    let is_going = |namespace: &Manifest| text(namespace, "/status/phase") == "Terminating";
    wait_for(cluster, &namespace_kind(), ("", DOOMED), SOON, is_going).await?;

    let (late, news) = (config_map(DOOMED, "late", "x"), config_map(fleet.name, "news", "x"));
    let files =
        [("inside.yaml", Some(&*new)), ("late.yaml", Some(&*late)), ("news.yaml", Some(&*news))];
    let commit = fleet.push(&files).await?;
    fleet.says("news", "x").await?;
    fleet
        .refused(
            "ReconciliationFailed",
            &["ConfigMap/doomed/late", "Namespace/doomed is being deleted"],
        )
        .await?;

    let let_go = hold(Value::Null);
    cluster.merge(&config_map_kind(), DOOMED, "inside", &let_go, "somebody").await?;
    let is_new = |map: &Manifest| !map.is_deleting() && text(map, "/data/value") == "new";
    wait_for(cluster, &config_map_kind(), (DOOMED, "inside"), SOON, is_new).await?;
    fleet.ended(&commit).await?;
    let files = [("doomed.yaml", None), ("inside.yaml", None), ("late.yaml", None)];
    let commit = fleet.push(&files).await?;
    fleet.ended(&commit).await?;
    wait_gone(cluster, &namespace_kind(), ("", DOOMED), SOON).await
}
