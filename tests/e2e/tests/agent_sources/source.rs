//! A source and the unit that applies it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{condition, find_condition, kind, text, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_model::{GroupVersionKind, Manifest};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// A case and its name.
pub(crate) type Named<'a> = (&'static str, BoxFuture<'a, Result<()>>);

/// Long enough for a few retries on two busy cores.
const SOON: Duration = Duration::from_secs(120);

/// A ConfigMap with one value, as it is pushed.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE}, "data": {"value": value}})
    .to_string()
}

/// A source of one kind and the unit that applies it, both of one name.
pub(crate) struct Source<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) gvk: GroupVersionKind,
    pub(crate) name: &'static str,
}

impl<'a> Source<'a> {
    pub(crate) fn new(stage: &'a Stage, kind_: &str, name: &'static str) -> Self {
        Self { stage, gvk: kind("source.toolkit.fluxcd.io/v1", kind_), name }
    }

    /// Applies the source with a spec.
    pub(crate) async fn set(&self, spec: &Value) -> Result<()> {
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": self.gvk.kind,
            "metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": spec});
        self.stage.apply(&source.to_string()).await
    }

    /// Applies the unit.
    pub(crate) async fn unit(&self) -> Result<()> {
        let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "prune": true,
                "sourceRef": {"kind": self.gvk.kind, "name": self.name}}});
        self.stage.apply(&unit.to_string()).await
    }

    /// Has the source looked at again.
    pub(crate) async fn look_again(&self, request: &str) -> Result<()> {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": request}}});
        self.stage.management.merge(&self.gvk, NAMESPACE, self.name, &patch, "a-user").await?;
        Ok(())
    }

    /// Waits until the newest spec is stored with a revision that begins so.
    pub(crate) async fn stored(&self, revision: &str) -> Result<Manifest> {
        let is_stored = |object: &Manifest| {
            speaks_of_newest(object, "True")
                && text(object, "/status/artifact/revision").starts_with(revision)
        };
        let place = (NAMESPACE, self.name);
        let waiting = wait_for(&self.stage.management, &self.gvk, place, SOON, is_stored).await;
        let source = waiting.with_context(|| format!("wanted: {revision}"))?;
        let stored = find_condition(&source, "ArtifactInStorage").context("ArtifactInStorage")?;
        ensure!(stored["status"] == "True", "{stored}");
        for gone in ["FetchFailed", "StorageOperationFailed", "ArtifactOutdated", "Reconciling"] {
            ensure!(find_condition(&source, gone).is_none(), "{gone} is still there");
        }
        Ok(source)
    }

    /// Waits until the newest spec is stored with another revision than this.
    pub(crate) async fn stored_other_than(&self, revision: &str) -> Result<Manifest> {
        let is_stored = |object: &Manifest| {
            speaks_of_newest(object, "True")
                && text(object, "/status/artifact/revision") != revision
        };
        let place = (NAMESPACE, self.name);
        let waiting = wait_for(&self.stage.management, &self.gvk, place, SOON, is_stored).await;
        waiting.with_context(|| format!("wanted: another revision than {revision}"))
    }

    /// Waits until the unit has applied the revision that is stored.
    pub(crate) async fn applied(&self) -> Result<Manifest> {
        let source = self.get().await?;
        let revision = text(&source, "/status/artifact/revision");
        let gvk = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
        let is_applied = |unit: &Manifest| {
            condition(unit, "Ready") && text(unit, "/status/lastAppliedRevision") == revision
        };
        let place = (NAMESPACE, self.name);
        wait_for(&self.stage.management, &gvk, place, SOON, is_applied).await
    }

    /// Waits until the source fails with this reason and says all this.
    pub(crate) async fn refused(&self, reason: &str, words: &[&str]) -> Result<Manifest> {
        let says = |object: &Manifest| {
            let ready = find_condition(object, "Ready");
            speaks_of_newest(object, "False")
                && ready.is_some_and(|ready| {
                    let message = ready["message"].as_str().unwrap_or_default();
                    ready["reason"] == reason && words.iter().all(|word| message.contains(word))
                })
        };
        let place = (NAMESPACE, self.name);
        let waiting = wait_for(&self.stage.management, &self.gvk, place, SOON, says).await;
        waiting.with_context(|| format!("wanted: {reason} with {words:?}"))
    }

    pub(crate) async fn get(&self) -> Result<Manifest> {
        let found = self.stage.management.get(&self.gvk, NAMESPACE, self.name).await?;
        found.with_context(|| format!("{} {} is gone", self.gvk.kind, self.name))
    }

    /// The value of a ConfigMap that was applied.
    pub(crate) async fn value(&self, name: &str) -> Result<String> {
        let found = self.stage.management.get(&kind("v1", "ConfigMap"), NAMESPACE, name).await?;
        Ok(text(&found.with_context(|| format!("no ConfigMap {name}"))?, "/data/value"))
    }
}

fn speaks_of_newest(object: &Manifest, status: &str) -> bool {
    find_condition(object, "Ready").is_some_and(|ready| {
        ready["status"] == status && ready["observedGeneration"].as_i64() == object.generation()
    })
}
