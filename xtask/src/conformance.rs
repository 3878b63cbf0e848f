use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use capstan_conformance::{Report, run_folder};

/// Runs every suite of a folder of recorded cases, and fails when a case does.
pub(crate) fn run(cases: Option<&Path>, json: bool) -> Result<()> {
    let folder = cases.map_or_else(default_folder, Path::to_owned);
    // A case that panics fails, and says why with the others.
    std::panic::set_hook(Box::new(|_| {}));
    let reports = run_folder(&folder).with_context(|| folder.display().to_string())?;
    for report in &reports {
        tell(report, json)?;
    }
    let failed: usize = reports.iter().map(|report| report.failed).sum();
    ensure!(failed == 0, "{failed} cases failed");
    Ok(())
}

fn default_folder() -> PathBuf {
    let shared = std::env::var_os("CAPSTAN_SHARED").map(PathBuf::from);
    shared.unwrap_or_else(|| crate::cargo::root().join("../shared")).join("conformance")
}

fn tell(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("{report}");
    for failure in &report.failures {
        println!("  {}", failure.name);
        for line in failure.why.lines() {
            println!("      {line}");
        }
    }
    Ok(())
}
