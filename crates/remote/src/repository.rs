use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capstan_build::Repository;
use capstan_git::{FetchError, GitTree, Remote, Repositories, Wanted};
use capstan_model::FluxDuration;

use crate::Policy;
use crate::error::Cause;
use crate::within::within;

/// Fetches one commit, without its history. Symbolic links lead on inside of it, as in kustomize's clones; submodules are
/// absent.
pub(crate) fn fetch(
    repositories: &Repositories,
    wanted: &Repository,
    policy: &Policy,
) -> Result<GitTree, Cause> {
    let is_web = |url: &str| {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_some_and(|scheme| scheme == "http" || scheme == "https")
    };
    if !is_web(&wanted.url) {
        let why = "remote bases come over https or http only";
        return Err(Cause::new(
            why,
            "write it as `https://<host>/<path>`; ssh needs a GitRepository",
        ));
    }
    let timeout = wanted.timeout.min(policy.timeout);
    let mut remote = Remote::new(&wanted.url, None, timeout);
    remote.bounds = policy.bounds();
    let (url, reference) = (remote.url.clone(), Wanted::parse(&wanted.reference));
    let interrupt = Arc::new(AtomicBool::new(false));
    let (repositories, stop) = (repositories.clone(), Arc::clone(&interrupt));
    match within(timeout, move || repositories.fetch(&remote, &reference, &stop)) {
        Some(fetched) => Ok(fetched?.tree.following_links()),
        None => {
            interrupt.store(true, Ordering::Relaxed);
            Err(FetchError::Timeout { url, timeout: FluxDuration(timeout) }.into())
        }
    }
}
