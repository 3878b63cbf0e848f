//! Sources: fetched, held for the units, offered as artifacts.
//!
//! All kinds share one reconciler; a kind is a folder that says where its tree and its revision come from.

mod artifact;
mod bucket;
mod connection;
mod external;
mod git;
mod key;
mod kind;
mod notes;
mod oci;
mod reconcile;
mod secret;
mod sources;

pub(crate) use artifact::describe;
pub(crate) use bucket::Etags;
pub(crate) use key::{SourceKey, SourceKind, SourceObjects};
pub(crate) use reconcile::{reconcile, since, wake_units};
pub(crate) use secret::secret_text;
pub(crate) use sources::{Source, Sources};
