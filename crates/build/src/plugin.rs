//! `generators`, `transformers` and `validators`: kustomize's own plugins, configured by objects.
//!
//! Others would run programs or containers, which a build never does.

mod configs;
mod value_add;

use capstan_yaml::{Schema, Value, read_spelled};
use serde_json::Value as Json;

use crate::error::{BuildError, Place};
use crate::kustomization::Placed;
use crate::layer::Accumulated;
use crate::load::Loader;
use crate::objects;
use crate::origin::{self, Origin};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::trail::Trail;

/// What plugins see: where they read files, and from where.
pub(crate) struct Scene<'a, 'b> {
    pub(crate) loader: &'a Loader<'b>,
    pub(crate) directory: &'a str,
}

/// The objects that configure the plugins of a field: files, directories, or inline YAML.
fn configs(
    scene: &Scene<'_, '_>,
    entries: &[Placed<String>],
    trail: &mut Trail,
) -> Result<Vec<Resource>, BuildError> {
    let mut accumulated = Accumulated::default();
    let mut paths = Vec::new();
    for entry in entries {
        match inline(entry)? {
            Some(objects) => {
                for object in objects {
                    accumulated.resources.push(object)?;
                }
            }
            None => paths.push(entry),
        }
    }
    for entry in paths {
        scene.loader.include(scene.directory, entry, &mut accumulated, trail)?;
    }
    Ok(accumulated.resources.into_iter().collect())
}

/// The objects of an entry that is YAML itself; nothing when it is a path.
fn inline(entry: &Placed<String>) -> Result<Option<Vec<Resource>>, BuildError> {
    let Ok(documents) = read_spelled(&entry.value, "", Schema::Objects) else {
        return Ok(None);
    };
    if !documents.iter().any(|document| document.value.is_object()) {
        return Ok(None);
    }
    let mut objects = Vec::new();
    for document in documents {
        objects.push(objects::object(document.value, &entry.place)?);
    }
    Ok(Some(objects))
}

/// Runs `generators`.
pub(crate) fn generate(
    scene: &Scene<'_, '_>,
    entries: &[Placed<String>],
    resources: &mut Resources,
    trail: &mut Trail,
) -> Result<(), BuildError> {
    for config in configs(scene, entries, trail)? {
        let place = config.place.clone();
        is_builtin(&config)?;
        let made = configs::generate(scene, &config).map_err(|error| fails(&config, error))?;
        for mut made in made {
            scene.loader.note(&mut made, Origin::plugin(&config));
            resources.absorb(made).map_err(|error| error.at(&place))?;
        }
    }
    Ok(())
}

/// Runs `transformers`.
pub(crate) fn transform(
    scene: &Scene<'_, '_>,
    entries: &[Placed<String>],
    resources: &mut Resources,
    trail: &mut Trail,
) -> Result<(), BuildError> {
    for config in configs(scene, entries, trail)? {
        is_builtin(&config)?;
        configs::transform(scene, &config, resources).map_err(|error| error.at(&config.place))?;
        origin::note(&Origin::plugin(&config), resources);
        scene.loader.after_step(resources);
    }
    Ok(())
}

/// Runs `validators`: transformers that may change nothing but add a label that says that they were there.
pub(crate) fn validate(
    scene: &Scene<'_, '_>,
    entries: &[Placed<String>],
    resources: &mut Resources,
    trail: &mut Trail,
) -> Result<(), BuildError> {
    const LABEL: &str = "validated-by";
    for config in configs(scene, entries, trail)? {
        is_builtin(&config)?;
        let before: Vec<Value> = resources.iter().map(|r| r.value.clone()).collect();
        configs::transform(scene, &config, resources).map_err(|error| error.at(&config.place))?;
        let plain = |resource: &Resource| {
            let mut value = resource.value.clone();
            if let Some(Value::Object(labels)) = value.pointer_mut("/metadata/labels") {
                labels.remove(LABEL);
            }
            value
        };
        if !resources.iter().map(plain).eq(before) {
            let error = BuildError::new("validator shouldn't modify the resource map");
            return Err(error.at(&config.place));
        }
    }
    Ok(())
}

/// The configuration as plain data.
fn json(config: &Resource) -> Result<Json, BuildError> {
    config.value.to_json().map_err(|why| BuildError::new(why).at(&config.place))
}

fn is_builtin(config: &Resource) -> Result<(), BuildError> {
    let (api_version, kind) = (config.text("/apiVersion"), config.text("/kind"));
    if api_version == "builtin" {
        return Ok(());
    }
    let message = format!("plugins disabled: `{kind}` of `{api_version}` is not built in");
    Err(BuildError::new(message)
        .at(&config.place)
        .hint("a build runs no programs; use a plugin with `apiVersion: builtin`"))
}

fn fails(config: &Resource, mut error: BuildError) -> BuildError {
    let place: Place = config.place.clone();
    let message = format!("plugin {} fails configuration: {}", config.id(), error.message);
    error.message = message;
    error.at(&place)
}
