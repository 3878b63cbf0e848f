//! The build: kustomize over a source tree, in memory.
//!
//! [`build`] turns a directory of a [`Tree`] into manifests as kustomize 5.8.1 does, with the layer
//! that Flux lays on top ([`Overlay`]). It reads nothing but the tree and keeps no state, so
//! builds run side by side.
//!
//! The order within one layer: resources, generators, components, then the transformers (patches,
//! namespace, prefix and suffix, labels, annotations, JSON 6902 patches, replicas, images). Name
//! hashes and name references come last, once for the whole build.

mod bounds;
mod config;
mod decode;
mod error;
mod fields;
mod generate;
mod hash;
mod implicit;
mod json;
mod kustomization;
mod layer;
mod load;
mod notes;
mod objects;
mod one_value;
mod options;
mod origin;
mod overlay;
pub mod parts;
mod patch;
mod path;
mod plugin;
mod remote;
mod resource;
mod resources;
mod schema;
mod scope;
mod selector;
mod sort;
mod text;
mod trail;
mod transform;
mod vars;

use capstan_model::Manifest;
use capstan_tree::Tree;

use layer::Accumulated;
use remote::Mounts;
use resource::Resource;
use resources::Resources;
use sort::SortOptions;

pub use error::{BuildError, Details, Place};
pub use implicit::resources as implicit_resources;
pub use kustomization::{FILES as KUSTOMIZATION_FILES, Image, Patch};
pub use options::Options;
pub use overlay::{Overlay, is_local};
pub use remote::{Fetched, Need, Remote, Remotes, RepoSpec, Repository};
pub use selector::Target;

/// What came of a build that may name remote bases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built<T> {
    /// What was built.
    Done(T),
    /// What must be fetched first, each once: all that can be known now. What is fetched may need more.
    Needs(Vec<Need>),
}

/// Builds the directory `path` of a tree, which names nothing remote.
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
    build_with(tree, path, overlay, options, &Remotes::off())?.finished()
}

/// Builds as [`build`] does, with what was fetched for it so far. Whoever calls it fetches what the answer names, and calls again.
///
/// # Errors
/// As [`build`]. Where something remote is missing, faults that come after it wait for the next call.
pub fn build_with(
    tree: &dyn Tree,
    path: &str,
    overlay: &Overlay,
    options: Options,
    remotes: &Remotes,
) -> Result<Built<Vec<Manifest>>, BuildError> {
    let manifest = |resource: Resource| {
        Manifest::try_from(resource.value.into_json()).map_err(|error| {
            let error = BuildError::new(error.to_string()).at(&resource.place);
            Mounts::new(tree, remotes).readable(error)
        })
    };
    let manifests = |resources: Resources| resources.into_iter().map(manifest).collect();
    resources(tree, path, overlay, options, remotes)?.try_map(manifests)
}

/// What `kustomize build` prints: the objects of a directory as YAML, also those that no API server would take.
///
/// # Errors
/// As [`build`].
pub fn render(tree: &dyn Tree, path: &str, options: Options) -> Result<String, BuildError> {
    render_with(tree, path, options, &Remotes::off())?.finished()
}

/// Renders as [`render`] does, with what was fetched for it so far, as [`build_with`] builds.
///
/// # Errors
/// As [`build_with`].
pub fn render_with(
    tree: &dyn Tree,
    path: &str,
    options: Options,
    remotes: &Remotes,
) -> Result<Built<String>, BuildError> {
    let emit = |resources: Resources| {
        Ok(capstan_yaml::emit_all(resources.iter().map(|resource| &resource.value)))
    };
    resources(tree, path, &Overlay::default(), options, remotes)?.try_map(emit)
}

impl<T> Built<T> {
    /// What was built, where nothing is fetched.
    ///
    /// # Errors
    /// When something is missing.
    pub fn finished(self) -> Result<T, BuildError> {
        match self {
            Self::Done(built) => Ok(built),
            Self::Needs(needs) => {
                let names: Vec<_> = needs.iter().map(|need| format!("`{}`", need.remote)).collect();
                Err(BuildError::new(format!("not fetched: {}", names.join(", "))))
            }
        }
    }

    fn try_map<U>(
        self,
        map: impl FnOnce(T) -> Result<U, BuildError>,
    ) -> Result<Built<U>, BuildError> {
        match self {
            Self::Done(built) => map(built).map(Built::Done),
            Self::Needs(needs) => Ok(Built::Needs(needs)),
        }
    }
}

fn resources(
    tree: &dyn Tree,
    path: &str,
    overlay: &Overlay,
    options: Options,
    remotes: &Remotes,
) -> Result<Built<Resources>, BuildError> {
    let loader = load::Loader::new(tree, remotes, options);
    let built = assemble(&loader, tree, path, overlay, options);
    let mut needs = loader.needs.take();
    if needs.is_empty() {
        return built.map(Built::Done).map_err(|error| loader.tree.readable(error));
    }
    for need in &mut needs {
        need.place.file = loader.tree.readable_text(&need.place.file);
    }
    Ok(Built::Needs(needs))
}

fn assemble(
    loader: &load::Loader<'_>,
    tree: &dyn Tree,
    path: &str,
    overlay: &Overlay,
    options: Options,
) -> Result<Resources, BuildError> {
    let root = tree.real(path).map_err(|error| {
        BuildError::new(error.to_string())
            .hint("the path is relative to the root of the source and cannot leave it")
    })?;
    let mut kustomization = match loader.kustomization(&root)? {
        Some(found) => found,
        None if options.generates => implicit::kustomization(tree, &root)?,
        None => return Err(load::no_kustomization(&root)),
    };
    overlay.merge_into(&mut kustomization, &root, tree)?;
    loader.keeps_notes.set(!kustomization.build_metadata.is_empty());
    let Accumulated { mut resources, config, vars } = loader.build(&root, &kustomization)?;
    hash::add_suffixes(&mut resources);
    transform::references::fix(&mut resources, &config.name_reference)?;
    vars.resolve(&config, &mut resources)?;
    resources.check()?;
    resources.drop_local()?;
    let order = kustomization.sort_options.clone();
    let order = order.or_else(|| options.legacy_order.then(SortOptions::legacy));
    if let Some(order) = order {
        order
            .sort(&mut resources)
            .map_err(|error| error.at(&kustomization.place("sortOptions")))?;
    }
    resources.drop_notes();
    origin::write(&kustomization, &root, loader.tree.remotes, &mut resources);
    text::check(&mut resources)?;
    Ok(resources)
}

#[cfg(test)]
mod tests;
