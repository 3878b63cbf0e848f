//! GitRepository.

mod remote;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use capstan_api::flux::GitRepositorySpec;
use capstan_git::FetchError;
use capstan_model::{Advice, Fault, FluxDuration, Retry, Revision};
use capstan_report::{Failure, SourceFailure, Verification};

use super::SourceKind;
use super::kind::{Asked, Fetched, FetchedTree, Kind, Restored, without_ignored};
use super::reconcile::duration;
use crate::kinds;
use crate::world::Place;

/// One bare repository a remote; a tree is read straight from its object database.
pub(super) struct Git;

type Asking<'a> = Asked<'a, GitRepositorySpec>;

impl Kind for Git {
    const KIND: SourceKind = SourceKind::GitRepository;
    type Spec = GitRepositorySpec;

    fn inputs(spec: &GitRepositorySpec, namespace: &str) -> Vec<Place> {
        let secret = spec.secret_ref.iter();
        secret.map(|secret| Place::new(kinds::secret(), namespace, &secret.name)).collect()
    }

    async fn fetch(asked: Asking<'_>) -> Result<Fetched, SourceFailure> {
        let capstan_git::Fetched { revision, tree } = fetch(&asked).await?;
        if asked.held == Some(revision.to_string()) {
            return Ok(Fetched::Held);
        }
        Ok(Fetched::Tree(FetchedTree {
            tree: without_ignored(tree, asked.spec.ignore.as_deref())?,
            packed: None,
            metadata: BTreeMap::new(),
            summary: format!("stored artifact for commit '{}'", revision.commit),
            verification: Verification::Unwanted,
            revision: revision.to_string(),
        }))
    }

    async fn restore(Asked { world, object, spec, .. }: Asking<'_>) -> Option<Restored> {
        let status = kinds::status(object);
        let revision = status.pointer("/artifact/revision")?.as_str()?.parse::<Revision>().ok()?;
        let remote = remote::remote(world, object, spec, Duration::ZERO).await.ok()?;
        let repositories = world.repositories.clone();
        let read = move || repositories.held(&remote, &revision);
        let held = tokio::task::spawn_blocking(read).await.ok()??;
        let tree = without_ignored(held.tree, spec.ignore.as_deref()).ok()?;
        Some(Restored { revision: held.revision.to_string(), tree })
    }
}

async fn fetch(asked: &Asking<'_>) -> Result<capstan_git::Fetched, Failure> {
    let Asked { world, object, spec, .. } = *asked;
    let timeout = spec.timeout.as_deref().map_or(Duration::from_secs(60), duration);
    let remote = remote::remote(world, object, spec, timeout).await?;
    let wanted = remote::wanted(spec.reference.as_ref())?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let (repositories, seen) = (world.repositories.clone(), Arc::clone(&interrupt));
    let url = remote.url.clone();
    let running = tokio::task::spawn_blocking(move || repositories.fetch(&remote, &wanted, &seen));
    match tokio::time::timeout(timeout, running).await {
        Ok(Ok(fetched)) => fetched.map_err(|error| failure(&error)),
        Ok(Err(panic)) => {
            let cause = format!("the fetch panicked: {panic}");
            Err(failure(&FetchError::Remote { url, cause }))
        }
        Err(_elapsed) => {
            interrupt.store(true, Ordering::Relaxed);
            Err(failure(&FetchError::Timeout { url, timeout: FluxDuration(timeout) }))
        }
    }
}

fn failure(error: &FetchError) -> Failure {
    let stalled = error.retry() == Retry::Never;
    Failure { reason: error.reason().to_owned(), message: Advice(error).to_string(), stalled }
}
