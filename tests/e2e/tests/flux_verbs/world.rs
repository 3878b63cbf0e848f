//! Two clusters in the same state: one with Flux's controllers, one with our agent, and the servers that both fetch from.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{kind, wait_for};
use capstan_e2e::run::Said;
use capstan_e2e::stage::{PATIENCE, read};
use capstan_e2e::{install, look};
use capstan_kit::{GitServer, KitDir, ObjectStore, Part, Parts, Registry};
use capstan_model::Manifest;

use crate::side::{Engine, Side};

/// The parts of the kit that it stands on.
pub(crate) const PARTS: [Part; 8] = [
    Part::Etcd,
    Part::KubeApiserver,
    Part::KubeControllerManager,
    Part::SourceController,
    Part::KustomizeController,
    Part::Flux,
    Part::Registry,
    Part::MotoServer,
];

const GIVEN: &str = include_str!("fleet/given.yaml");
const LOGIN: (&str, &str) = ("someone", "something");

pub(crate) struct World {
    pub(crate) flux: Side,
    pub(crate) capstan: Side,
    git: GitServer,
    registry: Registry,
    store: ObjectStore,
    agent: String,
    said: AtomicUsize,
    dir: KitDir,
}

impl World {
    /// Starts everything and waits until both clusters are at rest.
    pub(crate) async fn start(parts: &Parts) -> Result<Self> {
        let dir = KitDir::new()?;
        let sides = [dir.sub("flux")?, dir.sub("capstan")?];
        let (git, store) = (dir.sub("git")?, dir.sub("store")?);
        let (flux, capstan, git, registry, store) = tokio::try_join!(
            Side::start(Engine::Flux, parts, &sides[0]),
            Side::start(Engine::Capstan, parts, &sides[1]),
            GitServer::start(&git),
            Registry::start(parts, dir.path(), LOGIN),
            ObjectStore::start(parts, &store),
        )?;
        let mut world = Self {
            flux,
            capstan,
            git,
            registry,
            store,
            agent: String::new(),
            said: AtomicUsize::new(0),
            dir,
        };
        world.fill().await?;
        tokio::try_join!(world.flux.install(), world.capstan.install())?;
        world.agent = world.capstan.agent_address().await?;
        let given = read(&world.filled(GIVEN))?;
        // Units after their sources: what one says while it waits depends on who is faster.
        let (units, others): (Vec<_>, Vec<_>) =
            given.into_iter().partition(|object| object.kind() == "Kustomization");
        for objects in [others, units] {
            tokio::try_join!(given_to(&world.flux, &objects), given_to(&world.capstan, &objects))?;
        }
        Ok(world)
    }

    pub(crate) fn sides(&self) -> [&Side; 2] {
        [&self.flux, &self.capstan]
    }

    /// Repositories, an artifact and a bucket; and what a user has in his folder.
    async fn fill(&self) -> Result<()> {
        let files = crate::files::FLEET.map(|(path, text)| (path, Some(text)));
        let fleet = self.git.repo("fleet").await?;
        let commit = fleet.commit_files("main", &files, "the fleet").await?;
        fleet.tag("v1.0.0", &commit).await?;
        self.push("writes", "app/settings.yaml", Some(crate::files::SETTINGS)).await?;
        self.store.put("files", "", "").await?;
        self.store.put("files", "settings.yaml", crate::files::FILE).await?;
        for side in self.sides() {
            for (path, text) in crate::files::HOME {
                write(&side.flux.home().join(path), text)?;
            }
        }
        let push = "push artifact oci://{registry}/bundle:v1 --path=./bundle \
            --source=https://git.example.org/bundle.git \
            --revision=main@sha1:0123456789012345678901234567890123456789 \
            --creds={registry-user}:{registry-password} --reproducible";
        self.flux.flux.succeeds(&self.filled(push)).await?;
        Ok(())
    }

    /// Pushes a file to a repository, or its removal.
    pub(crate) async fn push(&self, repo: &str, path: &str, text: Option<&str>) -> Result<()> {
        let repo = self.git.repo(repo).await?;
        repo.commit_files("main", &[(path, text)], "a change").await?;
        Ok(())
    }

    /// Puts an object into the bucket.
    pub(crate) async fn put(&self, bucket: &str, key: &str, text: &str) -> Result<()> {
        self.store.put(bucket, key, text).await
    }

    /// A text with the addresses and logins of the servers.
    pub(crate) fn filled(&self, text: &str) -> String {
        let git = self.git.url();
        let values = [
            ("{git}", &*git),
            ("{git-user}", self.git.user()),
            ("{git-password}", self.git.password()),
            ("{registry}", self.registry.address()),
            ("{registry-user}", LOGIN.0),
            ("{registry-password}", LOGIN.1),
            ("{store}", self.store.address()),
            ("{agent}", &*self.agent),
        ];
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Keeps what both said of a command line, for a reader of a failed test.
    pub(crate) fn keep(&self, line: &str, texts: [&str; 2]) -> Result<()> {
        let number = self.said.fetch_add(1, Ordering::Relaxed);
        let folder = self.dir.sub("said")?;
        for (side, text) in self.sides().iter().zip(texts) {
            let name = format!("{number:03}.{}", side.engine.name());
            std::fs::write(folder.join(name), format!("$ flux {line}\n{text}"))?;
        }
        Ok(())
    }

    pub(crate) async fn end(self) {
        for side in self.sides() {
            side.stop().await;
        }
        self.dir.finished();
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

/// The kinds that both engines reconcile.
const RECONCILED: [&str; 4] = ["GitRepository", "OCIRepository", "Bucket", "Kustomization"];

/// Applies objects as a user would, and waits until they are at rest.
async fn given_to(side: &Side, objects: &[Manifest]) -> Result<()> {
    install::apply(&side.cluster, objects).await?;
    at_rest(side, objects).await
}

/// Waits until what is given, and what it brings, says how it is: names tell what is to be expected.
async fn at_rest(side: &Side, given: &[Manifest]) -> Result<()> {
    let apps = (kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization"), "flux-system", "apps");
    let reconciled = given.iter().filter(|object| {
        RECONCILED.contains(&object.kind()) && object.value().pointer("/spec/suspend").is_none()
    });
    let all = reconciled.map(|object| (object.gvk(), object.namespace(), object.name()));
    let has_units = given.iter().any(|object| object.kind() == "Kustomization");
    for (gvk, namespace, name) in all.chain(has_units.then_some(apps)) {
        let fails = name.starts_with("no-") || ["refused", "unhealthy", "waiting"].contains(&name);
        let status = if fails { "False" } else { "True" };
        let rests = |object: &Manifest| {
            look::find_condition(object, "Ready").is_some_and(|ready| {
                ready["status"] == status
                    && ready["observedGeneration"].as_i64() == object.generation()
            })
        };
        let waited = wait_for(&side.cluster, &gvk, (namespace, name), PATIENCE, rests).await;
        waited.with_context(|| format!("{} never rested", side.engine.name()))?;
    }
    Ok(())
}

/// Runs a command line on both sides at once.
pub(crate) async fn both(world: &World, line: &str, input: &str) -> Result<[Said; 2]> {
    let line = world.filled(line);
    let (flux, capstan) = tokio::try_join!(
        world.flux.flux.run_with(&line, input),
        world.capstan.flux.run_with(&line, input)
    )?;
    ensure!(flux.code.is_some() && capstan.code.is_some(), "a signal ended `{line}`");
    Ok([flux, capstan])
}
