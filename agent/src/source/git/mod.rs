//! GitRepository.

mod auth;
mod fetch;
mod github;
mod include;
mod verify;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use capstan_api::flux::{GitRepositorySpec, GitRepositoryVerification};
use capstan_git::{FetchError, Remote};
use capstan_model::{Advice, Fault, Retry, Revision};
use capstan_report::{Failure, SourceFailure};
use capstan_tree::{Sparse, Tree};
use serde_json::{Value, json};

use super::SourceKind;
use super::connection::account;
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
        let verify = spec.verify.as_ref().map(|verify| &verify.secret_ref);
        let secrets = [spec.secret_ref.as_ref(), spec.proxy_secret_ref.as_ref(), verify];
        let secrets = secrets.into_iter().flatten();
        let secrets = secrets.map(|secret| Place::new(kinds::secret(), namespace, &secret.name));
        let included = spec.include.iter().map(|include| &include.repository.name);
        let included =
            included.map(|name| Place::new(SourceKind::GitRepository.gvk(), namespace, name));
        secrets.chain(included).chain(account(&spec.service_account_name, namespace)).collect()
    }

    fn observed(spec: &GitRepositorySpec) -> Value {
        let mode = spec.verify.as_ref().map(GitRepositoryVerification::mode);
        json!({
            "observedIgnore": spec.ignore,
            "observedInclude": (!spec.include.is_empty()).then_some(&spec.include),
            "observedRecurseSubmodules": recurses(spec).then_some(true),
            "observedSparseCheckout": spec.sparse_checkout,
            "sourceVerificationMode": mode,
        })
    }

    async fn fetch(asked: Asking<'_>) -> Result<Fetched, SourceFailure> {
        let remote = auth::remote(&asked, timeout(asked.spec)).await?;
        let included = include::available(&asked)?;
        let wanted = wanted::wanted(asked.spec.reference.as_ref());
        let fetch::Found { fetched, tree } = fetch::fetch(&asked, remote, wanted).await?;
        let revision = fetched.revision.to_string();
        if asked.held.as_ref() == Some(&revision) && include::are_held(&asked, &included) {
            return Ok(Fetched::Held);
        }
        let tree = sparse(tree, asked.spec)?;
        let verification = verify::verify(&asked, &fetched).await?;
        let tree = include::mounted(tree, &asked, &included, &revision)?;
        let artifacts: Vec<_> = included.iter().map(|included| &included.artifact).collect();
        Ok(Fetched::Tree(FetchedTree {
            tree: without_ignored(tree, asked.spec.ignore.as_deref())?,
            packed: None,
            metadata: BTreeMap::new(),
            summary: format!("stored artifact for commit '{}'", fetched.commit.subject()),
            verification,
            facts: json!({"includedArtifacts": (!artifacts.is_empty()).then_some(artifacts)}),
            revision,
        }))
    }

    async fn restore(asked: Asking<'_>) -> Option<Restored> {
        let status = kinds::status(asked.object);
        let revision = status.pointer("/artifact/revision")?.as_str()?.parse::<Revision>().ok()?;
        let included = include::available(&asked).ok()?;
        let remote = auth::remote(&asked, Duration::ZERO).await.ok()?;
        let repositories = asked.world.repositories.clone();
        let deep = recurses(asked.spec);
        let read = move || -> Option<Arc<dyn Tree>> {
            let held = repositories.held(&remote, &revision)?;
            if deep {
                repositories.held_with_submodules(&remote, &held)
            } else {
                Some(Arc::new(held.tree))
            }
        };
        let tree = tokio::task::spawn_blocking(read).await.ok()??;
        let revision = status.pointer("/artifact/revision")?.as_str()?.to_owned();
        let tree = sparse(tree, asked.spec).ok()?;
        let tree = include::mounted(tree, &asked, &included, &revision).ok()?;
        let tree = without_ignored(tree, asked.spec.ignore.as_deref()).ok()?;
        Some(Restored { revision, tree })
    }
}

fn timeout(spec: &GitRepositorySpec) -> Duration {
    spec.timeout.as_deref().map_or(Duration::from_secs(60), duration)
}

/// Are submodules part of the tree? A sparse checkout has none, as with go-git.
fn recurses(spec: &GitRepositorySpec) -> bool {
    spec.recurse_submodules == Some(true) && spec.sparse_checkout.as_ref().is_none_or(Vec::is_empty)
}

/// Only the directories of `spec.sparseCheckout`, which must be there.
fn sparse(tree: Arc<dyn Tree>, spec: &GitRepositorySpec) -> Result<Arc<dyn Tree>, Failure> {
    let Some(directories) = spec.sparse_checkout.as_ref().filter(|list| !list.is_empty()) else {
        return Ok(tree);
    };
    let tree = Sparse::new(tree, directories);
    match directories.iter().find(|directory| tree.kind(directory).is_none()) {
        Some(absent) => Err(Failure {
            reason: "GitOperationFailed".to_owned(),
            message: format!(
                "failed to sparse checkout directories: sparse checkout dir '{absent}' does not exist in repository; \
                 push it, or correct spec.sparseCheckout"
            ),
            stalled: false,
        }),
        None => Ok(Arc::new(tree)),
    }
}

fn failure(error: &FetchError) -> Failure {
    let stalled = error.retry() == Retry::Never;
    Failure { reason: error.reason().to_owned(), message: Advice(error).to_string(), stalled }
}

/// Is the repository asked over ssh?
fn is_ssh(remote: &Remote) -> bool {
    remote.url.starts_with("ssh://")
}
