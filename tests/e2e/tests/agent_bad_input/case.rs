//! A repository with two units: one that gets the bad input, and its neighbour.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{condition, find_condition, kind, text, wait_for};
use capstan_e2e::stage::{NAMESPACE, Stage, ready};
use capstan_kit::Repo;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Map, Value, json};

/// The Secret with the Git server's credentials.
pub(crate) const CREDENTIALS: &str = "git-credentials";
/// Long enough for a few retries on two busy cores.
pub(crate) const SOON: Duration = Duration::from_secs(120);
/// What the good state holds.
const GOOD: &str = "good";

pub(crate) fn unit_kind() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

pub(crate) fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

pub(crate) fn config_map_kind() -> GroupVersionKind {
    kind("v1", "ConfigMap")
}

pub(crate) fn deployment_kind() -> GroupVersionKind {
    kind("apps/v1", "Deployment")
}

/// What all cases share.
pub(crate) async fn prepare(stage: &Stage) -> Result<()> {
    let (user, password) = (stage.kit.git.user(), stage.kit.git.password());
    stage.apply(&secret(CREDENTIALS, &[("username", user), ("password", password)])).await
}

/// A Secret beside the units.
pub(crate) fn secret(name: &str, data: &[(&str, &str)]) -> String {
    let data: Map<String, Value> =
        data.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
    json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data})
    .to_string()
}

/// A ConfigMap with one value.
pub(crate) fn config_map(namespace: &str, name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace}, "data": {"value": value}})
    .to_string()
}

/// A Deployment, with a label in selector and template.
pub(crate) fn deployment(namespace: &str, name: &str, image: &str, label: &str) -> String {
    let labels = json!({"app": label});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": image}]}}}})
    .to_string()
}

/// A case: repository, source, unit, neighbour and a namespace for their objects, all of one name.
pub(crate) struct Case<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) name: &'static str,
    pub(crate) repo: Repo,
    /// The revision that was applied last.
    good: std::sync::Mutex<String>,
}

impl<'a> Case<'a> {
    /// Brings the good state into the cluster; `files` lie in the unit's folder beside the ConfigMap `kept`.
    pub(crate) async fn begin(
        stage: &'a Stage,
        name: &'static str,
        files: &[(&str, &str)],
    ) -> Result<Self> {
        let repo = stage.kit.git.repo(name).await?;
        let case = Self { stage, name, repo, good: std::sync::Mutex::default() };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        stage.apply(&namespace.to_string()).await?;
        let kept = config_map(name, "kept", GOOD);
        let mut all = vec![("unit/kept.yaml", Some(&*kept))];
        let files: Vec<_> =
            files.iter().map(|(path, text)| (format!("unit/{path}"), text)).collect();
        all.extend(files.iter().map(|(path, text)| (&**path, Some(**text))));
        let commit = case.commit(&all).await?;
        let (unit, neighbour) =
            (case.unit("unit", name), case.unit("neighbour", &case.neighbour()));
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "url": case.repo.url(), "ref": {"branch": "main"},
                "secretRef": {"name": CREDENTIALS}}});
        stage.apply(&format!("{source}\n---\n{unit}\n---\n{neighbour}")).await?;
        case.mended(&commit).await?;
        Ok(case)
    }

    fn unit(&self, folder: &str, name: &str) -> Value {
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "path": format!("./{folder}"), "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": self.name}}})
    }

    fn neighbour(&self) -> String {
        format!("{}-neighbour", self.name)
    }

    /// Commits; the neighbour gets something new with every commit.
    async fn commit(&self, files: &[(&str, Option<&str>)]) -> Result<String> {
        let news = format!("{:?}", std::time::Instant::now());
        let news = config_map(self.name, "news", &news);
        let mut all = vec![("neighbour/news.yaml", Some(&*news))];
        all.extend(files);
        self.repo.commit_files("main", &all, "a change").await
    }

    /// Commits files of the unit's folder and has them fetched; an absent text removes the file.
    pub(crate) async fn push(&self, files: &[(&str, Option<&str>)]) -> Result<String> {
        let paths: Vec<_> =
            files.iter().map(|(path, text)| (format!("unit/{path}"), *text)).collect();
        let files: Vec<_> = paths.iter().map(|(path, text)| (&**path, *text)).collect();
        let commit = self.commit(&files).await?;
        let patch = json!({"metadata": {"annotations": {
            "reconcile.fluxcd.io/requestedAt": commit}}});
        self.patch(&source_kind(), &patch).await?;
        Ok(commit)
    }

    /// Commits without telling the agent.
    pub(crate) async fn unseen(&self) -> Result<String> {
        self.commit(&[]).await
    }

    /// Changes the unit's spec.
    pub(crate) async fn set_unit(&self, spec: Value) -> Result<()> {
        self.patch(&unit_kind(), &json!({"spec": spec})).await
    }

    /// Changes the source's spec.
    pub(crate) async fn set_source(&self, spec: Value) -> Result<()> {
        self.patch(&source_kind(), &json!({"spec": spec})).await
    }

    async fn patch(&self, gvk: &GroupVersionKind, patch: &Value) -> Result<()> {
        let cluster = &self.stage.management;
        cluster.merge(gvk, NAMESPACE, self.name, patch, "a-user").await?;
        Ok(())
    }

    /// The unit fails with this reason and says all this; what was applied last is still there, and the neighbour lives.
    pub(crate) async fn refused(&self, reason: &str, words: &[&str]) -> Result<String> {
        let message = self.not_ready(&unit_kind(), reason, words).await?;
        self.keeps().await?;
        Ok(message)
    }

    /// The source fails with this reason and says all this; the last artifact and its unit stay.
    pub(crate) async fn source_refused(&self, reason: &str, words: &[&str]) -> Result<String> {
        let message = self.not_ready(&source_kind(), reason, words).await?;
        let source = self.get(&source_kind()).await?;
        let failed = find_condition(&source, "FetchFailed").context("no condition FetchFailed")?;
        ensure!(failed["status"] == "True" && failed["reason"] == reason, "{failed}");
        let stored = text(&source, "/status/artifact/revision");
        ensure!(stored == self.good(), "the artifact is {stored}, not {}", self.good());
        ready(&self.stage.management, &unit_kind(), (NAMESPACE, self.name)).await?;
        self.keeps().await?;
        Ok(message)
    }

    /// Waits until an object of the case's name is not ready for this reason and says all this.
    pub(crate) async fn not_ready(
        &self,
        gvk: &GroupVersionKind,
        reason: &str,
        words: &[&str],
    ) -> Result<String> {
        let says = |object: &Manifest| {
            let Some(ready) = find_condition(object, "Ready") else { return false };
            let message = ready["message"].as_str().unwrap_or_default();
            ready["status"] == "False"
                && ready["reason"] == reason
                && ready["observedGeneration"].as_i64() == object.generation()
                && words.iter().all(|word| message.contains(word))
        };
        let place = (NAMESPACE, self.name);
        let object = wait_for(&self.stage.management, gvk, place, SOON, says)
            .await
            .with_context(|| format!("wanted: {reason} with {words:?}"))?;
        let ready = find_condition(&object, "Ready").context("no condition Ready")?;
        let again = |object: &Manifest| {
            let holds =
                |type_| find_condition(object, type_).is_some_and(|c| c["status"] == "True");
            holds("Reconciling") != holds("Stalled")
        };
        ensure!(again(&object), "neither tried again nor stalled, or both: {object:?}");
        Ok(ready["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the source is ready.
    pub(crate) async fn source_is_ready(&self) -> Result<()> {
        let place = (NAMESPACE, self.name);
        let is_ready = |object: &Manifest| condition(object, "Ready");
        wait_for(&self.stage.management, &source_kind(), place, SOON, is_ready).await?;
        Ok(())
    }

    /// Is it given up until somebody edits it?
    pub(crate) async fn is_stalled(&self, gvk: &GroupVersionKind) -> Result<()> {
        let stalled = |object: &Manifest| {
            find_condition(object, "Stalled").is_some_and(|c| c["status"] == "True")
        };
        let place = (NAMESPACE, self.name);
        wait_for(&self.stage.management, gvk, place, SOON, stalled).await.context("Stalled")?;
        Ok(())
    }

    /// What was applied last is there: in the status, in the inventory and alive. Waits for nothing.
    pub(crate) async fn keeps(&self) -> Result<()> {
        let unit = self.get(&unit_kind()).await?;
        let applied = text(&unit, "/status/lastAppliedRevision");
        ensure!(applied == self.good(), "applied is {applied}, not {}", self.good());
        let inventory = unit.value()["status"]["inventory"]["entries"].to_string();
        let id = format!("{}_kept__ConfigMap", self.name);
        ensure!(inventory.contains(&id), "{id} is not in the inventory: {inventory}");
        let kept = self.stage.management.get(&config_map_kind(), self.name, "kept").await?;
        let kept = kept.context("the ConfigMap `kept` is gone")?;
        let value = text(&kept, "/data/value");
        ensure!(value == GOOD, "the ConfigMap `kept` says `{value}`");
        Ok(())
    }

    /// The neighbour has applied a commit.
    pub(crate) async fn neighbour_follows(&self, commit: &str) -> Result<()> {
        let name = self.neighbour();
        self.applied(&name, commit).await.context("the neighbour does not follow")
    }

    /// Unit and neighbour have applied a commit: from now on that is the good state.
    pub(crate) async fn mended(&self, commit: &str) -> Result<()> {
        self.applied(self.name, commit).await.context("not mended")?;
        self.neighbour_follows(commit).await?;
        *self.good.lock().expect("nobody panics with it") = format!("main@sha1:{commit}");
        Ok(())
    }

    /// Pushes something that the unit does not care about, and sees it applied: the case is mended.
    pub(crate) async fn follows_again(&self) -> Result<()> {
        let commit = self.push(&[]).await?;
        self.mended(&commit).await
    }

    /// The unit is ready again as it was before, without a push.
    pub(crate) async fn ready_again(&self) -> Result<()> {
        let generation_ready = |object: &Manifest| {
            find_condition(object, "Ready").is_some_and(|ready| {
                ready["status"] == "True"
                    && ready["observedGeneration"].as_i64() == object.generation()
            })
        };
        let place = (NAMESPACE, self.name);
        wait_for(&self.stage.management, &unit_kind(), place, SOON, generation_ready)
            .await
            .context("not ready again")?;
        Ok(())
    }

    async fn applied(&self, name: &str, commit: &str) -> Result<()> {
        let revision = format!("main@sha1:{commit}");
        let is_applied = |object: &Manifest| {
            find_condition(object, "Ready").is_some_and(|ready| {
                ready["status"] == "True"
                    && ready["observedGeneration"].as_i64() == object.generation()
            }) && text(object, "/status/lastAppliedRevision") == revision
        };
        let place = (NAMESPACE, name);
        wait_for(&self.stage.management, &unit_kind(), place, SOON, is_applied).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, gvk: &GroupVersionKind) -> Result<Manifest> {
        let found = self.stage.management.get(gvk, NAMESPACE, self.name).await?;
        found.with_context(|| format!("{} {} is gone", gvk.kind, self.name))
    }

    /// The revision that was applied last.
    pub(crate) fn good(&self) -> String {
        self.good.lock().expect("nobody panics with it").clone()
    }
}
