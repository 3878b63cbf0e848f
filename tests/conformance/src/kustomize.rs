//! Whole builds: files in, YAML out, or the error.

use capstan_build::{Options, render};
use serde_json::Value;

use crate::case::{Verdict, expects_error, is_expected_error, text, tree};

/// Where the tree stands in for the absolute folder of a case.
const ROOT: &str = "/__ROOT__";

pub(crate) fn judge(case: &Value) -> Verdict {
    // The target is 5.8.1; what it does not do any more is nobody's model.
    let any_error = match text(case, "v5.8.1") {
        "agree" => false,
        "error-text-differs" => true,
        _ => return Verdict::Skipped,
    };
    let tree = tree(case, ROOT);
    match render(&tree, text(case, "path"), options(case)) {
        Ok(_) if expects_error(case) => {
            Verdict::Failed(format!("built, and should say {:?}", text(case, "error")))
        }
        Ok(ours) => same_text(&ours, text(case, "expected")),
        Err(_) if any_error && expects_error(case) => Verdict::Passed,
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

/// How the case runs the program.
fn options(case: &Value) -> Options {
    let option = |name: &str| case["options"][name].as_str().unwrap_or_default();
    Options {
        restricts: option("loadRestrictions") != "none",
        legacy_order: option("reorder") == "legacy",
        ..Options::KUSTOMIZE
    }
}

/// The same YAML to the byte, but for blank lines at both ends, which tests are free with.
pub(crate) fn same_text(ours: &str, expected: &str) -> Verdict {
    Verdict::of(ours.trim() == expected.trim(), || {
        let line = ours.trim().lines().zip(expected.trim().lines()).position(|(a, b)| a != b);
        let at = line
            .unwrap_or_else(|| ours.trim().lines().count().min(expected.trim().lines().count()));
        let shown = |text: &str| {
            let lines: Vec<&str> = text.trim().lines().skip(at.saturating_sub(2)).take(8).collect();
            lines.join("\n")
        };
        format!("from line {}:\n{}\n--- expected\n{}", at + 1, shown(ours), shown(expected))
    })
}
