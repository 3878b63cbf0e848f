//! Units of ConfigMaps, what Git wants of them, and what happens to them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use capstan_cluster::Cluster;
use capstan_e2e::bare::{Bare, CREDENTIALS};
use capstan_e2e::look::{condition, find_condition, kind, summary, text};
use capstan_e2e::stage::NAMESPACE;
use capstan_kit::{Repo, wait_until};
use capstan_model::{GroupVersionKind, Manifest};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Where the objects are, and the name of repository and source.
const NAME: &str = "soak";
/// How many units are healthy. One more fails now and then.
const HEALTHY: usize = 12;
/// How many objects a unit has at first.
const OBJECTS: usize = 4;
/// How long everything may take to be as it should be, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(180);

/// Names and values of a unit's ConfigMaps.
type Objects = BTreeMap<String, String>;

/// A fleet, as Git has it.
pub(crate) struct Fleet<'a> {
    bare: &'a Bare,
    cluster: &'a Cluster,
    repo: Repo,
    units: Vec<Objects>,
    is_broken: bool,
    commit: String,
    count: usize,
}

fn config_map() -> GroupVersionKind {
    kind("v1", "ConfigMap")
}

fn unit_kind() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

fn unit_name(number: usize) -> String {
    format!("unit-{number:02}")
}

impl<'a> Fleet<'a> {
    pub(crate) async fn begin(bare: &'a Bare) -> Result<Self> {
        let repo = bare.git.repo(NAME).await?;
        let (commit, count) = (String::new(), 0);
        let objects =
            |unit: usize| (0..OBJECTS).map(|n| (format!("u{unit}-{n}"), "0".to_owned())).collect();
        let units: Vec<Objects> = (0..=HEALTHY).map(objects).collect();
        let cluster = &bare.cluster;
        let mut fleet = Self { bare, cluster, repo, units, is_broken: false, commit, count };
        for unit in 0..=HEALTHY {
            fleet.push(unit).await?;
        }
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}});
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"interval": "1h", "url": fleet.repo.url(), "ref": {"branch": "main"},
                "secretRef": {"name": CREDENTIALS}}});
        let units = (0..=HEALTHY).map(kustomization);
        let all: Vec<String> =
            [namespace, source].into_iter().chain(units).map(|o| o.to_string()).collect();
        bare.apply(&all.join("\n---\n")).await?;
        Ok(fleet)
    }

    /// A value changes, or an object comes or goes.
    pub(crate) async fn commits(&mut self, random: &mut StdRng) -> Result<()> {
        self.count += 1;
        let (unit, count) = (random.random_range(0..HEALTHY), self.count);
        let name = self.any_of(unit, random);
        match random.random_range(0..4) {
            0 => drop(self.units[unit].insert(format!("u{unit}-new-{count}"), "0".to_owned())),
            1 if self.units[unit].len() > 1 => drop(self.units[unit].remove(&name)),
            _ => drop(self.units[unit].insert(name, count.to_string())),
        }
        self.push(unit).await?;
        self.asks().await
    }

    /// Somebody edits an object, if it is there.
    pub(crate) async fn is_edited(&mut self, random: &mut StdRng) -> Result<()> {
        let unit = random.random_range(0..HEALTHY);
        let name = self.any_of(unit, random);
        let patch = json!({"data": {"value": "edited by hand"}});
        let edited = self.cluster.merge(&config_map(), NAME, &name, &patch, "kubectl-edit").await;
        match edited {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Somebody deletes an object.
    pub(crate) async fn loses_an_object(&mut self, random: &mut StdRng) -> Result<()> {
        let unit = random.random_range(0..HEALTHY);
        let name = self.any_of(unit, random);
        self.cluster.delete(&config_map(), NAME, &name, &Default::default()).await?;
        Ok(())
    }

    /// The last unit gets an object that no API server takes, or loses it again.
    pub(crate) async fn breaks_or_mends(&mut self) -> Result<()> {
        self.is_broken = !self.is_broken;
        self.push(HEALTHY).await?;
        self.asks().await
    }

    pub(crate) async fn loses_its_api_server(&self) -> Result<()> {
        self.bare.plane.stop().await;
        self.bare.plane.start_again().await
    }

    fn any_of(&self, unit: usize, random: &mut StdRng) -> String {
        let objects = &self.units[unit];
        let at = random.random_range(0..objects.len());
        objects.keys().nth(at).cloned().unwrap_or_default()
    }

    async fn push(&mut self, unit: usize) -> Result<()> {
        let mut objects: Vec<String> =
            self.units[unit].iter().map(|(name, value)| object(name, value)).collect();
        if unit == HEALTHY && self.is_broken {
            objects.push(object("Not_A_Name", "0"));
        }
        let (path, text) = (format!("{}/all.yaml", unit_name(unit)), objects.join("\n---\n"));
        self.commit = self.repo.commit_files("main", &[(&*path, Some(&*text))], "a change").await?;
        Ok(())
    }

    /// As a webhook does.
    async fn asks(&self) -> Result<()> {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": self.commit}}});
        self.cluster.merge(&source_kind(), NAMESPACE, NAME, &patch, "a-webhook").await?;
        Ok(())
    }

    /// Waits until the cluster is as Git has it, and every unit says so.
    pub(crate) async fn settles(&self) -> Result<()> {
        wait_until("the fleet to be as Git has it", PATIENCE, || self.is_settled()).await
    }

    async fn is_settled(&self) -> Result<()> {
        for number in 0..=HEALTHY {
            let name = unit_name(number);
            let labels = format!("kustomize.toolkit.fluxcd.io/name={name}");
            let live = self.cluster.list(&config_map(), NAME, &labels).await?;
            let live: Objects =
                live.iter().map(|o| (o.name().to_owned(), text(o, "/data/value"))).collect();
            ensure!(live == self.units[number], "{name}: {live:?}, not {:?}", self.units[number]);
            let unit = self.cluster.get(&unit_kind(), NAMESPACE, &name).await?;
            self.says_so(number, unit.as_ref())?;
        }
        Ok(())
    }

    fn says_so(&self, number: usize, unit: Option<&Manifest>) -> Result<()> {
        let unit = unit.ok_or_else(|| anyhow::anyhow!("unit {number} is gone"))?;
        let revision = format!("main@sha1:{}", self.commit);
        let attempted = text(unit, "/status/lastAttemptedRevision");
        ensure!(attempted == revision, "{} attempted {attempted}, not {revision}", unit.name());
        let is_ready = condition(unit, "Ready");
        if number == HEALTHY && self.is_broken {
            let status = find_condition(unit, "Ready").map(|ready| ready["status"].clone());
            ensure!(status == Some("False".into()), "it does not say that it fails");
            return Ok(());
        }
        ensure!(is_ready, "{} is not ready: {}", unit.name(), summary(unit));
        let applied = text(unit, "/status/lastAppliedRevision");
        ensure!(applied == revision, "{} applied {applied}, not {revision}", unit.name());
        Ok(())
    }
}

fn object(name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAME}, "data": {"value": value}})
    .to_string()
}

/// Each third unit waits for the one before.
fn kustomization(number: usize) -> Value {
    let before = number.checked_sub(1).filter(|_| number % 3 == 2);
    let depends_on: Vec<Value> =
        before.iter().map(|before| json!({"name": unit_name(*before)})).collect();
    json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": unit_name(number), "namespace": NAMESPACE},
        "spec": {"interval": "1h", "retryInterval": "5s", "path": format!("./{}", unit_name(number)),
            "prune": true, "wait": true, "dependsOn": depends_on,
            "sourceRef": {"kind": "GitRepository", "name": NAME}}})
}
