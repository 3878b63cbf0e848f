//! What one layer does to the objects below it, in kustomize's order.

mod images;
mod labels;
mod names;
mod namespace;
pub(crate) mod references;
mod replicas;

use crate::error::BuildError;
use crate::kustomization::Kustomization;
use crate::load::Loader;
use crate::patch;
use crate::resources::Resources;

/// Runs the transformers of one layer.
pub(crate) fn run(
    loader: &Loader<'_>,
    directory: &str,
    layer: &Kustomization,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    patch::strategic_merges(loader, directory, &layer.patches_strategic_merge, resources)?;
    patch::patches(loader, directory, &layer.patches, resources)?;
    namespace::set(&layer.namespace, &layer.file, resources)?;
    names::prefix(&layer.name_prefix, resources);
    names::suffix(&layer.name_suffix, resources);
    for rule in &layer.labels {
        labels::rule(&rule.value, resources);
    }
    labels::common(&layer.common_labels, resources);
    labels::annotations(&layer.common_annotations, resources);
    patch::json_patches(loader, directory, &layer.patches_json6902, resources)?;
    for replica in &layer.replicas {
        replicas::set(&replica.value, resources).map_err(|error| error.at(&replica.place))?;
    }
    for image in &layer.images {
        images::set(&image.value, resources).map_err(|error| error.at(&image.place))?;
    }
    Ok(())
}
