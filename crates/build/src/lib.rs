//! The build: kustomize over a source tree, in memory.
//!
//! [`build`] turns a directory of a [`Tree`] into manifests as kustomize 5.8.1 does, with the layer
//! that Flux lays on top ([`Overlay`]). It reads nothing but the tree and keeps no state, so
//! builds run side by side.
//!
//! The order within one layer: resources, generators, components, then the transformers (patches,
//! namespace, prefix and suffix, labels, annotations, JSON 6902 patches, replicas, images). Name
//! hashes and name references come last, once for the whole build.

mod config;
mod decode;
mod error;
mod fields;
mod generate;
mod hash;
mod implicit;
mod kustomization;
mod layer;
mod load;
mod notes;
mod objects;
mod options;
mod origin;
mod overlay;
pub mod parts;
mod patch;
mod path;
mod plugin;
mod resource;
mod resources;
mod schema;
mod scope;
mod selector;
mod sort;
mod text;
mod transform;
mod vars;

use capstan_model::Manifest;
use capstan_tree::Tree;

use layer::Accumulated;
use resource::Resource;
use resources::Resources;
use sort::SortOptions;

pub use error::{BuildError, Place};
pub use kustomization::{Image, Patch};
pub use options::Options;
pub use overlay::{Overlay, is_local};
pub use selector::Target;

/// Builds the directory `path` of a tree.
///
/// A directory without a kustomization file is built as if it had one that names every YAML file
/// below it, where the options say so. Objects come in the order in which the files name them.
///
/// # Errors
/// The first fault, with its file and line, the layers that led there, and a hint.
pub fn build(
    tree: &dyn Tree,
    path: &str,
    overlay: &Overlay,
    options: Options,
) -> Result<Vec<Manifest>, BuildError> {
    let manifest = |resource: Resource| {
        Manifest::try_from(resource.value)
            .map_err(|error| BuildError::new(error.to_string()).at(&resource.place))
    };
    resources(tree, path, overlay, options)?.into_iter().map(manifest).collect()
}

/// What `kustomize build` prints: the objects of a directory as YAML, also those that no API server would take.
///
/// # Errors
/// As [`build`].
pub fn render(tree: &dyn Tree, path: &str, options: Options) -> Result<String, BuildError> {
    let resources = resources(tree, path, &Overlay::default(), options)?;
    Ok(capstan_yaml::emit_all(resources.iter().map(|resource| &resource.value)))
}

fn resources(
    tree: &dyn Tree,
    path: &str,
    overlay: &Overlay,
    options: Options,
) -> Result<Resources, BuildError> {
    let root = capstan_tree::normalise(path).map_err(|error| {
        BuildError::new(error.to_string())
            .hint("the path is relative to the root of the source and cannot leave it")
    })?;
    let loader = load::Loader::new(tree, options);
    let mut kustomization = match loader.kustomization(&root)? {
        Some(found) => found,
        None if options.generates => implicit::kustomization(tree, &root)?,
        None => return Err(load::no_kustomization(&root)),
    };
    overlay.merge_into(&mut kustomization, &root, tree)?;
    let Accumulated { mut resources, config, vars } = loader.build(&root, &kustomization)?;
    hash::add_suffixes(&mut resources);
    transform::references::fix(&mut resources, &config.name_reference)?;
    vars.resolve(&config, &mut resources)?;
    resources.drop_local();
    let order = kustomization.sort_options.clone();
    let order = order.or_else(|| options.legacy_order.then(SortOptions::legacy));
    if let Some(order) = order {
        order
            .sort(&mut resources)
            .map_err(|error| error.at(&kustomization.place("sortOptions")))?;
    }
    resources.drop_notes();
    origin::write(&kustomization, &root, &mut resources);
    text::check(&mut resources)?;
    Ok(resources)
}

#[cfg(test)]
mod tests;
