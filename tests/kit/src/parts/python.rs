//! Installing programs of Python packages into an environment of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::cache::Cache;
use super::go::run_build;
use super::progress::Progress;
use super::recipe::{PythonRecipe, Recipe};
use crate::process::ProcessSpec;

/// Installs the environment, then puts a starter for each of its programs into the cache.
///
/// An environment cannot be moved once it is made, so it is made in its place under a name of its
/// own; what makes it count are the starters and stamps that come last.
pub(super) fn build(recipe: &PythonRecipe, cache: &Cache, progress: &Progress) -> Result<()> {
    let stamp = Recipe::Python(*recipe).stamp();
    let digest = stamp.rsplit(' ').next().unwrap_or(&stamp);
    let home = cache.root().join(format!("python-{digest}"));
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("cannot clear {}", home.display()))?;
    }
    install(recipe, &home, cache, progress)?;
    let scratch = cache.scratch()?;
    for (name, program) in recipe.programs {
        let starter = scratch.path().join(name);
        write_starter(&starter, &home.join("bin").join(program))?;
        cache.publish(&starter, name, &stamp)?;
    }
    Ok(())
}

/// A script, not a link: Python finds its environment by the path that it is called by.
fn write_starter(file: &Path, program: &Path) -> Result<()> {
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", program.display());
    fs::write(file, script).with_context(|| format!("cannot write {}", file.display()))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).context("cannot set a mode")
}

fn install(recipe: &PythonRecipe, home: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = cache.log("python");
    let venv = ProcessSpec::new("python3", &log).args(["-m", "venv"]).arg(home);
    run_build(&venv, &log, progress)
        .context("python3 cannot make an environment (Debian: install python3-venv)")?;
    let scratch = cache.scratch()?;
    let requirements = scratch.path().join("requirements.txt");
    fs::write(&requirements, recipe.requirements).context("cannot write the requirements")?;
    let pip = ProcessSpec::new(home.join("bin/python"), &log)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(requirements);
    run_build(&pip, &log, progress)
}
