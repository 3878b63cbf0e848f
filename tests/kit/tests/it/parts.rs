//! The programs of the kit, and that nothing of them is left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use capstan_kit::process::{Process, ProcessSpec};
use capstan_kit::{Part, Parts, wait_until};
use tokio::process::Command;

const LIMIT: Duration = Duration::from_secs(30);
/// Names the file in which a helper process leaves the id of its child.
const HELPER: &str = "CAPSTAN_KIT_TEST_HELPER";

async fn says(program: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output().await?;
    ensure!(output.status.success(), "{}: {output:?}", program.display());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn every_part_is_there_and_is_not_built_twice() -> Result<()> {
    Parts::get(&Part::ALL).await?;
    let again = Instant::now();
    let parts = Parts::get(&Part::ALL).await?;
    assert!(again.elapsed() < LIMIT, "{:?}", again.elapsed());

    let flux = says(parts.path(Part::Flux)?, &["--version"]).await?;
    assert!(flux.contains("2.9."), "{flux}");
    let kustomize = says(parts.path(Part::Kustomize)?, &["version"]).await?;
    assert!(kustomize.contains("v5.8."), "{kustomize}");
    let kubectl = says(parts.path(Part::Kubectl)?, &["version", "--client"]).await?;
    assert!(kubectl.contains("v1.36."), "{kubectl}");
    let python = says(parts.path(Part::Python)?, &["-c", "import botocore, moto; print('both')"]);
    assert_eq!(python.await?.trim(), "both");
    Ok(())
}

/// Runs only as the helper of the next test: starts a child and waits to be killed.
#[test]
fn helper_that_is_killed() {
    let Some(file) = std::env::var_os(HELPER).map(PathBuf::from) else { return };
    let spec = ProcessSpec::new("sleep", file.with_extension("log")).arg("1000");
    let child = Process::spawn(&spec).unwrap();
    fs::write(file.with_extension("new"), child.id().to_string()).unwrap();
    fs::rename(file.with_extension("new"), &file).unwrap();
    child.wait_blocking(LIMIT);
}

#[tokio::test]
async fn children_die_with_a_process_that_is_killed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("pid");
    let mut helper = Command::new(std::env::current_exe()?)
        .args(["--exact", "parts::helper_that_is_killed"])
        .env(HELPER, &file)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let pid = wait_until("the helper's child", LIMIT, || async {
        fs::read_to_string(&file).context("no child yet")
    })
    .await?;
    // It is `setpriv` until the kernel has put `sleep` in its place.
    let name = PathBuf::from(format!("/proc/{pid}/comm"));
    wait_until("the child's program", LIMIT, || async {
        let name = fs::read_to_string(&name)?;
        ensure!(name.trim() == "sleep", "{name}");
        Ok(())
    })
    .await?;
    helper.kill().await?;
    wait_until("the child's end", LIMIT, || async {
        let left = fs::read_to_string(&name).is_ok_and(|name| name.trim() == "sleep");
        ensure!(!left, "it still runs");
        Ok(())
    })
    .await
}
