use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// Skips that are expected, a line each.
const ALLOWED_SKIPS: &str = "tests/allowed-skips";

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    skips: BTreeSet<String>,
}

/// Gets the parts of the kit, builds everything, runs every test, and closes with a line that counts them.
///
/// A test that cannot run for want of data prints `SKIPPED <what>`; a skip that tests/allowed-skips does not list fails
/// the run in CI. A test that takes minutes is marked as ignored, and runs with `long`.
pub(crate) fn run(long: bool) -> Result<()> {
    crate::kit::build_parts()?;
    let programs = cargo::build_programs()?;
    let mut counts = Counts::default();
    // One call for the whole workspace: any other choice of packages would choose other features and build everything again.
    let mut command = cargo::command();
    command.args(["test", "--workspace", "--no-fail-fast", "--", "--show-output"]);
    if long {
        command.arg("--include-ignored");
    }
    command.env("CAPSTAN_BIN", &programs);
    let good = watch(command, &mut counts)?;
    let allowed = allowed_skips()?;
    let unexpected: Vec<_> = counts.skips.difference(&allowed).collect();
    for skip in &counts.skips {
        println!("skipped: {skip}");
    }
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skips.len());
    ensure!(good && counts.failed == 0, "some tests failed");
    let in_ci = std::env::var_os("CI").is_some();
    ensure!(!in_ci || unexpected.is_empty(), "unexpected skips: {unexpected:?}");
    Ok(())
}

fn allowed_skips() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(cargo::root().join(ALLOWED_SKIPS)).context(ALLOWED_SKIPS)?;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// Runs cargo test, passes its output on, and counts.
fn watch(mut command: Command, counts: &mut Counts) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("failed to run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut noisy = false;
    for line in BufReader::new(output).lines() {
        let line = line.context("cargo test printed something unreadable")?;
        if let Some(what) = line.trim().strip_prefix("SKIPPED ") {
            counts.skips.insert(what.to_owned());
        }
        if let Some(result) = line.strip_prefix("test result: ") {
            count(result, counts);
        }
        // The output of tests that passed is read for skips and not shown.
        match line.as_str() {
            "successes:" => noisy = true,
            "failures:" => noisy = false,
            _ if line.starts_with("test result: ") => noisy = false,
            _ => {}
        }
        if !noisy {
            println!("{line}");
        }
    }
    Ok(child.wait()?.success())
}

fn count(result: &str, counts: &mut Counts) {
    let number = |word: &str| {
        let part = result.split(';').find(|part| part.trim_end().ends_with(word))?;
        part.split_whitespace().rev().nth(1)?.parse::<u64>().ok()
    };
    counts.passed += number("passed").unwrap_or_default();
    counts.failed += number("failed").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::{Counts, count};

    #[test]
    fn counts_what_cargo_says() {
        let mut counts = Counts::default();
        count("ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", &mut counts);
        count("FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", &mut counts);
        assert_eq!((counts.passed, counts.failed), (15, 2));
    }
}
