//! Data that lies beside the checkout and is not part of it.
#![expect(clippy::print_stdout, reason = "a test says that it was skipped")]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::root;

/// A folder of the shared data; `None`, and a line that says so, when the data is not there.
///
/// `CAPSTAN_SHARED` names the data, else it is looked for beside the checkout.
pub fn folder(path: &str, what: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("CAPSTAN_SHARED").map(PathBuf::from);
    let folder = shared.unwrap_or_else(|| root().join("../shared")).join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED {what}");
    None
}

/// The files below a folder: their paths in it, and their texts with each pair replaced.
pub fn texts(folder: &Path, replace: &[(&str, &str)]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    for (_, text) in &mut found {
        for (from, to) in replace {
            *text = text.replace(from, to);
        }
    }
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.push((path, std::fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}
