//! A repository and a unit that builds from it.

use std::time::Duration;

use anyhow::{Context, Result};
use capstan_e2e::look::{condition, find_condition, kind, text, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// The Secret with the Git server's credentials.
const CREDENTIALS: &str = "git-credentials";
/// Long enough for a few retries on two busy cores.
pub(crate) const SOON: Duration = Duration::from_secs(120);

pub(crate) async fn prepare(stage: &Stage) -> Result<()> {
    let (user, password) = (stage.kit.git.user(), stage.kit.git.password());
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": CREDENTIALS, "namespace": NAMESPACE},
        "stringData": {"username": user, "password": password}});
    stage.apply(&secret.to_string()).await
}

/// A repository, its source and a unit, all of one name.
pub(crate) struct Unit<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) name: &'static str,
}

impl<'a> Unit<'a> {
    /// Pushes files; nothing builds from them yet.
    pub(crate) async fn begin(
        stage: &'a Stage,
        name: &'static str,
        files: &[(&str, &str)],
    ) -> Result<Self> {
        let repo = stage.kit.git.repo(name).await?;
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        repo.commit_files("main", &files, "a push").await?;
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "url": repo.url(), "ref": {"branch": "main"},
                "secretRef": {"name": CREDENTIALS}}});
        stage.apply(&source.to_string()).await?;
        Ok(Self { stage, name })
    }

    /// Applies the unit with what else its spec says.
    pub(crate) async fn set(&self, more: Value) -> Result<()> {
        let mut spec = json!({"interval": "30m", "retryInterval": "5s", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": self.name}});
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": spec});
        self.stage.apply(&unit.to_string()).await
    }

    fn gvk() -> GroupVersionKind {
        kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
    }

    /// Waits until the newest spec is applied.
    pub(crate) async fn applied(&self) -> Result<Manifest> {
        let is_applied = |unit: &Manifest| condition(unit, "Ready") && speaks_of_newest(unit);
        let place = (NAMESPACE, self.name);
        wait_for(&self.stage.management, &Self::gvk(), place, SOON, is_applied).await
    }

    /// Waits until the newest spec fails with this reason and says all this.
    pub(crate) async fn refused(&self, reason: &str, words: &[&str]) -> Result<String> {
        let says = |unit: &Manifest| {
            let ready = find_condition(unit, "Ready");
            speaks_of_newest(unit)
                && ready.is_some_and(|ready| {
                    let message = ready["message"].as_str().unwrap_or_default();
                    ready["reason"] == reason && words.iter().all(|word| message.contains(word))
                })
        };
        let place = (NAMESPACE, self.name);
        let waiting = wait_for(&self.stage.management, &Self::gvk(), place, SOON, says).await;
        let unit = waiting.with_context(|| format!("wanted: {reason} with {words:?}"))?;
        let ready = find_condition(&unit, "Ready").context("Ready")?;
        Ok(ready["message"].as_str().unwrap_or_default().to_owned())
    }

    /// The entry of a Secret that was applied, as the API server has it.
    pub(crate) async fn secret(&self, name: &str, key: &str) -> Result<Option<String>> {
        let found = self.stage.management.get(&kind("v1", "Secret"), NAMESPACE, name).await?;
        Ok(found.map(|found| text(&found, &format!("/data/{key}"))))
    }
}

fn speaks_of_newest(unit: &Manifest) -> bool {
    find_condition(unit, "Ready")
        .is_some_and(|ready| ready["observedGeneration"].as_i64() == unit.generation())
}
