//! Cases in which our build once differed from kustomize's.

use std::path::Path;

#[test]
fn what_was_found_stays_fixed() {
    let file = Path::new("found/kustomize-found.jsonl");
    let report = capstan_conformance::run_file(file).expect("a suite");
    let failures: Vec<_> =
        report.failures.iter().map(|it| format!("{}: {}", it.name, it.why)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(report.passed > 0 && report.skipped == 0, "{report}");
}
