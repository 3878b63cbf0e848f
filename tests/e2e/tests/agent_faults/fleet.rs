//! A unit, its repository, and the agent behind a proxy.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_cluster::Cluster;
use capstan_e2e::bare::{Bare, CREDENTIALS};
use capstan_e2e::engine::{Capstan, Place, Running};
use capstan_e2e::look::{condition, find_condition, kind, text, told, wait_for};
use capstan_e2e::stage::NAMESPACE;
use capstan_kit::{FaultProxy, Parts, Repo};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// Long enough for a few retries on two busy cores.
pub(crate) const SOON: Duration = Duration::from_secs(180);

pub(crate) fn unit_kind() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

pub(crate) fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

pub(crate) fn config_map_kind() -> GroupVersionKind {
    kind("v1", "ConfigMap")
}

/// A ConfigMap of the fleet's namespace, as text.
pub(crate) fn config_map(namespace: &str, name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace}, "data": {"value": value}})
    .to_string()
}

/// A Kustomization of a folder of a repository.
pub(crate) fn unit(name: &str, source: &str, folder: &str) -> Value {
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"interval": "30m", "retryInterval": "2s", "path": format!("./{folder}"),
            "prune": true, "sourceRef": {"kind": "GitRepository", "name": source}}})
}

/// A control plane, a repository, a unit, and the agent whose way to the API server leads through a proxy.
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    pub(crate) bare: Bare,
    pub(crate) proxy: FaultProxy,
    pub(crate) repo: Repo,
    engine: Capstan,
    place: Place,
    agent: Option<Running>,
}

impl Fleet {
    /// Everything runs, and the unit has applied an empty ConfigMap `kept`.
    pub(crate) async fn begin(name: &'static str) -> Result<Self> {
        Self::begin_on(Bare::start(&Parts::get(&Bare::PARTS).await?).await?, name).await
    }

    /// The same, with Kubernetes' own controllers.
    pub(crate) async fn begin_with_controllers(name: &'static str) -> Result<Self> {
        let parts = Parts::get(&Bare::PARTS).await?;
        Self::begin_on(Bare::start_with_controllers(&parts).await?, name).await
    }

    async fn begin_on(bare: Bare, name: &'static str) -> Result<Self> {
        let proxy = FaultProxy::start(bare.plane.client()).await?;
        let mut place = bare.place(4)?;
        place.kubeconfig = proxy.kubeconfig(&place.folder)?;
        let (repo, engine) = (bare.git.repo(name).await?, Capstan::new()?);
        let agent = Some(Running::start(&engine, &place)?);
        let fleet = Self { name, bare, proxy, repo, engine, place, agent };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "url": fleet.repo.url(), "ref": {"branch": "main"},
                "secretRef": {"name": CREDENTIALS}}});
        let unit = unit(name, name, "unit");
        let kept = config_map(name, "kept", "good");
        let commit = fleet.commit(&[("kept.yaml", Some(&kept))]).await?;
        fleet.bare.apply(&format!("{namespace}\n---\n{source}\n---\n{unit}")).await?;
        fleet.ended(&commit).await?;
        Ok(fleet)
    }

    pub(crate) const fn cluster(&self) -> &Cluster {
        &self.bare.cluster
    }

    /// Kills the agent, and starts it again.
    pub(crate) fn restart_agent(&mut self) -> Result<()> {
        self.agent = None;
        self.agent = Some(Running::start(&self.engine, &self.place)?);
        Ok(())
    }

    async fn commit(&self, files: &[(&str, Option<&str>)]) -> Result<String> {
        self.commit_in("unit", files).await
    }

    async fn commit_in(&self, folder: &str, files: &[(&str, Option<&str>)]) -> Result<String> {
        let paths: Vec<_> =
            files.iter().map(|(path, text)| (format!("{folder}/{path}"), *text)).collect();
        let files: Vec<_> = paths.iter().map(|(path, text)| (&**path, *text)).collect();
        self.repo.commit_files("main", &files, "a change").await
    }

    /// Commits files of another folder and has them fetched.
    pub(crate) async fn push_in(
        &self,
        folder: &str,
        files: &[(&str, Option<&str>)],
    ) -> Result<String> {
        let commit = self.commit_in(folder, files).await?;
        self.fetch(&commit).await?;
        Ok(commit)
    }

    /// Commits files of the unit's folder and has them fetched; an absent text removes the file.
    pub(crate) async fn push(&self, files: &[(&str, Option<&str>)]) -> Result<String> {
        let commit = self.commit(files).await?;
        self.fetch(&commit).await?;
        Ok(commit)
    }

    /// Has the source look for news.
    pub(crate) async fn fetch(&self, request: &str) -> Result<()> {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": request}}});
        self.cluster().merge(&source_kind(), NAMESPACE, self.name, &patch, "a-user").await?;
        Ok(())
    }

    pub(crate) async fn unit(&self) -> Result<Manifest> {
        let unit = self.cluster().get(&unit_kind(), NAMESPACE, self.name).await?;
        unit.context("the unit is gone")
    }

    /// The unit is ready at a commit, and its ConfigMaps are those of its inventory, no more and no fewer.
    pub(crate) async fn ended(&self, commit: &str) -> Result<()> {
        let is_applied = |unit: &Manifest| {
            condition(unit, "Ready")
                && text(unit, "/status/lastAppliedRevision").ends_with(commit)
                && unit.value()["status"]["observedGeneration"].as_i64() == unit.generation()
        };
        let place = (NAMESPACE, self.name);
        wait_for(self.cluster(), &unit_kind(), place, SOON, is_applied).await?;
        let (owned, held) = (self.owned().await?, self.inventory("ConfigMap").await?);
        ensure!(owned == held, "the cluster has {owned:?}, the inventory {held:?}");
        Ok(())
    }

    /// The unit says that it is not ready for a reason, with these words.
    pub(crate) async fn refused(&self, reason: &str, words: &[&str]) -> Result<()> {
        let told_so = ("Ready", "False", reason, words);
        let place = (NAMESPACE, self.name);
        told(self.cluster(), &unit_kind(), place, told_so, SOON).await?;
        Ok(())
    }

    /// The names of the unit's ConfigMaps, in all namespaces.
    pub(crate) async fn owned(&self) -> Result<BTreeSet<String>> {
        let label = format!("kustomize.toolkit.fluxcd.io/name={}", self.name);
        let found = self.cluster().list(&config_map_kind(), "", &label).await?;
        Ok(found.iter().map(|object| object.name().to_owned()).collect())
    }

    /// The names of a kind in the unit's inventory.
    pub(crate) async fn inventory(&self, kind: &str) -> Result<BTreeSet<String>> {
        let unit = self.unit().await?;
        let entries = unit.value()["status"]["inventory"]["entries"].as_array().cloned();
        let ids = entries.into_iter().flatten();
        let ids = ids.filter_map(|entry| entry["id"].as_str().map(str::to_owned));
        let of_kind = ids.filter(|id| id.ends_with(&format!("_{kind}")));
        Ok(of_kind.filter_map(|id| id.split('_').nth(1).map(str::to_owned)).collect())
    }

    /// Waits until a ConfigMap says something.
    pub(crate) async fn says(&self, name: &str, value: &str) -> Result<()> {
        let says = |map: &Manifest| text(map, "/data/value") == value;
        wait_for(self.cluster(), &config_map_kind(), (self.name, name), SOON, says).await?;
        Ok(())
    }

    /// Waits until the source is, or is not, ready.
    pub(crate) async fn source_is(&self, status: &str) -> Result<()> {
        let is = |source: &Manifest| {
            find_condition(source, "Ready").is_some_and(|ready| ready["status"] == status)
        };
        wait_for(self.cluster(), &source_kind(), (NAMESPACE, self.name), SOON, is).await?;
        Ok(())
    }

    /// All is well to the end: the agent still runs.
    pub(crate) async fn end(self) -> Result<()> {
        if let Some(agent) = self.agent {
            agent.check()?;
            agent.stop().await;
        }
        self.bare.end(false).await;
        Ok(())
    }
}
