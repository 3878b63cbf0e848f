//! Which fields the transformers change: kustomize's own lists, and what `configurations` and `crds` add.

mod crds;
mod defaults;

use std::sync::{Arc, LazyLock};

use capstan_model::GroupVersionKind;
use serde::Deserialize;
use serde_json::Value;

use crate::decode::{Mode, decode, embedded};
use crate::error::BuildError;
use crate::fields::{Field, admits};

pub(crate) use crds::from_crds;

/// The fields of every transformer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<Field>,
    pub(crate) name_suffix: Vec<Field>,
    pub(crate) namespace: Vec<Field>,
    pub(crate) common_labels: Vec<Field>,
    pub(crate) labels: Vec<Field>,
    pub(crate) template_labels: Vec<Field>,
    pub(crate) common_annotations: Vec<Field>,
    pub(crate) name_reference: Vec<Referral>,
    pub(crate) var_reference: Vec<Field>,
    pub(crate) images: Vec<Field>,
    pub(crate) replicas: Vec<Field>,
}

/// A kind whose objects are named by fields of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Referral {
    #[serde(deserialize_with = "embedded")]
    pub(crate) group: String,
    #[serde(deserialize_with = "embedded")]
    pub(crate) version: String,
    #[serde(deserialize_with = "embedded")]
    pub(crate) kind: String,
    /// The fields that hold its name.
    #[serde(rename = "fieldSpecs")]
    pub(crate) fields: Vec<Field>,
}

impl Referral {
    /// May an object of this kind be meant?
    pub(crate) fn admits(&self, gvk: &GroupVersionKind) -> bool {
        admits(&self.group, &gvk.group)
            && admits(&self.version, &gvk.version)
            && admits(&self.kind, &gvk.kind)
    }

    fn is_of(&self, other: &Self) -> bool {
        (&self.group, &self.version, &self.kind) == (&other.group, &other.version, &other.kind)
    }
}

static DEFAULTS: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(defaults::config()));

impl Config {
    /// kustomize's own lists. Cheap: there is one of them.
    pub(crate) fn defaults() -> Arc<Self> {
        Arc::clone(&DEFAULTS)
    }

    /// The lists of one `configurations` file.
    pub(crate) fn parse(document: &Value) -> Result<Self, BuildError> {
        decode(document, Mode::Lenient)
            .map_err(|error| BuildError::new(format!("invalid transformer configuration: {error}")))
    }

    /// Both together. What is there already is not added; the same field with another `create` is an error.
    pub(crate) fn merge(self: &Arc<Self>, other: &Arc<Self>) -> Result<Arc<Self>, BuildError> {
        if Arc::ptr_eq(self, other) {
            return Ok(Arc::clone(self));
        }
        let mut merged = Self::clone(self);
        merged.add(other)?;
        Ok(Arc::new(merged))
    }

    /// Adds the lists of another configuration.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), BuildError> {
        let lists: [(&str, &mut Vec<Field>, &[Field]); 10] = [
            ("NamePrefix", &mut self.name_prefix, &other.name_prefix),
            ("NameSuffix", &mut self.name_suffix, &other.name_suffix),
            ("NameSpace", &mut self.namespace, &other.namespace),
            ("CommonAnnotations", &mut self.common_annotations, &other.common_annotations),
            ("CommonLabels", &mut self.common_labels, &other.common_labels),
            ("Labels", &mut self.labels, &other.labels),
            ("TemplateLabels", &mut self.template_labels, &other.template_labels),
            ("VarReference", &mut self.var_reference, &other.var_reference),
            ("Images", &mut self.images, &other.images),
            ("Replicas", &mut self.replicas, &other.replicas),
        ];
        for (name, into, from) in lists {
            from.iter().try_for_each(|field| add(into, field)).map_err(|error| {
                BuildError::new(format!("failed to merge {name} fieldSpec: {error}"))
            })?;
        }
        other.name_reference.iter().try_for_each(|referral| self.add_referral(referral))
    }

    fn add_referral(&mut self, referral: &Referral) -> Result<(), BuildError> {
        let Some(known) = self.name_reference.iter_mut().find(|known| known.is_of(referral)) else {
            self.name_reference.push(referral.clone());
            return Ok(());
        };
        referral.fields.iter().try_for_each(|field| add(&mut known.fields, field)).map_err(
            |error| BuildError::new(format!("failed to merge NameReference fieldSpec: {error}")),
        )
    }
}

/// Adds a field to a list that does not have it.
pub(crate) fn add(fields: &mut Vec<Field>, field: &Field) -> Result<(), BuildError> {
    match fields.iter().find(|known| known.covers(field)) {
        None => fields.push(field.clone()),
        Some(known) if known.create == field.create => {}
        Some(_) => {
            return Err(BuildError::new("conflicting fieldspecs").hint(format!(
                "`{}` is configured twice, once with `create: true` and once without",
                field.path
            )));
        }
    }
    Ok(())
}
