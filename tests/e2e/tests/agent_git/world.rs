//! A repository and its GitRepository, both of one name.

use std::time::Duration;

use anyhow::{Context, Result};
use capstan_e2e::look::{condition, find_condition, kind, text, told, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::Repo;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Map, Value, json};

/// Long enough for a few retries on two busy cores.
const SOON: Duration = Duration::from_secs(120);

pub(crate) fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

/// A repository of the kit, and what watches it.
pub(crate) struct World<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) name: &'static str,
    pub(crate) repo: Repo,
}

impl<'a> World<'a> {
    /// A repository with one commit, which holds `here/map.yaml`: a ConfigMap with the value `one`.
    pub(crate) async fn new(stage: &'a Stage, name: &'static str) -> Result<Self> {
        let repo = stage.kit.git.repo(name).await?;
        let world = Self { stage, name, repo };
        world.commit("here/map.yaml", "one").await?;
        world
            .secret(
                "password",
                &[("username", stage.kit.git.user()), ("password", stage.kit.git.password())],
            )
            .await?;
        Ok(world)
    }

    /// Commits a ConfigMap of the world's name.
    pub(crate) async fn commit(&self, path: &str, value: &str) -> Result<String> {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": self.name, "namespace": "default"}, "data": {"value": value}});
        self.repo.commit_files("main", &[(path, Some(&map.to_string()))], "a change").await
    }

    /// A Secret `<name>-<part>`.
    pub(crate) async fn secret(&self, part: &str, data: &[(&str, &str)]) -> Result<()> {
        let data: Map<String, Value> =
            data.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": self.part(part), "namespace": NAMESPACE}, "stringData": data});
        self.stage.apply(&secret.to_string()).await
    }

    pub(crate) fn part(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    /// Applies the GitRepository: branch `main` and the password, unless the spec says otherwise.
    pub(crate) async fn source(&self, spec: Value) -> Result<()> {
        let mut all = json!({"interval": "30m", "url": self.repo.url(), "ref": {"branch": "main"},
            "secretRef": {"name": self.part("password")}});
        if let (Some(all), Value::Object(spec)) = (all.as_object_mut(), spec) {
            all.extend(spec);
            all.retain(|_, value| !value.is_null());
        }
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": all});
        self.stage.apply(&source.to_string()).await
    }

    /// Waits until the artifact is of a revision, and the source ready.
    pub(crate) async fn stored(&self, revision: &str) -> Result<Manifest> {
        let is_stored = |object: &Manifest| {
            condition(object, "Ready") && text(object, "/status/artifact/revision") == revision
        };
        self.wait(is_stored).await.with_context(|| format!("no artifact of {revision}"))
    }

    /// Waits until the GitRepository is as wanted, and its status of its spec.
    pub(crate) async fn wait(&self, holds: impl Fn(&Manifest) -> bool) -> Result<Manifest> {
        let is_seen = |object: &Manifest| {
            object.value()["status"]["observedGeneration"].as_i64() == object.generation()
                && holds(object)
        };
        wait_for(&self.stage.management, &source_kind(), (NAMESPACE, self.name), SOON, is_seen)
            .await
    }

    /// Waits until a condition is there with this reason, and says all this.
    pub(crate) async fn refused(
        &self,
        (type_, status, reason): (&str, &str, &str),
        words: &[&str],
    ) -> Result<()> {
        let place = (NAMESPACE, self.name);
        told(&self.stage.management, &source_kind(), place, (type_, status, reason, words), SOON)
            .await?;
        let is_down = |object: &Manifest| {
            find_condition(object, "Ready").is_some_and(|ready| ready["status"] == "False")
        };
        wait_for(&self.stage.management, &source_kind(), place, SOON, is_down).await?;
        Ok(())
    }

    /// The fetch fails so.
    pub(crate) async fn not_fetched(&self, reason: &str, words: &[&str]) -> Result<()> {
        self.refused(("FetchFailed", "True", reason), words).await
    }

    /// Applies a Kustomization of a folder, and waits until its ConfigMap has a value.
    pub(crate) async fn unit_shows(&self, path: &str, map: &str, value: &str) -> Result<()> {
        let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "path": path, "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": self.name}}});
        self.stage.apply(&unit.to_string()).await?;
        let has_value = |object: &Manifest| text(object, "/data/value") == value;
        let place = ("default", map);
        wait_for(&self.stage.management, &kind("v1", "ConfigMap"), place, SOON, has_value).await?;
        Ok(())
    }
}
