use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capstan_git::{FetchError, Remote, Wanted};
use capstan_model::FluxDuration;
use capstan_report::Failure;
use capstan_tree::Tree;

use super::{Asking, failure, recurses, timeout};

/// What a fetch brought.
pub(super) struct Found {
    pub(super) fetched: capstan_git::Fetched,
    /// The files, with those of submodules where they are wanted.
    pub(super) tree: Arc<dyn Tree>,
}

/// Fetches a revision and its submodules, within `spec.timeout`.
pub(super) async fn fetch(
    asked: &Asking<'_>,
    remote: Remote,
    wanted: Wanted,
) -> Result<Found, Failure> {
    let (repositories, deep) = (asked.world.repositories.clone(), recurses(asked.spec));
    let interrupt = Arc::new(AtomicBool::new(false));
    let (seen, url) = (Arc::clone(&interrupt), remote.url.clone());
    let running = tokio::task::spawn_blocking(move || {
        let fetched = repositories.fetch(&remote, &wanted, &seen)?;
        let tree: Arc<dyn Tree> = if deep {
            repositories.with_submodules(&remote, &fetched, &seen)?
        } else {
            Arc::new(fetched.tree.clone())
        };
        Ok(Found { fetched, tree })
    });
    let timeout = timeout(asked.spec);
    match tokio::time::timeout(timeout, running).await {
        Ok(Ok(found)) => found.map_err(|error| failure(&error)),
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
