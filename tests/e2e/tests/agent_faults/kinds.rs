//! Kinds that are not served yet, not now, or no more.

use anyhow::{Result, ensure};
use capstan_e2e::look::{kind, wait_for, wait_gone};
use capstan_kit::Fault;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::fleet::{Fleet, SOON, config_map};

const GROUP: &str = "faults.example.org";

fn widgets() -> GroupVersionKind {
    kind(&format!("{GROUP}/v1"), "Widget")
}

fn crds() -> GroupVersionKind {
    kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
}

fn definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}]}})
}

fn widget(namespace: &str) -> String {
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": "Widget",
        "metadata": {"name": "one", "namespace": namespace}, "spec": {"size": 1}})
    .to_string()
}

/// A definition that comes later than its objects: the unit says what it lacks, and goes on when it is there.
pub(crate) async fn come_late(fleet: &Fleet) -> Result<()> {
    let commit = fleet.push(&[("widget.yaml", Some(&widget(fleet.name)))]).await?;
    fleet.refused("ReconciliationFailed", &["Widget", "CRD"]).await?;
    fleet.bare.apply(&definition().to_string()).await?;
    fleet.ended(&commit).await?;
    let any = |_: &Manifest| true;
    wait_for(fleet.cluster(), &widgets(), (fleet.name, "one"), SOON, any).await?;
    Ok(())
}

/// The API server cannot say whether it serves a kind: that is not the same as that it does not.
pub(crate) async fn cannot_be_asked_for(fleet: &mut Fleet) -> Result<()> {
    let path = format!("/apis/{GROUP}/v1");
    fleet.proxy.inject(Fault::Refused(500, None), 1000, move |seen| seen.path.starts_with(&path));
    fleet.restart_agent()?;
    let news = config_map(fleet.name, "news", "x");
    let commit = fleet.push(&[("widget.yaml", None), ("news.yaml", Some(&news))]).await?;
    fleet.refused("PruneFailed", &["Widget", "delete failed", "this was injected"]).await?;
    let inventory = fleet.inventory("Widget").await?;
    ensure!(inventory.contains("one"), "forgotten while it is there: {inventory:?}");
    fleet.proxy.mend();
    fleet.ended(&commit).await?;
    wait_gone(fleet.cluster(), &widgets(), (fleet.name, "one"), SOON).await
}

/// Somebody deletes the definition, and the objects go with it: what is gone need not be pruned.
pub(crate) async fn go_with_their_objects(fleet: &Fleet) -> Result<()> {
    let commit = fleet.push(&[("widget.yaml", Some(&widget(fleet.name)))]).await?;
    fleet.ended(&commit).await?;
    let name = format!("widgets.{GROUP}");
    fleet.cluster().delete(&crds(), "", &name, &Default::default()).await?;
    wait_gone(fleet.cluster(), &crds(), ("", &name), SOON).await?;
    let commit = fleet.push(&[("widget.yaml", None)]).await?;
    fleet.ended(&commit).await?;
    let inventory = fleet.inventory("Widget").await?;
    ensure!(inventory.is_empty(), "{inventory:?}");
    Ok(())
}
