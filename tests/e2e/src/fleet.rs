//! The example fleet in the kit's Git server.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use capstan_kit::git::GitServer;

use crate::root;

/// The folders of examples/fleet, each a repository.
pub const REPOSITORIES: [&str; 3] =
    ["gitops-system", "gitops-workloads", "product-catalog-manifests"];

/// Pushes the example fleet, with the URLs of the server in place; gives the commit of gitops-system.
pub async fn push(git: &GitServer, scratch: &Path) -> Result<String> {
    let mut first = String::new();
    for name in REPOSITORIES.iter().rev() {
        let folder = scratch.join(name);
        copy(&root().join("examples/fleet").join(name), &folder, &git.url())?;
        first = git.repo(name).await?.push_dir("main", &folder, "the example fleet").await?;
    }
    Ok(first)
}

/// Text of a file of the example fleet, as it was pushed.
pub fn file(repository: &str, path: &str, git: &GitServer) -> Result<String> {
    let path = root().join("examples/fleet").join(repository).join(path);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.replace("GIT_URL_PREFIX", &git.url()))
}

/// Text of a file of the fleet's AWS provider, as the agent of a management cluster applies it.
pub fn provider(file: &str) -> Result<String> {
    let path = root().join("examples/fleet/gitops-system/tools-config/aws-provider").join(file);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.replace("${ACCOUNT_ID}", capstan_kit::aws::ACCOUNT))
}

fn copy(from: &Path, to: &Path, git_url: &str) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, git_url)?;
        } else {
            let text = fs::read_to_string(entry.path())?;
            fs::write(&target, text.replace("GIT_URL_PREFIX", git_url))?;
        }
    }
    Ok(())
}
