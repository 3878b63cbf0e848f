use capstan_yaml::{Scalar, Schema, Value, set_scalar};
use serde::Deserialize;

use super::Scene;
use crate::decode::{Mode, decode};
use crate::error::BuildError;
use crate::fields;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::{Matcher, Target};
use crate::transform::namespace;

/// The configuration of ValueAddTransformer.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueAdd {
    value: String,
    targets: Vec<To>,
    target_file_path: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct To {
    selector: Option<Target>,
    field_path: String,
    file_path_position: i64,
}

/// Puts a value, or the name of the directory, into fields; or into a file path that a field holds.
pub(super) fn run(
    scene: &Scene<'_, '_>,
    config: &Resource,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let mut add: ValueAdd = decode(&super::json(config)?, Mode::Lenient)
        .map_err(|error| BuildError::new(error.to_string()))?;
    if !add.target_file_path.is_empty() {
        let path = &add.target_file_path;
        let (documents, _) = scene.loader.documents(scene.directory, path, Schema::Config)?;
        for document in documents {
            let more: ValueAdd = decode(&document.value, Mode::Lenient)
                .map_err(|error| BuildError::new(error.to_string()))?;
            add.targets.extend(more.targets);
        }
    }
    if add.targets.is_empty() {
        return Err(BuildError::new("must specify at least one target"));
    }
    let value = match add.value.trim() {
        "" => scene.directory.rsplit('/').next().unwrap_or_default(),
        value => value,
    };
    add.targets.iter().try_for_each(|to| to.check()?.apply(value, resources))
}

impl To {
    fn check(&self) -> Result<&Self, BuildError> {
        if self.field_path.is_empty() {
            return Err(BuildError::new("fieldPath cannot be empty"));
        }
        if self.file_path_position < 0 {
            let message = format!(
                "value of FilePathPosition ({}) cannot be negative",
                self.file_path_position
            );
            return Err(BuildError::new(message));
        }
        Ok(self)
    }

    fn apply(&self, value: &str, resources: &mut Resources) -> Result<(), BuildError> {
        let matcher = self.selector.as_ref().map(Matcher::new).transpose()?;
        let meant = |resource: &&mut Resource| matcher.as_ref().is_none_or(|m| m.matches(resource));
        for resource in resources.iter_mut().filter(meant) {
            if self.field_path == "metadata/namespace" {
                let subjects = namespace::Subjects::default();
                let rule =
                    namespace::Rule { namespace: value, fields: &[], unset_only: false, subjects };
                rule.apply(resource)?;
            } else {
                self.set(value, &mut resource.value).map_err(BuildError::new)?;
            }
        }
        Ok(())
    }

    fn set(&self, value: &str, object: &mut Value) -> Result<(), String> {
        let mut found = object;
        for key in fields::split(&self.field_path) {
            if found.is_null() {
                *found = Value::map();
            }
            let Value::Object(map) = found else {
                return Err(format!("wrong node kind: expected a map for `{key}`"));
            };
            found = map.entry(key).or_insert_with(Value::null);
        }
        let Some(old) = found.text() else {
            return Err("wrong node kind: expected a scalar".to_owned());
        };
        let text = match usize::try_from(self.file_path_position) {
            Ok(position @ 1..) => insert(old, position - 1, value),
            _ => value.to_owned(),
        };
        set_scalar(found, Scalar::bare(text));
        Ok(())
    }
}

/// A path with a part put in at a position, or at the end.
fn insert(path: &str, position: usize, part: &str) -> String {
    let lead = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{lead}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::insert;

    #[test]
    fn parts_go_into_paths() {
        for (path, position, expected) in [
            ("", 0, "p"),
            ("/", 3, "/p"),
            ("/a", 0, "/p/a"),
            ("a/b", 1, "a/p/b"),
            ("/a/b", 9, "/a/b/p"),
        ] {
            assert_eq!(insert(path, position, "p"), expected, "{path}");
        }
    }
}
