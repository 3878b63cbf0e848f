//! Which crate may depend on which: arrows point down.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

/// A crate of ours, its layer, and the crates of ours that it may use. A crate uses only what stands above it here.
const LAYERS: &[(&str, &[&str])] = &[
    // Pure: values in, values out.
    ("model", &[]),
    ("api", &[]),
    ("yaml", &["model"]),
    ("tree", &["model"]),
    ("health", &["model"]),
    ("report", &["model"]),
    ("ssa", &["model", "yaml"]),
    ("plan", &["model", "ssa"]),
    ("audit", &["model", "plan"]),
    ("subst", &["model", "yaml"]),
    ("build", &["model", "yaml", "tree"]),
    ("sops", &["model", "yaml", "tree", "build"]),
    ("compose", &["model"]),
    ("generate", &["api", "yaml", "tree"]),
    ("receive", &["model", "api", "health"]),
    // Effects: each sees one part of the outside.
    ("runtime", &["model"]),
    ("git", &["model", "tree"]),
    ("store", &["model", "tree"]),
    ("remote", &["model", "tree", "build", "git"]),
    ("http", &["model"]),
    ("oci", &["model", "http"]),
    ("bucket", &["model", "http"]),
    ("cluster", &["model"]),
    ("cloud", &["model", "http"]),
    ("apply", &["model", "ssa", "plan", "cluster"]),
    ("provision", &["model", "api", "runtime", "cluster", "cloud"]),
    ("kinds", &["model", "api", "cluster", "cloud", "provision"]),
];

/// Pure crates must not see these.
const EFFECTS: &[&str] =
    &["tokio", "tracing", "kube", "kube-client", "gix", "axum", "reqwest", "hyper", "rand"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let used = |package: Package| {
        let normal = package.dependencies.into_iter().filter(|used| used.kind.is_none());
        (package.name, normal.map(|used| used.name).collect())
    };
    metadata.packages.into_iter().map(used).collect()
}

#[test]
fn crates_use_only_what_stands_below_them() {
    let all = dependencies();
    let allowed: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (package, used) in &all {
        let Some(name) = package.strip_prefix("capstan-") else { continue };
        let ours = used.iter().filter_map(|used| used.strip_prefix("capstan-"));
        match (allowed.get(name), name) {
            (Some(allowed), _) => {
                wrong.extend(
                    ours.filter(|u| !allowed.contains(u)).map(|u| format!("{name} -> {u}")),
                );
            }
            // Binaries and tests may use every crate, but not each other.
            (None, "agent" | "hub" | "cli") => wrong.extend(
                ours.filter(|u| !allowed.contains_key(u)).map(|u| format!("{name} -> {u}")),
            ),
            (None, "conformance" | "kit" | "fuzz" | "e2e" | "bench" | "gitops-bench" | "sim") => {}
            (None, other) => wrong.push(format!("{other} is in no layer")),
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point down: {wrong:?}");
}

#[test]
fn a_crate_is_listed_after_what_it_uses() {
    for (index, (name, used)) in LAYERS.iter().enumerate() {
        for used in *used {
            let at = LAYERS.iter().position(|(name, _)| name == used);
            assert!(at.is_some_and(|at| at < index), "{name} is listed before {used}");
        }
    }
}

#[test]
fn pure_crates_see_no_effects() {
    let all = dependencies();
    let pure = [
        "model", "api", "yaml", "tree", "health", "report", "ssa", "plan", "audit", "subst",
        "build", "sops", "compose", "generate", "receive",
    ];
    for name in pure {
        let used = &all[&format!("capstan-{name}")];
        let seen: Vec<_> = EFFECTS.iter().filter(|effect| used.contains(**effect)).collect();
        assert!(seen.is_empty(), "{name} sees {seen:?}");
    }
}

#[test]
fn each_outside_library_has_one_door() {
    let all = dependencies();
    let doors: &[(&str, &[&str])] = &[
        ("gix", &["capstan-git"]),
        ("aws-sdk-", &["capstan-cloud"]),
        ("cel-core", &["capstan-health"]),
        ("age", &["capstan-sops"]),
        ("prometheus-client", &["capstan-runtime"]),
        ("opentelemetry", &["capstan-runtime"]),
        (
            "kube",
            &[
                "capstan-cluster",
                "capstan-provision",
                "capstan-kinds",
                "capstan-agent",
                "capstan-hub",
                "capstan-cli",
                "capstan-kit",
                "capstan-e2e",
                "capstan-sim",
            ],
        ),
    ];
    for (library, doors) in doors {
        for (package, used) in &all {
            // A name that ends in a dash stands for a family.
            let is_it = |used: &String| {
                used == library || (library.ends_with('-') && used.starts_with(library))
            };
            let uses = used.iter().any(is_it);
            assert!(!uses || doors.contains(&&**package), "{package} uses {library}");
        }
    }
}
