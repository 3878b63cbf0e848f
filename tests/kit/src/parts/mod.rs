//! The programs of the kit: found on this machine, or built once into a cache.
//!
//! In order: the folder named by `CAPSTAN_KIT` (taken as it is), PATH (programs of the pinned minor
//! version), the cache (`CAPSTAN_KIT_CACHE`, else `~/.cache/capstan-kit`); what is still missing is
//! built into the cache from its published modules at pinned versions.

mod cache;
mod go;
mod progress;
mod python;
mod recipe;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{find_on_path, is_program};
use cache::Cache;
use progress::Progress;
use recipe::{Recipe, recipe};

/// A program that the kit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The database of a control plane.
    Etcd,
    /// The API server of a control plane.
    KubeApiserver,
    /// The controllers of a control plane.
    KubeControllerManager,
    /// The Kubernetes command line.
    Kubectl,
    /// moto's server: most of AWS, in memory.
    MotoServer,
    /// The AWS command line.
    AwsCli,
    /// A Python that has botocore.
    Python,
    /// The Flux command line.
    Flux,
    /// Flux's source-controller.
    SourceController,
    /// Flux's kustomize-controller.
    KustomizeController,
    /// The kustomize command line.
    Kustomize,
    /// kustomize as a server of builds, for many of them.
    KustomizeServe,
    /// kustomize's build call under a stopwatch. Only a benchmark asks for it.
    KustomizeBench,
    /// The build call of Flux's kustomize-controller under a stopwatch. Only a benchmark asks for it.
    FluxBench,
    /// A registry of OCI artifacts, in memory.
    Registry,
    /// The Helm command line.
    Helm,
}

impl Part {
    /// What a kit needs to start.
    pub const CORE: [Self; 7] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::Kubectl,
        Self::MotoServer,
        Self::AwsCli,
        Self::Python,
    ];

    /// What the tests need: the core, and the peers that judge us.
    pub const ALL: [Self; 12] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::Kubectl,
        Self::MotoServer,
        Self::AwsCli,
        Self::Python,
        Self::Flux,
        Self::Kustomize,
        Self::KustomizeServe,
        Self::Registry,
        Self::Helm,
    ];

    /// Flux itself, beside which we are measured and to which a cluster is handed over.
    pub const FLUX_CONTROLLERS: [Self; 2] = [Self::SourceController, Self::KustomizeController];

    /// What a benchmark of the build engine needs.
    pub const BENCH: [Self; 2] = [Self::KustomizeBench, Self::FluxBench];

    /// The file name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::MotoServer => "moto_server",
            Self::AwsCli => "aws",
            Self::Python => "capstan-kit-python",
            Self::Flux => "flux",
            Self::SourceController => "source-controller",
            Self::KustomizeController => "kustomize-controller",
            Self::Kustomize => "kustomize",
            Self::KustomizeServe => "kustomize-serve",
            Self::KustomizeBench => "kustomize-bench",
            Self::FluxBench => "flux-bench",
            Self::Registry => "oci-registry",
            Self::Helm => "helm",
        }
    }
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Parts {
    programs: BTreeMap<Part, PathBuf>,
}

impl Parts {
    /// Finds the wanted programs, and builds the ones that are nowhere. Blocks: minutes when
    /// something is built, milliseconds when not. Says on standard error what it builds.
    ///
    /// # Errors
    /// When a tool that is needed is missing (the message names it and the packages that hold it), or
    /// a build fails (the message has the end of its output).
    pub fn find_or_build(wanted: &[Part]) -> Result<Self> {
        tools::require(&tools::ALWAYS)?;
        let cache = Cache::open()?;
        let mut programs: BTreeMap<Part, PathBuf> =
            wanted.iter().filter_map(|part| Some((*part, find(*part, &cache)?))).collect();
        let missing: Vec<Part> =
            wanted.iter().copied().filter(|part| !programs.contains_key(part)).collect();
        if !missing.is_empty() {
            build(&missing, &cache)?;
        }
        for part in missing {
            let program = find(part, &cache)
                .with_context(|| format!("{} was built but is not there", part.program()))?;
            programs.insert(part, program);
        }
        Ok(Self { programs })
    }

    /// [`Parts::find_or_build`] for asynchronous callers.
    ///
    /// # Errors
    /// As [`Parts::find_or_build`].
    pub async fn get(wanted: &[Part]) -> Result<Self> {
        let wanted = wanted.to_vec();
        tokio::task::spawn_blocking(move || Self::find_or_build(&wanted))
            .await
            .context("the build of the kit's parts panicked")?
    }

    /// The file of a program.
    ///
    /// # Errors
    /// When the part was not asked for.
    pub fn path(&self, part: Part) -> Result<&Path> {
        match self.programs.get(&part) {
            Some(path) => Ok(path),
            None => bail!(
                "the kit was started without {}: add it to the parts that are asked for",
                part.program()
            ),
        }
    }
}

/// Looks for a part in every place where one may be.
fn find(part: Part, cache: &Cache) -> Option<PathBuf> {
    let given = std::env::var_os("CAPSTAN_KIT").filter(|dir| !dir.is_empty());
    let given = given.map(|dir| PathBuf::from(dir).join(part.program()));
    given
        .filter(|file| is_program(file))
        .or_else(|| find_on_path(part.program()).filter(|file| is_suitable(part, file)))
        .or_else(|| cache.find(part.program(), &recipe(part).stamp()))
}

/// Whether a program that happens to be on PATH may take the place of ours: it says that it has the
/// same minor version. One that cannot say may not, and Python's never may, for what it does depends
/// on every package around it.
fn is_suitable(part: Part, file: &Path) -> bool {
    let Recipe::Go(recipe) = recipe(part) else { return false };
    if recipe.version_args.is_empty() {
        return false;
    }
    let output = Command::new(file).args(recipe.version_args).stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.contains(&minor(recipe.version))
    })
}

/// `v1.36.3` as `1.36.`: what a version of the same minor has in it.
fn minor(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    format!("{major}.{minor}.")
}

/// Builds parts into the cache, one after the other: each build uses every core by itself.
fn build(missing: &[Part], cache: &Cache) -> Result<()> {
    tools::require(
        &missing.iter().flat_map(|part| recipe(*part).tools()).copied().collect::<Vec<_>>(),
    )?;
    let _lock = cache.lock()?;
    // Whoever held the lock may have built the same parts meanwhile.
    let missing: Vec<Part> =
        missing.iter().copied().filter(|part| find(*part, cache).is_none()).collect();
    let mut progress = Progress::new(missing.len(), cache.root());
    for part in missing {
        let recipe = recipe(part);
        // One Python environment holds several parts.
        if cache.find(part.program(), &recipe.stamp()).is_some() {
            progress.skip();
            continue;
        }
        progress.step(part.program(), recipe.version(), recipe.seconds());
        let built = match recipe {
            Recipe::Go(recipe) => go::build(part.program(), &recipe, cache, &progress),
            Recipe::Python(recipe) => python::build(&recipe, cache, &progress),
        };
        built.with_context(|| format!("cannot build {}", part.program()))?;
        progress.done();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn every_part_has_a_recipe_with_a_version() {
        let all = Part::ALL.into_iter().chain(Part::BENCH).chain(Part::FLUX_CONTROLLERS);
        for part in all {
            let recipe = recipe(part);
            assert!(!recipe.version().is_empty(), "{part:?}");
            assert!(recipe.stamp().contains(recipe.version()), "{part:?}");
        }
    }

    #[test]
    fn a_program_on_path_must_have_our_minor_version() {
        let dir = tempfile::tempdir().unwrap();
        let kubectl = dir.path().join("kubectl");
        let write = |version: &str| {
            std::fs::write(&kubectl, format!("#!/bin/sh\necho Client Version: {version}\n"))
                .unwrap();
            std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        write("v1.36.9");
        assert!(is_suitable(Part::Kubectl, &kubectl));
        write("v1.3.6");
        assert!(!is_suitable(Part::Kubectl, &kubectl));
        assert!(!is_suitable(Part::MotoServer, &kubectl));
    }

    #[test]
    fn a_part_that_was_not_asked_for_is_an_error() {
        let error = Parts { programs: BTreeMap::new() }.path(Part::Flux).unwrap_err();
        assert!(error.to_string().contains("without flux"), "{error}");
    }
}
