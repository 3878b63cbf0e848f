//! Tools of the machine that the kit calls, and where they come from.

use anyhow::{Result, bail};

use crate::process::find_on_path;

/// Needed even when nothing is built.
pub(super) const ALWAYS: [&str; 2] = ["git", "setpriv"];

/// Fails with one message that names every missing tool and the packages that hold it.
pub(super) fn require(tools: &[&str]) -> Result<()> {
    let mut missing: Vec<&str> =
        tools.iter().copied().filter(|tool| find_on_path(tool).is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        missing.iter().map(|tool| format!("  {tool}: {}", packages(tool))).collect();
    bail!(
        "the test kit needs programs that are not on PATH:\n{}\n\
         Install them, or put ready-made parts into a folder and name it in CAPSTAN_KIT.",
        lines.join("\n")
    )
}

/// Where a tool is had.
fn packages(tool: &str) -> &'static str {
    match tool {
        "go" => "Go 1.26 or later (Debian: golang-go; older releases of Debian: from backports)",
        "python3" => "Python 3.10 or later with venv and pip (Debian: python3 python3-venv)",
        "git" => "git with its http-backend (Debian: git)",
        "setpriv" => "util-linux (Debian: util-linux)",
        _ => "look for a package of that name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_missing_tool_once() {
        let error = require(&["no-such-tool", "sh", "no-such-tool", "nor-this"]).unwrap_err();
        let text = error.to_string();
        assert_eq!(text.matches("no-such-tool:").count(), 1, "{text}");
        assert!(text.contains("nor-this:") && !text.contains(" sh:"), "{text}");
    }
}
