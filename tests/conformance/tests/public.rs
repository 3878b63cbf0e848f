//! The recorded cases that lie beside the checkout.
#![expect(clippy::print_stdout, reason = "says what was skipped, and what failed")]

use std::path::{Path, PathBuf};

use capstan_conformance::run_file;

/// Suites that pass whole.
const WHOLE: [&str; 14] = [
    "cel",
    "envsubst",
    "envsubst-gen",
    "flux-build",
    "flux-build-gen",
    "flux-units",
    "gitignore",
    "gitignore-gen",
    "kstatus",
    "kstatus-gen",
    "kustomize-filters",
    "kustomize-trees",
    "kustomize-units",
    "patch-transform",
    "prune-order",
    "ssa",
];

#[test]
fn suites_that_pass_stay_so() {
    let shared = std::env::var_os("CAPSTAN_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = shared.unwrap_or_else(beside).join("conformance");
    if !folder.is_dir() {
        println!("SKIPPED recorded cases");
        return;
    }
    let mut failed = 0;
    for suite in WHOLE {
        let report = run_file(&folder.join(suite).with_extension("jsonl")).expect("a suite");
        println!("{report}");
        for failure in &report.failures {
            println!("{}: {}", failure.name, failure.why);
        }
        failed += report.failed;
    }
    assert_eq!(failed, 0, "cases that passed before fail now");
}
