//! A small fleet: a root, definitions, and what depends on them.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use capstan_cluster::Cluster;
use capstan_e2e::bare::{Bare, CREDENTIALS};
use capstan_e2e::look::{find_condition, kind, text, wait_for};
use capstan_e2e::stage::{NAMESPACE, PATIENCE};
use capstan_kit::Repo;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// The Kustomizations.
pub(crate) const UNITS: [&str; 4] = ["fleet", "definitions", "shop", "extras"];

const UNITS_YAML: &str = include_str!("fleet/units.yaml");
const DEFINITIONS: &str = include_str!("fleet/definitions.yaml");
const SHOP_KUSTOMIZATION: &str = include_str!("fleet/shop-kustomization.yaml");
const SHOP: &str = include_str!("fleet/shop.yaml");
const EXTRAS: &str = include_str!("fleet/extras.yaml");

pub(crate) struct Fleet<'a> {
    bare: &'a Bare,
    repo: Repo,
    changes: AtomicUsize,
    asked: AtomicUsize,
}

/// What a push did.
pub(crate) struct Pushed {
    /// An object that it took away.
    pub(crate) gone: String,
}

pub(crate) fn unit_kind() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

pub(crate) fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

impl<'a> Fleet<'a> {
    /// Pushes the first revision.
    pub(crate) async fn push(bare: &'a Bare) -> Result<Self> {
        let repo = bare.git.repo("fleet").await?;
        let fleet = Self { bare, repo, changes: AtomicUsize::new(0), asked: AtomicUsize::new(0) };
        let files = [
            ("cluster/units.yaml", UNITS_YAML),
            ("definitions/all.yaml", DEFINITIONS),
            ("shop/kustomization.yaml", SHOP_KUSTOMIZATION),
            ("shop/all.yaml", SHOP),
            ("extras/all.yaml", EXTRAS),
            ("extras/passing.yaml", &passing(0)),
        ];
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        fleet.repo.commit_files("main", &files, "the fleet").await?;
        Ok(fleet)
    }

    pub(crate) const fn cluster(&self) -> &Cluster {
        &self.bare.cluster
    }

    /// Creates the source and the root, as a bootstrap does.
    pub(crate) async fn create(&self) -> Result<()> {
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "fleet", "namespace": NAMESPACE},
            "spec": {"interval": "1h", "url": self.repo.url(), "ref": {"branch": "main"},
                "secretRef": {"name": CREDENTIALS}}});
        let root = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "fleet", "namespace": NAMESPACE},
            "spec": {"interval": "1h", "path": "./cluster", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "fleet"}}});
        let variables = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "variables", "namespace": NAMESPACE},
            "data": {"region": "eu-west-1", "replicas": "2"}});
        self.bare.apply(&format!("{variables}\n---\n{source}\n---\n{root}")).await
    }

    /// The revision of the branch.
    async fn revision(&self) -> Result<String> {
        let head = self.repo.head("main").await?.context("nothing was pushed")?;
        Ok(format!("main@sha1:{head}"))
    }

    /// Waits until all units are ready at the revision of the branch.
    pub(crate) async fn is_ready(&self) -> Result<()> {
        let revision = self.revision().await?;
        self.all(|unit| is_ready_at(unit, &revision)).await
    }

    async fn all(&self, holds: impl Fn(&Manifest) -> bool) -> Result<()> {
        for name in UNITS {
            wait_for(self.cluster(), &unit_kind(), (NAMESPACE, name), PATIENCE, &holds).await?;
        }
        Ok(())
    }

    /// Asks for a reconciliation of everything as `flux reconcile` does, one after the other, and waits until the source and all
    /// units have done it and are ready.
    pub(crate) async fn ask(&self) -> Result<()> {
        let token = format!("request-{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let answered = |object: &Manifest| text(object, "/status/lastHandledReconcileAt") == token;
        self.request(&source_kind(), "fleet", &token).await?;
        let place = (NAMESPACE, "fleet");
        wait_for(self.cluster(), &source_kind(), place, PATIENCE, &answered).await?;
        let revision = self.revision().await?;
        let done = |unit: &Manifest| answered(unit) && is_ready_at(unit, &revision);
        for name in UNITS {
            self.request(&unit_kind(), name, &token).await?;
            wait_for(self.cluster(), &unit_kind(), (NAMESPACE, name), PATIENCE, &done).await?;
        }
        Ok(())
    }

    async fn request(&self, gvk: &GroupVersionKind, name: &str, token: &str) -> Result<()> {
        let patch =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.cluster().merge(gvk, NAMESPACE, name, &patch, "a-user").await?;
        Ok(())
    }

    /// Pushes a revision that changes an object, adds one and takes one away, and waits for it.
    pub(crate) async fn push_change(&self) -> Result<Pushed> {
        let number = self.changes.fetch_add(1, Ordering::Relaxed) + 1;
        let gone = passing_name(number - 1);
        let color = format!("color-{number}");
        let shop = SHOP.replace("first-color", &color);
        let passing = passing(number);
        let files = [("shop/all.yaml", Some(&*shop)), ("extras/passing.yaml", Some(&*passing))];
        self.repo.commit_files("main", &files, "a change").await?;
        self.request(&source_kind(), "fleet", &color).await?;
        self.is_ready().await?;
        let settings = self.cluster().get(&kind("v1", "ConfigMap"), "shop", "eu-settings").await?;
        let seen = text(&settings.context("no settings")?, "/data/color");
        ensure!(seen == color, "the settings say {seen}, not {color}");
        Ok(Pushed { gone: format!("shop_{gone}__ConfigMap") })
    }
}

fn passing_name(number: usize) -> String {
    format!("passing-{number}")
}

/// An object that the next push takes away.
fn passing(number: usize) -> String {
    let metadata = json!({"name": passing_name(number), "namespace": "shop"});
    let data: Value = json!({"number": number.to_string()});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}).to_string()
}

fn is_ready_at(unit: &Manifest, revision: &str) -> bool {
    let ready = find_condition(unit, "Ready").is_some_and(|ready| {
        ready["status"] == "True" && ready["observedGeneration"].as_i64() == unit.generation()
    });
    ready && text(unit, "/status/lastAppliedRevision") == revision
}
