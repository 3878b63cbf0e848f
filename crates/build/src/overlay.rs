//! What a Flux Kustomization adds to the kustomization that it points at.

use capstan_tree::{EntryKind, Ignore, Tree};
use serde::Deserialize;
use serde_json::Value;

use crate::decode::{Mode, decode};
use crate::error::{BuildError, Place};
use crate::kustomization::{Image, Kustomization, Patch, Placed};
use crate::remote::{is_remote, join};

/// The fields of a Flux Kustomization that change the build.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Overlay {
    /// `targetNamespace`: replaces `namespace`.
    pub target_namespace: Option<String>,
    /// `namePrefix`: replaces the one of the file.
    pub name_prefix: Option<String>,
    /// `nameSuffix`: replaces the one of the file.
    pub name_suffix: Option<String>,
    /// `patches`: applied after those of the file.
    pub patches: Vec<Patch>,
    /// `images`: each replaces the entry of the same name, or is added.
    pub images: Vec<Image>,
    /// `components`: paths from the built directory, after those of the file.
    pub components: Vec<String>,
    /// `ignoreMissingComponents`: those that are not there are left out.
    pub ignore_missing_components: bool,
    /// `buildMetadata`: replaces the one of the file.
    pub build_metadata: Vec<String>,
    /// What of `resources`, `components` and `crds` of the built directory is left out. No field of a Kustomization:
    /// `flux build` has it.
    #[serde(skip)]
    pub ignore: Option<Ignore>,
}

impl Overlay {
    /// The fields of the `spec` of a Flux Kustomization; those that do not change the build are skipped.
    ///
    /// # Errors
    /// When a field is not of its type.
    pub fn of_spec(spec: &Value) -> Result<Self, BuildError> {
        decode(spec, Mode::Lenient)
            .map_err(|error| BuildError::new(format!("invalid spec: {error}")))
    }

    /// Merges the overlay into the kustomization of the root directory.
    pub(crate) fn merge_into(
        &self,
        kustomization: &mut Kustomization,
        root: &str,
        tree: &dyn Tree,
    ) -> Result<(), BuildError> {
        self.leave_out(kustomization, root, tree);
        let place = |field: &str, index: usize| Place {
            file: format!("spec.{field} for `{root}`"),
            line: index + 1,
        };
        if let Some(namespace) = &self.target_namespace {
            kustomization.namespace.clone_from(namespace);
        }
        if let Some(prefix) = &self.name_prefix {
            kustomization.name_prefix.clone_from(prefix);
        }
        if let Some(suffix) = &self.name_suffix {
            kustomization.name_suffix.clone_from(suffix);
        }
        if !self.build_metadata.is_empty() {
            let options = self.build_metadata.iter().enumerate();
            let placed = options.map(|(index, option)| Placed {
                value: option.clone(),
                place: place("buildMetadata", index),
            });
            kustomization.build_metadata = placed.collect();
        }
        for (index, patch) in self.patches.iter().enumerate() {
            let placed = Placed { value: patch.clone(), place: place("patches", index) };
            kustomization.patches.push(placed);
        }
        for (index, image) in self.images.iter().enumerate() {
            match kustomization.images.iter_mut().find(|i| i.value.name == image.name) {
                Some(existing) => merge(&mut existing.value, image),
                None => kustomization
                    .images
                    .push(Placed { value: image.clone(), place: place("images", index) }),
            }
        }
        let exists = |path: &&String| {
            !self.ignore_missing_components
                || join(root, path).is_ok_and(|path| tree.kind(&path).is_some())
        };
        for (index, component) in self.components.iter().filter(exists).enumerate() {
            let place = place("components", index);
            if !is_local(component) {
                return Err(BuildError::new(format!("component `{component}` is not local"))
                    .at(&place)
                    .hint("components are paths relative to the built directory"));
            }
            kustomization.components.push(Placed { value: component.clone(), place });
        }
        Ok(())
    }
}

impl Overlay {
    fn leave_out(&self, kustomization: &mut Kustomization, root: &str, tree: &dyn Tree) {
        let Some(ignore) = &self.ignore else { return };
        let Kustomization { resources, components, crds, .. } = kustomization;
        for entries in [resources, components, crds] {
            entries.retain(|entry| {
                let path = join(root, &entry.value).ok();
                let found = path.and_then(|path| Some((tree.kind(&path)?, path)));
                found.is_none_or(|(kind, path)| !ignore.matches(&path, kind == EntryKind::Dir))
            });
        }
    }
}

/// Is this a path below the source, as `components` of a Kustomization must be? `file://` before it does not count.
pub fn is_local(path: &str) -> bool {
    let path = path.strip_prefix("file://").unwrap_or(path);
    !path.starts_with('/') && !is_remote(path)
}

/// What is given replaces what the file has; a tag and a digest replace each other.
fn merge(existing: &mut Image, image: &Image) {
    if !image.new_name.is_empty() {
        existing.new_name.clone_from(&image.new_name);
    }
    if !image.new_tag.is_empty() || !image.digest.is_empty() {
        existing.new_tag.clone_from(&image.new_tag);
        existing.digest.clone_from(&image.digest);
    }
}
