//! Building programs of Go modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::cache::Cache;
use super::progress::{Progress, TICK};
use super::recipe::{GoRecipe, Place, Recipe};
use crate::process::{Process, ProcessSpec, tail};

/// Builds one program and publishes it in the cache.
pub(super) fn build(
    program: &str,
    recipe: &GoRecipe,
    cache: &Cache,
    progress: &Progress,
) -> Result<()> {
    let scratch = cache.scratch()?;
    let module = scratch.path().join("module");
    write_module(&module, recipe)?;
    let source = match recipe.place {
        Place::OurModule => module,
        Place::Copy { module: path, added } => {
            let source = scratch.path().join("source");
            copy_module(&module, &format!("{path}@{}", recipe.version), &source)?;
            add_placeholders(&source, added)?;
            source
        }
    };
    let built = scratch.path().join(program);
    let spec = go_build(recipe, &source, &built, &cache.log(program));
    run_build(&spec, &cache.log(program), progress)?;
    cache.publish(&built, program, &Recipe::Go(*recipe).stamp())
}

/// Runs a build to its end, saying now and then that it still runs.
pub(super) fn run_build(spec: &ProcessSpec, log: &Path, progress: &Progress) -> Result<()> {
    let process = Process::spawn(spec)?;
    let exit = loop {
        match process.wait_blocking(TICK) {
            Some(exit) => break exit,
            None => progress.tick(),
        }
    };
    if !exit.success() {
        bail!("the build failed; the end of {}:\n{}", log.display(), tail(log, 15));
    }
    Ok(())
}

fn go_build(recipe: &GoRecipe, source: &Path, built: &Path, log: &Path) -> ProcessSpec {
    let mut flags = String::from("-s -w");
    if let Some((variable, version)) = recipe.version_variable {
        flags.push_str(&format!(" -X {variable}={version}"));
    }
    ProcessSpec::new("go", log)
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"])
        .arg(built)
        .arg(recipe.package)
        .env("CGO_ENABLED", "0")
        // Our module decides, not a workspace that happens to be around.
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly")
        .cwd(source)
}

fn write_module(dir: &Path, recipe: &GoRecipe) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    fs::write(dir.join("go.mod"), recipe.go_mod).context("cannot write go.mod")?;
    fs::write(dir.join("go.sum"), recipe.go_sum).context("cannot write go.sum")?;
    for (name, content) in recipe.sources {
        fs::write(dir.join(name), content).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// Copies a module out of the module cache, which is read-only. Its digest was checked against our
/// go.sum on the way into that cache.
fn copy_module(ours: &Path, module: &str, to: &Path) -> Result<()> {
    let from = downloaded(ours, module)?;
    copy_tree(&from, to).with_context(|| format!("cannot copy {}", from.display()))
}

/// The folder of a module in the module cache, fetched if it is not there.
fn downloaded(ours: &Path, module: &str) -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .current_dir(ours)
        .env("GOWORK", "off")
        .env_remove("GOFLAGS")
        .stdin(Stdio::null())
        .output()
        .context("cannot start go")?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    match answer["Dir"].as_str() {
        Some(dir) => Ok(PathBuf::from(dir)),
        None => bail!("cannot fetch {module}: {}", answer["Error"].as_str().unwrap_or("no reason")),
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            // Not fs::copy: that would copy the read-only mode too.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn add_placeholders(source: &Path, added: &[&str]) -> Result<()> {
    for file in added {
        let file = source.join(file);
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
