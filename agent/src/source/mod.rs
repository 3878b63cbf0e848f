//! Sources: fetched, held for the units, offered as artifacts.

mod artifact;
mod reconcile;
mod remote;
mod sources;

pub(crate) use reconcile::reconcile;
pub(crate) use remote::secret_text;
pub(crate) use sources::{Source, Sources};
