//! What happens around the agent: its processes, revisions, drift, and the judgement at the end.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capstan_agent::Staged;
use capstan_cluster::Cluster;
use serde_json::{Value, json};

use crate::api::{Change, Key};
use crate::chance::Chance;
use crate::fleet::{self, NAMESPACE, OWN, SOURCE};
use crate::plan::Step;
use crate::shared::Shared;

/// How long it may take until all is well, once nothing goes wrong any more. More than two intervals, and than the longest silence.
const SETTLES: Duration = Duration::from_secs(1800);
/// How long all is watched after that: several intervals.
const QUIET: Duration = Duration::from_secs(1500);

/// The flags of the agent.
const FLAGS: [&str; 2] = ["--concurrent=4", "--interval-jitter-percentage=0"];

/// How a process ended.
pub(crate) enum End {
    Done,
    Crashed,
}

/// What happens around the agent.
pub(crate) struct Stage {
    pub(crate) shared: Shared,
    pub(crate) fleet: Arc<fleet::Fleet>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) chance: Chance,
    pub(crate) removed: Vec<usize>,
    pub(crate) git_is_away: bool,
    /// The revision that Git has.
    pub(crate) revision: usize,
    /// The revision whose artifact was stored last.
    pub(crate) on_disk: usize,
}

impl Stage {
    pub(crate) fn told(&self, seed: u64, why: &str) -> String {
        let world = self.shared.world();
        let log: Vec<&str> = world.log.iter().map(String::as_str).collect();
        format!("seed {seed}: {why}\n{}\nseed {seed}: {why}", log.join("\n"))
    }

    pub(crate) fn set_up(&self) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace"});
        for name in [NAMESPACE, OWN] {
            self.create("Namespace", "", name, &namespace);
        }
        let source = json!({"spec": {"interval": "1m", "url": "https://git.invalid/fleet"}});
        self.create("GitRepository", OWN, SOURCE, &source);
        for unit in 0..self.fleet.units.len() {
            self.create(
                "Kustomization",
                OWN,
                &fleet::unit_name(unit),
                &self.fleet.kustomization(unit),
            );
        }
    }

    fn create(&self, kind: &str, namespace: &str, name: &str, object: &Value) {
        let key = self.shared.key(kind, namespace, name);
        self.shared.write(&key, "a-user", false, Change::Create(object));
    }

    /// One process of the agent.
    pub(crate) async fn life(&mut self, folder: &Path) -> Result<End, String> {
        let client = self.shared.client();
        let config = kube::Config::new(http::Uri::from_static("http://simulated.invalid"));
        let agent = Staged::start(Cluster::new(client, config), folder, &FLAGS)
            .map_err(|error| format!("{error:#}"))?;
        let controller = tokio::spawn(control_widgets(self.shared.clone()));
        let shared = self.shared.clone();
        let end = tokio::select! {
            biased;
            () = shared.crashed() => Ok(End::Crashed),
            end = self.play(&agent) => end,
        };
        controller.abort();
        shared.end();
        end
    }

    async fn play(&mut self, agent: &Staged) -> Result<End, String> {
        self.start_source(agent).await;
        while let Some(step) = self.steps.front().cloned() {
            if let Step::Wait(time) = step {
                // What is left of it is waited for after a crash.
                self.steps.pop_front();
                tokio::time::sleep(time).await;
                self.check()?;
                continue;
            }
            self.steps.pop_front();
            self.take(agent, &step).await;
            self.check()?;
            if step == Step::Crash {
                return Ok(End::Crashed);
            }
        }
        let removes = !self.shared.world().judge.removed.is_empty();
        if !removes {
            self.settle().await?;
        }
        if self.removed.is_empty() && !removes {
            return Ok(End::Done);
        }
        self.remove().await
    }

    fn check(&self) -> Result<(), String> {
        let broken = self.shared.world().judge.broken.clone();
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    /// A process that starts reads what is on its disk, then asks Git.
    async fn start_source(&mut self, agent: &Staged) {
        if self.chance.one_in(2) || self.git_is_away {
            tokio::time::sleep(Duration::from_millis(self.chance.below(3000) as u64)).await;
            self.offer(agent, self.on_disk, true).await;
        }
        if !self.git_is_away {
            tokio::time::sleep(Duration::from_millis(self.chance.below(3000) as u64)).await;
            self.fetch(agent).await;
        }
    }

    async fn offer(&self, agent: &Staged, number: usize, is_restored: bool) {
        {
            let mut world = self.shared.world();
            world.note(&format!("revision {number}, restored: {is_restored}"));
            world.judge.newest = number.max(world.judge.newest);
        }
        let (revision, tree) = (fleet::revision(number), self.fleet.tree(number));
        agent.offer((OWN, SOURCE), &revision, tree, is_restored).await;
    }

    /// The units get the revision before its artifact is stored.
    async fn fetch(&mut self, agent: &Staged) {
        self.offer(agent, self.revision, false).await;
        self.on_disk = self.revision;
        let key = self.shared.key("GitRepository", OWN, SOURCE);
        let revision = fleet::revision(self.revision);
        let status = json!({"status": {"observedGeneration": 1,
            "artifact": {"revision": revision, "path": "", "digest": "", "url": "", "size": 0,
                "lastUpdateTime": "2026-01-01T00:00:00Z"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded",
                "message": "stored artifact", "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": 1}]}});
        self.shared.write(&key, "source-controller", true, Change::Merge(&status));
    }

    async fn take(&mut self, agent: &Staged, step: &Step) {
        self.shared.world().note(&format!("{step:?}"));
        match step {
            Step::Wait(_) => {}
            Step::Push => {
                self.revision = (self.revision + 1).min(self.fleet.revisions.len() - 1);
                if !self.git_is_away {
                    self.fetch(agent).await;
                }
            }
            Step::GitAway => self.git_is_away = true,
            Step::GitBack => {
                self.git_is_away = false;
                self.fetch(agent).await;
            }
            Step::Crash => self.shared.world().crashes += 1,
            Step::Edit(some) => {
                self.touch(
                    *some,
                    "kubectl-edit",
                    &json!({"data": {"rev": "by hand", "more": "x"}}),
                );
            }
            Step::Share(some) => {
                let annotations = json!({"annotations": {"sim.capstan.dev/shared": "x"}});
                self.touch(*some, "another", &json!({ "metadata": annotations }));
            }
            Step::Take(some) => {
                self.touch(*some, "another", &json!({"data": {"value": "taken"}}));
            }
            Step::Hold(some) => {
                let held = json!({"metadata": {"finalizers": ["sim.capstan.dev/held"]}});
                self.touch(*some, "another", &held);
            }
            Step::LetGo => self.let_go(),
            Step::Delete(some) => {
                if let Some(key) = self.some_object(*some) {
                    self.shared.world().judge.touched.insert(key.clone());
                    self.shared.delete(&key);
                }
            }
            Step::Request(unit) => {
                let now = format!("{:?}", self.shared.world().now());
                let asked =
                    json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
                self.unit(*unit, &asked);
            }
            Step::Respec(unit) => {
                let interval = format!("{}s", 500 + self.chance.below(200));
                self.unit(*unit, &json!({"spec": {"interval": interval}}));
            }
        }
    }

    fn unit(&self, unit: usize, patch: &Value) {
        let key = self.shared.key("Kustomization", OWN, &fleet::unit_name(unit));
        self.shared.write(&key, "a-user", false, Change::Merge(patch));
    }

    fn objects(&self) -> Vec<Key> {
        let world = self.shared.world();
        world.store.all().map(|(key, _)| key.clone()).filter(|key| key.1 == NAMESPACE).collect()
    }

    fn some_object(&self, some: usize) -> Option<Key> {
        let mut keys = self.objects();
        keys.retain(|key| self.shared.world().store.kinds[key.0].kind != "Event");
        let count = keys.len();
        (count > 0).then(|| keys.swap_remove(some % count))
    }

    /// Somebody else changes an object. A widget has no data: its spec is changed.
    fn touch(&self, some: usize, manager: &str, patch: &Value) {
        let Some(key) = self.some_object(some) else { return };
        let mut patch = patch.clone();
        let is_widget = self.shared.world().store.kinds[key.0].kind == "Widget";
        if let Some(data) = patch.get("data").cloned().filter(|_| is_widget) {
            patch = json!({ "spec": data });
        }
        self.shared.world().judge.touched.insert(key.clone());
        self.shared.write(&key, manager, false, Change::Merge(&patch));
    }

    fn let_go(&self) {
        for key in self.objects() {
            let patch = json!({"metadata": {"finalizers": null}});
            let held = self.shared.world().store.find(&key).is_some_and(|object| {
                object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
            });
            if held {
                self.shared.write(&key, "another", false, Change::Merge(&patch));
            }
        }
    }

    /// Nothing goes wrong any more: soon all is well, and then nothing is written.
    async fn settle(&mut self) -> Result<(), String> {
        self.shared.set_faulty(false);
        self.shared.world().note("no more faults");
        let end = tokio::time::Instant::now() + SETTLES;
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.check()?;
            let wrong = {
                let world = self.shared.world();
                world.judge.unsettled(&world.store)
            };
            if wrong.is_empty() {
                break;
            }
            if tokio::time::Instant::now() > end {
                return Err(format!("I7: {}", wrong.join("\n")));
            }
        }
        self.shared.world().note("all is well");
        let before = self.shared.world().judge.owned_writes;
        tokio::time::sleep(QUIET).await;
        self.check()?;
        let world = self.shared.world();
        let (after, wrong) = (world.judge.owned_writes, world.judge.unsettled(&world.store));
        if !wrong.is_empty() {
            return Err(format!("I7: it did not stay so: {}", wrong.join("\n")));
        }
        if before != after {
            return Err(format!("I8: {} objects were written for nothing", after - before));
        }
        Ok(())
    }

    /// The units go, under faults, and all of theirs with them.
    async fn remove(&mut self) -> Result<End, String> {
        self.shared.set_faulty(true);
        while !self.removed.is_empty() {
            let unit = self.removed.remove(0);
            self.shared.world().judge.removed.insert(unit);
            let key = self.shared.key("Kustomization", OWN, &fleet::unit_name(unit));
            self.shared.delete(&key);
            tokio::time::sleep(Duration::from_millis(self.chance.below(5000) as u64)).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.settle().await?;
        Ok(End::Done)
    }
}

/// Who makes widgets ready.
async fn control_widgets(shared: Shared) {
    let mut versions = shared.versions();
    let mut chance = Chance::of(shared.seed(), "widgets");
    let kind = shared.world().store.kind("Widget");
    loop {
        let due: Vec<(Key, Value)> = {
            let world = shared.world();
            let widgets = world.store.all().filter(|(key, _)| key.0 == kind);
            let is_new = |object: &Value| {
                object["status"]["observedGeneration"] != object["metadata"]["generation"]
            };
            let new = widgets.filter(|(_, object)| is_new(object));
            new.map(|(key, object)| (key.clone(), (**object).clone())).collect()
        };
        for (key, object) in due {
            tokio::time::sleep(Duration::from_millis(chance.below(3000) as u64)).await;
            let is_healthy = object["spec"]["healthy"] != false;
            let status = json!({"status": {"observedGeneration": object["metadata"]["generation"],
                "conditions": [{"type": "Ready", "status": if is_healthy { "True" } else { "False" },
                    "reason": "Seen", "message": "it was looked at",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
            shared.write(&key, "widget-controller", true, Change::Merge(&status));
        }
        if versions.changed().await.is_err() {
            return;
        }
    }
}
