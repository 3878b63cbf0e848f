//! What a Flux Kustomization adds to the kustomization that it points at.

use std::collections::BTreeMap;

use capstan_model::Manifest;

use crate::error::{BuildError, Place};
use crate::kustomization::{Image, Kustomization, Patch, Placed};

/// The fields of a Flux Kustomization that change the build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// `commonMetadata`: set on every object after the build.
    pub common_metadata: CommonMetadata,
}

/// Labels and annotations for every object; they win over what the object has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonMetadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl CommonMetadata {
    /// Sets them on an object.
    pub fn apply(&self, manifest: &mut Manifest) {
        for (key, value) in &self.labels {
            manifest.set_label(key, value);
        }
        for (key, value) in &self.annotations {
            manifest.set_annotation(key, value);
        }
    }
}

impl Overlay {
    /// Merges the overlay into the kustomization of the root directory.
    pub(crate) fn merge_into(
        &self,
        kustomization: &mut Kustomization,
        root: &str,
    ) -> Result<(), BuildError> {
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
        for (index, patch) in self.patches.iter().enumerate() {
            let placed = Placed { value: patch.clone(), place: place("patches", index) };
            kustomization.patches.push(placed);
        }
        for (index, image) in self.images.iter().enumerate() {
            match kustomization.images.iter_mut().find(|i| i.value.name == image.name) {
                Some(existing) => existing.value = image.clone(),
                None => kustomization
                    .images
                    .push(Placed { value: image.clone(), place: place("images", index) }),
            }
        }
        for (index, component) in self.components.iter().enumerate() {
            let place = place("components", index);
            if component.starts_with('/') || component.contains("://") {
                return Err(BuildError::new(format!("component `{component}` is not local"))
                    .at(&place)
                    .hint("components are paths relative to the built directory"));
            }
            kustomization.components.push(Placed { value: component.clone(), place });
        }
        Ok(())
    }
}
