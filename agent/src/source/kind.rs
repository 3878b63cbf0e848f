use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_model::{Chain, Manifest};
use capstan_report::{Failure, SourceFailure, Verification};
use capstan_tree::{Ignore, Tree, filtered};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{SourceKind, artifact};
use crate::kinds;
use crate::world::{Place, World};

/// What one kind of source adds to what all have in common: where its tree and its revision come from.
pub(super) trait Kind: 'static {
    /// Which one it is.
    const KIND: SourceKind;
    /// Its spec.
    type Spec: DeserializeOwned + Send + Sync;

    /// What is read for a fetch: a change of it wakes the source.
    fn inputs(spec: &Self::Spec, namespace: &str) -> Vec<Place>;

    /// The status fields that say what of the spec the artifact was made with; null for those that are absent.
    fn observed(spec: &Self::Spec) -> Value {
        let _ = spec;
        json!({})
    }

    /// The artifact's file for a revision, without `.tar.gz`: a commit, or a digest without its algorithm.
    fn file(revision: &str) -> &str {
        revision.rsplit([':', '@', '/']).next().unwrap_or(revision)
    }

    /// What the conditions say of a stored revision, in source-controller's words.
    fn stored(revision: &str) -> String {
        format!("stored artifact for revision '{revision}'")
    }

    /// Looks for the newest revision, and gets it.
    fn fetch(
        asked: Asked<'_, Self::Spec>,
    ) -> impl Future<Output = Result<Fetched, SourceFailure>> + Send;

    /// What was fetched before, from the disk alone: units go on with it after a start, also while the server is away.
    fn restore(asked: Asked<'_, Self::Spec>) -> impl Future<Output = Option<Restored>> + Send {
        async move { artifact::restored(asked.world, &kinds::status(asked.object)).await }
    }
}

/// What a fetch is told.
pub(super) struct Asked<'a, S> {
    pub(super) world: &'a World,
    pub(super) object: &'a Manifest,
    pub(super) spec: &'a S,
    /// The revision that is held and stored for just this spec: it need not be fetched again.
    pub(super) held: Option<String>,
}

impl<S> Clone for Asked<'_, S> {
    fn clone(&self) -> Self {
        Self { held: self.held.clone(), ..*self }
    }
}

/// What a fetch found.
pub(super) enum Fetched {
    /// The revision that is held is the newest.
    Held,
    /// A tree, of a new revision or of the same again.
    Tree(FetchedTree),
}

/// A tree that was fetched.
pub(super) struct FetchedTree {
    pub(super) revision: String,
    /// Without what is ignored.
    pub(super) tree: Arc<dyn Tree>,
    /// The artifact's bytes where they are not the packed tree.
    pub(super) packed: Option<Vec<u8>>,
    /// `status.artifact.metadata`.
    pub(super) metadata: BTreeMap<String, String>,
    /// What the event of a new artifact says.
    pub(super) summary: String,
    pub(super) verification: Verification,
    /// Status fields beside those of [`Kind::observed`] that came with this tree; null removes one.
    pub(super) facts: Value,
}

/// A tree that was fetched before the process started.
pub(super) struct Restored {
    pub(super) revision: String,
    pub(super) tree: Arc<dyn Tree>,
}

/// A tree without what its own `.sourceignore` files and `spec.ignore` leave out.
pub(super) fn without_ignored(
    tree: impl Tree + 'static,
    spec_ignore: Option<&str>,
) -> Result<Arc<dyn Tree>, SourceFailure> {
    let ignore = Ignore::of_source(&tree, spec_ignore).map_err(|error| {
        let message = Chain(&error).to_string();
        Failure { reason: "SourceIgnoreError".to_owned(), message, stalled: false }
    })?;
    Ok(Arc::new(filtered(tree, ignore)))
}
