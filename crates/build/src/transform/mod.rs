//! What one layer does to the objects below it, in kustomize's order.

mod contents;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod namespace;
pub(crate) mod references;
pub(crate) mod replacements;
pub(crate) mod replicas;

use crate::config::Config;
use crate::error::BuildError;
use crate::kustomization::Kustomization;
use crate::load::Loader;
use crate::patch;
use crate::resources::Resources;
use names::Side;

/// Runs the transformations that the fields of one layer ask for.
pub(crate) fn run(
    loader: &Loader<'_>,
    directory: &str,
    layer: &Kustomization,
    config: &Config,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    patch::strategic_merges(loader, directory, &layer.patches_strategic_merge, resources)?;
    patch::patches(loader, directory, &layer.patches, resources)?;
    let rule = namespace::Rule {
        namespace: &layer.namespace,
        fields: &config.namespace,
        unset_only: false,
        subjects: namespace::Subjects::default(),
    };
    namespace::set(&rule, resources).map_err(|error| error.at(&layer.place("namespace")))?;
    for (side, affix, fields) in [
        (Side::Prefix, &layer.name_prefix, &config.name_prefix),
        (Side::Suffix, &layer.name_suffix, &config.name_suffix),
    ] {
        if !affix.is_empty() {
            names::affix(side, affix, fields, resources)?;
        }
    }
    for rule in &layer.labels {
        labels::rule(&rule.value, config, resources).map_err(|error| error.at(&rule.place))?;
    }
    labels::set(&layer.common_labels, &config.common_labels, resources)
        .map_err(|error| error.at(&layer.place("commonLabels")))?;
    labels::set(&layer.common_annotations, &config.common_annotations, resources)
        .map_err(|error| error.at(&layer.place("commonAnnotations")))?;
    patch::json_patches(loader, directory, &layer.patches_json6902, resources)?;
    for replica in &layer.replicas {
        replicas::set(&replica.value, &config.replicas, resources)
            .map_err(|error| error.at(&replica.place))?;
    }
    for image in &layer.images {
        images::set(&image.value, &config.images, resources)
            .map_err(|error| error.at(&image.place))?;
    }
    replacements::run(loader, directory, &layer.replacements, resources)
}
