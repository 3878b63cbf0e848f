//! How each part is had: module, version, flags.

use sha2::{Digest as _, Sha256};

use super::Part;

/// How a part is built.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    Go(GoRecipe),
    Python(PythonRecipe),
}

/// A program of a Go module.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoRecipe {
    /// The committed go.mod and go.sum.
    pub(super) go_mod: &'static str,
    pub(super) go_sum: &'static str,
    /// Files of the module that are ours: name and content.
    pub(super) sources: &'static [(&'static str, &'static str)],
    /// The package with the program.
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// Makes the program say its version.
    pub(super) version_args: &'static [&'static str],
    /// Set with `-X` in the linked program, so that it knows its version.
    pub(super) version_variable: Option<(&'static str, &'static str)>,
    /// Where the package is built.
    pub(super) place: Place,
    /// Measured on two cores with empty caches.
    pub(super) seconds: u32,
}

/// Where a Go package is built.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// In a module of ours that requires it.
    OurModule,
    /// In a copy of its own module, with files added that the published module lacks.
    Copy { module: &'static str, added: &'static [&'static str] },
}

/// Programs of a Python environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct PythonRecipe {
    pub(super) requirements: &'static str,
    /// Name in the kit, and the program in the environment.
    pub(super) programs: &'static [(&'static str, &'static str)],
    pub(super) version: &'static str,
    pub(super) seconds: u32,
}

const KUBERNETES: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/kubernetes/go.mod"),
    go_sum: include_str!("../../parts/kubernetes/go.sum"),
    sources: &[],
    package: "",
    version: "v1.36.3",
    version_args: &["--version"],
    version_variable: Some(("k8s.io/component-base/version.gitVersion", "v1.36.3")),
    place: Place::OurModule,
    seconds: 0,
};

const ETCD: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/etcd/go.mod"),
    go_sum: include_str!("../../parts/etcd/go.sum"),
    sources: &[],
    package: "go.etcd.io/etcd/server/v3",
    version: "v3.7.3",
    version_args: &["--version"],
    version_variable: None,
    place: Place::OurModule,
    seconds: 21,
};

const KUSTOMIZE: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/kustomize/go.mod"),
    go_sum: include_str!("../../parts/kustomize/go.sum"),
    sources: &[],
    package: "sigs.k8s.io/kustomize/kustomize/v5",
    version: "v5.8.1",
    version_args: &["version"],
    version_variable: Some(("sigs.k8s.io/kustomize/api/provenance.version", "v5.8.1")),
    place: Place::OurModule,
    seconds: 14,
};

const KUSTOMIZE_SERVE: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/kustomize-serve/go.mod"),
    go_sum: include_str!("../../parts/kustomize-serve/go.sum"),
    sources: &[("main.go", include_str!("../../parts/kustomize-serve/main.go"))],
    package: ".",
    version_args: &[],
    seconds: 10,
    ..KUSTOMIZE
};

const BENCH: (&str, &str) = ("bench.go", include_str!("../../parts/kustomize-bench/bench.go"));

const KUSTOMIZE_BENCH: GoRecipe = GoRecipe {
    sources: &[BENCH, ("main.go", include_str!("../../parts/kustomize-bench/main.go"))],
    package: ".",
    version_args: &[],
    version_variable: None,
    seconds: 10,
    ..KUSTOMIZE
};

const FLUX_BENCH: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/flux-bench/go.mod"),
    go_sum: include_str!("../../parts/flux-bench/go.sum"),
    sources: &[BENCH, ("main.go", include_str!("../../parts/flux-bench/main.go"))],
    package: ".",
    version: "v2.9.5",
    version_args: &[],
    version_variable: None,
    place: Place::OurModule,
    seconds: 40,
};

const FLUX: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/flux/go.mod"),
    go_sum: include_str!("../../parts/flux/go.sum"),
    sources: &[],
    package: "./cmd/flux",
    version: "v2.9.5",
    version_args: &["--version"],
    version_variable: Some(("main.VERSION", "2.9.5")),
    // The program embeds manifests that a release generates; the kit never installs Flux with them.
    place: Place::Copy {
        module: "github.com/fluxcd/flux2/v2",
        added: &["cmd/flux/manifests/none.yaml"],
    },
    seconds: 133,
};

// Neither controller has a flag that says its version.
const SOURCE_CONTROLLER: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/source-controller/go.mod"),
    go_sum: include_str!("../../parts/source-controller/go.sum"),
    sources: &[],
    package: "github.com/fluxcd/source-controller",
    version: "v1.9.6",
    version_args: &[],
    version_variable: None,
    place: Place::OurModule,
    seconds: 131,
};

const KUSTOMIZE_CONTROLLER: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/kustomize-controller/go.mod"),
    go_sum: include_str!("../../parts/kustomize-controller/go.sum"),
    package: "github.com/fluxcd/kustomize-controller",
    version: "v1.9.5",
    seconds: 120,
    ..SOURCE_CONTROLLER
};

const REGISTRY: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/registry/go.mod"),
    go_sum: include_str!("../../parts/registry/go.sum"),
    sources: &[("main.go", include_str!("../../parts/registry/main.go"))],
    package: ".",
    version: "v0.21.6",
    version_args: &[],
    version_variable: None,
    place: Place::OurModule,
    seconds: 10,
};

const HELM: GoRecipe = GoRecipe {
    go_mod: include_str!("../../parts/helm/go.mod"),
    go_sum: include_str!("../../parts/helm/go.sum"),
    sources: &[],
    package: "helm.sh/helm/v4/cmd/helm",
    version: "v4.3.1",
    version_args: &["version"],
    version_variable: Some(("helm.sh/helm/v4/internal/version.version", "v4.3.1")),
    place: Place::OurModule,
    seconds: 102,
};

const PYTHON: PythonRecipe = PythonRecipe {
    requirements: include_str!("../../parts/requirements.txt"),
    programs: &[("moto_server", "moto_server"), ("aws", "aws"), ("capstan-kit-python", "python")],
    version: "moto 5.2.5",
    seconds: 80,
};

/// The recipe of a part.
pub(super) fn recipe(part: Part) -> Recipe {
    let kubernetes = |package, seconds| GoRecipe { package, seconds, ..KUBERNETES };
    match part {
        Part::Etcd => Recipe::Go(ETCD),
        Part::KubeApiserver => Recipe::Go(kubernetes("k8s.io/kubernetes/cmd/kube-apiserver", 188)),
        Part::KubeControllerManager => {
            Recipe::Go(kubernetes("k8s.io/kubernetes/cmd/kube-controller-manager", 52))
        }
        Part::Kubectl => Recipe::Go(GoRecipe {
            version_args: &["version", "--client"],
            ..kubernetes("k8s.io/kubernetes/cmd/kubectl", 18)
        }),
        Part::Flux => Recipe::Go(FLUX),
        Part::SourceController => Recipe::Go(SOURCE_CONTROLLER),
        Part::KustomizeController => Recipe::Go(KUSTOMIZE_CONTROLLER),
        Part::Kustomize => Recipe::Go(KUSTOMIZE),
        Part::KustomizeServe => Recipe::Go(KUSTOMIZE_SERVE),
        Part::KustomizeBench => Recipe::Go(KUSTOMIZE_BENCH),
        Part::FluxBench => Recipe::Go(FLUX_BENCH),
        Part::Registry => Recipe::Go(REGISTRY),
        Part::Helm => Recipe::Go(HELM),
        Part::MotoServer | Part::AwsCli | Part::Python => Recipe::Python(PYTHON),
    }
}

impl Recipe {
    pub(super) fn version(&self) -> &'static str {
        match self {
            Self::Go(go) => go.version,
            Self::Python(python) => python.version,
        }
    }

    pub(super) fn seconds(&self) -> u32 {
        match self {
            Self::Go(go) => go.seconds,
            Self::Python(python) => python.seconds,
        }
    }

    /// The tools that the build calls.
    pub(super) fn tools(&self) -> &'static [&'static str] {
        match self {
            Self::Go(_) => &["go"],
            Self::Python(_) => &["python3"],
        }
    }

    /// What the cache remembers beside the program: a part with another stamp is built again.
    pub(super) fn stamp(&self) -> String {
        match self {
            Self::Go(go) => {
                let ours = go.sources.iter().flat_map(|(name, content)| [*name, *content]);
                let inputs = [go.package, go.go_mod, go.go_sum].into_iter().chain(ours);
                stamp(go.version, inputs)
            }
            Self::Python(python) => stamp(python.version, [python.requirements]),
        }
    }
}

/// A version, and a digest of everything else that decides what is built.
fn stamp<'a>(version: &str, inputs: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for input in inputs {
        digest.update(input.as_bytes());
        digest.update([0]);
    }
    format!("{version} {}", hex::encode(&digest.finalize()[..8]))
}
