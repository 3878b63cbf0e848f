//! The agent is killed in the middle of everything: what it began ends as if nothing had been, nothing is orphaned, and a unit
//! that had nothing to do never looks as if something were wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_cluster::{Change, Cluster, Mirror, Selection, mirror_into};
use capstan_e2e::door::Door;
use capstan_e2e::look::{condition, find_condition, kind, summary, text, wait_for, wait_gone};
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage};
use capstan_kit::{KitOptions, Repo};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// Enough objects for a kill to come in the middle.
const MANY: usize = 400;
/// The name of repository, source, unit and namespace.
const NAME: &str = "crash";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_ends_what_it_began() -> Result<()> {
    let stage = Stage::with_agent(KitOptions::default()).await?;
    let fleet = Fleet::begin(&stage).await?;
    let quiet = Quiet::watch(&stage.management);
    fleet.killed_while_fetching().await?;
    fleet.killed_while_git_is_away().await?;
    fleet.killed_while_applying().await?;
    fleet.killed_while_applying_what_goes_again().await?;
    fleet.killed_while_waiting_for_health().await?;
    fleet.killed_while_pruning().await?;
    fleet.killed_while_finalizing().await?;
    quiet.was_always_ready()?;
    stage.end().await;
    Ok(())
}

fn unit_kind() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

fn config_map_kind() -> GroupVersionKind {
    kind("v1", "ConfigMap")
}

/// A repository behind a door, with a unit of many objects and one that never changes.
struct Fleet<'a> {
    stage: &'a Stage,
    repo: Repo,
    door: Door,
}

impl<'a> Fleet<'a> {
    async fn begin(stage: &'a Stage) -> Result<Self> {
        let repo = stage.kit.git.repo(NAME).await?;
        let door = Door::open(&stage.kit.git.url()).await?;
        let fleet = Self { stage, repo, door };
        let quiet = config_map("quiet", "still");
        let first = fleet
            .repo
            .commit_files(
                "main",
                &[("quiet/quiet.yaml", Some(&*quiet)), ("unit/many.yaml", Some(&*objects(0..1)))],
                "the first objects",
            )
            .await?;
        let url = format!("{}/{NAME}.git", fleet.door.url());
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"interval": "30m", "timeout": "10s", "url": url, "ref": {"branch": "main"},
                "secretRef": {"name": NAME}}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": NAME, "namespace": NAMESPACE}, "stringData": {
                "username": stage.kit.git.user(), "password": stage.kit.git.password()}});
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}});
        let objects = [namespace, secret, source, unit(NAME, "unit"), unit("quiet", "quiet")];
        let objects: Vec<_> = objects.iter().map(Value::to_string).collect();
        stage.apply(&objects.join("\n---\n")).await?;
        fleet.applied("quiet", &first).await?;
        fleet.ended(&first, 0..1).await?;
        Ok(fleet)
    }

    /// The server stops in the middle of the pack.
    async fn killed_while_fetching(&self) -> Result<()> {
        self.door.close_after(100_000);
        // Random text, so that the pack is longer than what the door lets through.
        let long: String = (0..40_000).map(|_| format!("{:016x}", rand())).collect();
        let files = [("long.txt", Some(&*long)), ("unit/many.yaml", Some(&*objects(0..2)))];
        let commit = self.repo.commit_files("main", &files, "a long file").await?;
        self.fetch(&commit).await?;
        self.door.somebody_waits(PATIENCE).await?;
        self.kill()?;
        self.door.open_again();
        self.ended(&commit, 0..2).await
    }

    /// The Git server does not answer the agent that comes back: it goes on with what is on disk.
    async fn killed_while_git_is_away(&self) -> Result<()> {
        let commit = self.push(&objects(0..2)).await?;
        self.ended(&commit, 0..2).await?;
        self.door.close_after(0);
        self.kill()?;
        let labels = json!({"commonMetadata": {"labels": {"while": "away"}}});
        self.set(labels).await?;
        let labelled = |object: &Manifest| object.label("while") == Some("away");
        let first = name(0);
        let (cluster, place) = (&self.stage.management, (NAME, &*first));
        wait_for(cluster, &config_map_kind(), place, PATIENCE, labelled).await?;
        self.door.open_again();
        let commit = self.push(&objects(0..3)).await?;
        self.ended(&commit, 0..3).await
    }

    async fn killed_while_applying(&self) -> Result<()> {
        let commit = self.push(&objects(0..MANY)).await?;
        self.appears(MANY / 4).await?;
        self.kill()?;
        self.ended(&commit, 0..MANY).await
    }

    /// What the killed agent had applied is no longer wanted when it comes back.
    async fn killed_while_applying_what_goes_again(&self) -> Result<()> {
        self.push(&objects(0..2 * MANY)).await?;
        self.appears(MANY + MANY / 4).await?;
        self.kill()?;
        let commit = self.push(&objects(0..MANY)).await?;
        self.ended(&commit, 0..MANY).await
    }

    async fn killed_while_waiting_for_health(&self) -> Result<()> {
        self.set(json!({"wait": true, "timeout": "5m"})).await?;
        let with = |image: &str| format!("{}\n---\n{}", objects(0..MANY), deployment(image));
        self.push(&with("nginx:fails")).await?;
        let waits = |unit: &Manifest| {
            find_condition(unit, "Healthy").is_some_and(|healthy| healthy["status"] == "Unknown")
        };
        let place = (NAMESPACE, NAME);
        wait_for(&self.stage.management, &unit_kind(), place, PATIENCE, waits).await?;
        self.kill()?;
        let commit = self.push(&with("nginx:1")).await?;
        self.applied(NAME, &commit).await?;
        let unit = self.unit().await?;
        ensure!(condition(&unit, "Healthy"), "{}", summary(&unit));
        let commit = self.push(&objects(0..MANY)).await?;
        self.set(json!({"wait": null, "timeout": null})).await?;
        self.ended(&commit, 0..MANY).await?;
        let (web, place) = (kind("apps/v1", "Deployment"), (NAME, "web"));
        wait_gone(&self.stage.management, &web, place, PATIENCE).await
    }

    async fn killed_while_pruning(&self) -> Result<()> {
        let commit = self.push(&objects(0..1)).await?;
        self.vanishes_any().await?;
        self.kill()?;
        self.ended(&commit, 0..1).await
    }

    async fn killed_while_finalizing(&self) -> Result<()> {
        let commit = self.push(&objects(0..MANY)).await?;
        self.ended(&commit, 0..MANY).await?;
        let cluster = &self.stage.management;
        cluster.delete(&unit_kind(), NAMESPACE, NAME, &Default::default()).await?;
        self.vanishes_any().await?;
        self.kill()?;
        wait_gone(cluster, &unit_kind(), (NAMESPACE, NAME), PATIENCE).await?;
        let left = self.owned().await?;
        ensure!(left.is_empty(), "orphaned: {left:?}");
        let quiet = cluster.get(&config_map_kind(), NAME, "quiet").await?;
        ensure!(quiet.is_some(), "the object of another unit went too");
        Ok(())
    }

    fn kill(&self) -> Result<()> {
        let nodes = self.stage.kit.management().nodes();
        let killed = nodes.kill_pod_process(NAMESPACE, "app=capstan-agent")?;
        ensure!(killed == 1, "{killed} processes were killed");
        Ok(())
    }

    async fn push(&self, text: &str) -> Result<String> {
        let files = [("unit/many.yaml", Some(text))];
        let commit = self.repo.commit_files("main", &files, "other objects").await?;
        self.fetch(&commit).await?;
        Ok(commit)
    }

    async fn fetch(&self, commit: &str) -> Result<()> {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": commit}}});
        let cluster = &self.stage.management;
        cluster.merge(&source_kind(), NAMESPACE, NAME, &patch, "a-user").await?;
        Ok(())
    }

    async fn set(&self, spec: Value) -> Result<()> {
        let cluster = &self.stage.management;
        cluster.merge(&unit_kind(), NAMESPACE, NAME, &json!({"spec": spec}), "a-user").await?;
        Ok(())
    }

    async fn unit(&self) -> Result<Manifest> {
        let unit = self.stage.management.get(&unit_kind(), NAMESPACE, NAME).await?;
        unit.context("the unit is gone")
    }

    async fn applied(&self, name: &str, commit: &str) -> Result<()> {
        let is_applied = |unit: &Manifest| {
            condition(unit, "Ready")
                && text(unit, "/status/lastAppliedRevision").ends_with(commit)
                && unit.value()["status"]["observedGeneration"].as_i64() == unit.generation()
        };
        let place = (NAMESPACE, name);
        wait_for(&self.stage.management, &unit_kind(), place, PATIENCE, is_applied).await?;
        Ok(())
    }

    async fn appears(&self, number: usize) -> Result<()> {
        let (name, any) = (name(number), |_: &Manifest| true);
        let place = (NAME, &*name);
        wait_for(&self.stage.management, &config_map_kind(), place, PATIENCE, any).await?;
        Ok(())
    }

    /// Waits until one of the objects is gone, whichever.
    async fn vanishes_any(&self) -> Result<()> {
        capstan_kit::wait_until("an object to vanish", PATIENCE, || async {
            let left = self.owned().await.map_err(|error| format!("{error:#}"))?.len();
            if left < MANY { Ok(()) } else { Err(format!("{left} objects")) }
        })
        .await?;
        Ok(())
    }

    /// The unit is ready at the commit, and there is exactly what it says: in the cluster and in the inventory.
    async fn ended(&self, commit: &str, numbers: std::ops::Range<usize>) -> Result<()> {
        self.applied(NAME, commit).await?;
        // Units get a revision before the source's status has it.
        let is_stored = |source: &Manifest| {
            condition(source, "Ready")
                && text(source, "/status/artifact/revision").ends_with(commit)
        };
        let place = (NAMESPACE, NAME);
        wait_for(&self.stage.management, &source_kind(), place, PATIENCE, is_stored).await?;
        let wanted: BTreeSet<String> = numbers.map(name).collect();
        let live = self.owned().await?;
        ensure!(live == wanted, "{} objects instead of {}", live.len(), wanted.len());
        let unit = self.unit().await?;
        let entries = unit.value()["status"]["inventory"]["entries"].as_array().cloned();
        let ids: BTreeSet<String> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry["id"].as_str()?.split('_').nth(1)?.to_owned()))
            .filter(|id| id.starts_with("object-"))
            .collect();
        ensure!(ids == wanted, "{} entries instead of {}", ids.len(), wanted.len());
        Ok(())
    }

    /// The names of the unit's ConfigMaps.
    async fn owned(&self) -> Result<BTreeSet<String>> {
        let label = format!("kustomize.toolkit.fluxcd.io/name={NAME}");
        let found = self.stage.management.list(&config_map_kind(), NAME, &label).await?;
        let alive = found.iter().filter(|object| !object.is_deleting());
        Ok(alive.map(|object| object.name().to_owned()).collect())
    }
}

fn unit(name: &str, folder: &str) -> Value {
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"interval": "30m", "path": folder, "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": NAME}}})
}

fn name(number: usize) -> String {
    format!("object-{number:04}")
}

fn config_map(name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAME}, "data": {"value": value}})
    .to_string()
}

fn objects(numbers: std::ops::Range<usize>) -> String {
    let all: Vec<_> = numbers.map(|number| config_map(&name(number), "x")).collect();
    all.join("\n---\n")
}

fn deployment(image: &str) -> String {
    let labels = json!({"app": "web"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAME},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": image}]}}}})
    .to_string()
}

/// A number that zlib cannot guess.
fn rand() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Watches the unit that never changes, except that it follows the source's revisions.
struct Quiet {
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Quiet {
    fn watch(cluster: &Cluster) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (cluster, told) = (cluster.clone(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let selection = Selection {
                namespace: NAMESPACE.to_owned(),
                fields: "metadata.name=quiet".to_owned(),
                ..Selection::default()
            };
            let note = |change: Change| {
                let failed = change.after.as_ref().and_then(|unit| {
                    let ready = find_condition(unit, "Ready")?;
                    (ready["status"] == "False").then(|| summary(unit))
                });
                told.lock().expect("nobody panics with it").extend(failed);
            };
            let mirror = Mirror::default();
            let _ = mirror_into(&cluster, &unit_kind(), selection, &mirror, note).await;
            tokio::time::sleep(Duration::MAX).await;
        });
        Self { seen, task }
    }

    fn was_always_ready(&self) -> Result<()> {
        let seen = self.seen.lock().expect("nobody panics with it");
        ensure!(seen.is_empty(), "the unit that had nothing to do failed: {}", seen.join("\n"));
        Ok(())
    }
}
