//! Runs folders of recorded cases against the pure crates: one JSON object a line, one file a suite.
//!
//! What a suite is made of is known by the name of its file up to the first part that we know:
//! `kustomize-gen.jsonl` holds builds as `kustomize.jsonl` does. A case passes, fails with a reason, or
//! is skipped because its own data says that the reference changed its mind.

mod case;
mod cel;
mod compose;
mod envsubst;
mod flux;
mod gitignore;
mod health;
mod kustomize;
mod order;
mod report;
mod ssa;
mod units;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub use case::Verdict;
pub use report::{Failure, Report};

/// Judges one case.
type Judge = fn(&Value) -> Verdict;

/// The suites by the beginnings of their names; the longest that fits counts.
const SUITES: &[(&str, Judge)] = &[
    ("cel", cel::judge),
    ("envsubst", envsubst::judge),
    ("flux-build", flux::judge),
    ("flux-units", units::judge_flux),
    ("gitignore", gitignore::judge),
    ("kstatus", health::judge),
    ("kustomize", kustomize::judge),
    ("kustomize-units", units::judge),
    ("patch-transform", compose::judge),
    ("prune-order", order::judge),
    ("ssa", ssa::judge),
];

/// Runs every suite of a folder, in the order of their names.
///
/// # Errors
/// When the folder has no suites, or one that cannot be read.
pub fn run_folder(folder: &Path) -> Result<Vec<Report>> {
    let files = suites(folder)?;
    ensure!(!files.is_empty(), "{} has no .jsonl files", folder.display());
    files.iter().map(|file| run_file(file)).collect()
}

/// Runs one suite. All cases of a suite that nobody knows fail.
///
/// # Errors
/// When it cannot be read.
pub fn run_file(file: &Path) -> Result<Report> {
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let fits = SUITES.iter().filter(|(prefix, _)| name.starts_with(prefix));
    let judge = fits.max_by_key(|(prefix, _)| prefix.len()).map_or(unknown as Judge, |it| it.1);
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut report = Report::new(name);
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}:{}", file.display(), at + 1);
        let case: Value = serde_json::from_str(line).with_context(place)?;
        report.add(&case, case::judged(judge, &case));
    }
    Ok(report)
}

fn unknown(_: &Value) -> Verdict {
    let known: Vec<_> = SUITES.iter().map(|(prefix, _)| *prefix).collect();
    Verdict::Failed(format!("nobody runs this suite: names begin with one of {}", known.join(", ")))
}

/// The case files of a folder, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn suites(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    paths.sort();
    Ok(paths)
}
