//! ArtifactGenerators: sources in, ExternalArtifacts out.

mod inputs;
mod outputs;
mod reconcile;
mod status;

pub(crate) use inputs::sources_of;
pub(crate) use reconcile::reconcile;

use capstan_api::flux::SOURCE_EXTENSIONS_GROUP;
use capstan_model::GroupVersionKind;

/// ArtifactGenerator, in the version that is stored.
pub(crate) fn gvk() -> GroupVersionKind {
    GroupVersionKind::new(SOURCE_EXTENSIONS_GROUP, "v1beta1", "ArtifactGenerator")
}
