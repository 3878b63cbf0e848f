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
    let patches = &layer.patches_strategic_merge;
    patch::strategic_merges(loader, directory, patches, resources)?;
    after(loader, !patches.is_empty(), resources);
    patch::patches(loader, directory, &layer.patches, resources)?;
    let rule = namespace::Rule {
        namespace: &layer.namespace,
        fields: &config.namespace,
        unset_only: false,
        subjects: namespace::Subjects::default(),
    };
    namespace::set(&rule, resources).map_err(|error| error.at(&layer.place("namespace")))?;
    after(loader, !layer.namespace.is_empty(), resources);
    for (side, affix, fields) in [
        (Side::Prefix, &layer.name_prefix, &config.name_prefix),
        (Side::Suffix, &layer.name_suffix, &config.name_suffix),
    ] {
        if !affix.is_empty() {
            names::affix(side, affix, fields, resources)?;
            loader.after_step(resources);
        }
    }
    for rule in &layer.labels {
        labels::rule(&rule.value, config, resources).map_err(|error| error.at(&rule.place))?;
        loader.after_step(resources);
    }
    for (field, pairs, fields) in [
        ("commonLabels", &layer.common_labels, &config.common_labels),
        ("commonAnnotations", &layer.common_annotations, &config.common_annotations),
    ] {
        labels::set(pairs, fields, resources).map_err(|error| error.at(&layer.place(field)))?;
        after(loader, !pairs.is_empty(), resources);
    }
    let patches = &layer.patches_json6902;
    patch::json_patches(loader, directory, patches, resources)?;
    after(loader, !patches.is_empty(), resources);
    for replica in &layer.replicas {
        replicas::set(&replica.value, &config.replicas, resources)
            .map_err(|error| error.at(&replica.place))?;
        loader.after_step(resources);
    }
    for image in &layer.images {
        images::set(&image.value, &config.images, resources)
            .map_err(|error| error.at(&image.place))?;
        loader.after_step(resources);
    }
    replacements::run(loader, directory, &layer.replacements, resources)?;
    after(loader, !layer.replacements.is_empty(), resources);
    Ok(())
}

/// What follows a step that was taken.
fn after(loader: &Loader<'_>, was_taken: bool, resources: &mut Resources) {
    if was_taken {
        loader.after_step(resources);
    }
}
