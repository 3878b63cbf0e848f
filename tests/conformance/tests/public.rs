//! The recorded cases that lie beside the checkout.
#![expect(clippy::print_stdout, reason = "says what was skipped, and what failed")]

use std::path::PathBuf;

use capstan_conformance::{run_file, suites};

#[test]
fn every_suite_passes_whole() {
    let shared = std::env::var_os("CAPSTAN_SHARED").map(PathBuf::from);
    let beside = || PathBuf::from("../../../shared");
    let folder = shared.unwrap_or_else(beside).join("conformance");
    if !folder.is_dir() {
        println!("SKIPPED recorded cases");
        return;
    }
    let mut failed = 0;
    for file in suites(&folder).expect("a folder of suites") {
        let report = run_file(&file).expect("a suite");
        println!("{report}");
        for failure in &report.failures {
            println!("{}: {}", failure.name, failure.why);
        }
        failed += report.failed;
    }
    assert_eq!(failed, 0, "some cases fail");
}
