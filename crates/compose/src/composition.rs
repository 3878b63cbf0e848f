//! A Composition, read once: sets put in place, defaults filled in, types known.

use capstan_model::{GroupVersionKind, Manifest};
use serde::Deserialize;
use serde_json::Value;

use crate::connection;
use crate::patch::{self, PatchFault};
use crate::validate::{self, FieldError};
use crate::wire::{ConnectionDetail, Patch, PatchSet, ReadinessCheck};

/// How children are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From `spec.resources`.
    Resources,
    /// By functions in `spec.pipeline`.
    Pipeline,
}

/// A Composition, or a revision of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Composition {
    /// Name of the object that it was read from.
    pub name: String,
    /// The kind of composite that it makes; its version is the one that it was written for.
    pub composite: GroupVersionKind,
    /// How children are made.
    pub mode: Mode,
    /// One a child, in order; empty in mode `Pipeline`.
    pub templates: Vec<Template>,
    /// Patches between composite and environment.
    pub environment: Vec<Patch>,
    /// What the environment holds before any EnvironmentConfig.
    pub default_environment: Value,
    /// Namespace of connection Secrets of composites that name none themselves.
    pub secrets_namespace: Option<String>,
    /// The steps as they are written; empty in mode `Resources`.
    pub pipeline: Vec<Step>,
}

/// A step of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// The function.
    pub function_ref: FunctionRef,
    /// Its input, an object of the function's own kind.
    pub input: Option<Value>,
}

/// Names a function.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FunctionRef {
    /// Its name.
    pub name: String,
}

/// What one child is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Unique in its Composition; a template without name is known by its index.
    pub name: String,
    /// The object before patches.
    pub base: Value,
    /// Patches, sets put in place.
    pub patches: Vec<Patch>,
    /// What it adds to the composite's connection details.
    pub connection: Vec<ConnectionDetail>,
    /// When it is ready; without any, when condition `Ready` is.
    pub checks: Vec<ReadinessCheck>,
}

/// Why a Composition cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompositionError {
    /// The document does not have the form of a Composition.
    #[error("Composition `{name}` cannot be read: {message}")]
    Form {
        /// Its name.
        name: String,
        /// What is wrong, with the field.
        message: String,
    },
    /// A field is absent or wrong.
    #[error("Composition `{name}`: spec.{cause}")]
    Field {
        /// Its name.
        name: String,
        /// The field below `spec`.
        cause: FieldError,
    },
    /// A template cannot be used.
    #[error("Composition `{name}`, template `{template}`: {cause}")]
    Template {
        /// The Composition's name.
        name: String,
        /// The template's name.
        template: String,
        /// What is wrong.
        cause: PatchFault,
    },
    /// Two templates have one name.
    #[error("Composition `{name}` has two templates named `{template}`: rename one")]
    Twice {
        /// The Composition's name.
        name: String,
        /// The templates' name.
        template: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    composite_type_ref: TypeRef,
    mode: Option<String>,
    patch_sets: Option<Vec<PatchSet>>,
    environment: Option<Environment>,
    resources: Option<Vec<Resource>>,
    pipeline: Option<Vec<Step>>,
    write_connection_secrets_to_namespace: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct TypeRef {
    api_version: String,
    kind: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Environment {
    default_data: Option<Value>,
    patches: Option<Vec<Patch>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Resource {
    name: Option<String>,
    base: Value,
    patches: Option<Vec<Patch>>,
    connection_details: Option<Vec<ConnectionDetail>>,
    readiness_checks: Option<Vec<ReadinessCheck>>,
}

impl Composition {
    /// Reads a `Composition` or a `CompositionRevision`.
    pub fn parse(object: &Manifest) -> Result<Self, CompositionError> {
        let name = object.name().to_owned();
        let spec = object.value().get("spec").cloned().unwrap_or_default();
        let spec: Spec = serde_json::from_value(spec).map_err(|error| CompositionError::Form {
            name: name.clone(),
            message: format!("spec: {error}"),
        })?;
        let field = |cause| CompositionError::Field { name: name.clone(), cause };
        let type_ref = &spec.composite_type_ref;
        if type_ref.api_version.is_empty() || type_ref.kind.is_empty() {
            let detail = "name the composite's apiVersion and kind";
            return Err(field(validate::required("compositeTypeRef", detail)));
        }
        let mode = mode(spec.mode.as_deref()).map_err(field)?;
        let sets = native_sets(spec.patch_sets.unwrap_or_default());
        let environment = spec.environment.unwrap_or_default();
        Ok(Self {
            composite: GroupVersionKind::from_api_version(&type_ref.api_version, &type_ref.kind),
            mode,
            templates: templates(&name, spec.resources.unwrap_or_default(), &sets)?,
            environment: native(environment.patches.unwrap_or_default()),
            default_environment: environment.default_data.unwrap_or_default(),
            secrets_namespace: spec.write_connection_secrets_to_namespace,
            pipeline: spec.pipeline.unwrap_or_default(),
            name,
        })
    }

    /// Does it make composites of a kind? The version does not count.
    pub fn is_for(&self, composite: &GroupVersionKind) -> bool {
        self.composite.group == composite.group && self.composite.kind == composite.kind
    }
}

fn mode(text: Option<&str>) -> Result<Mode, FieldError> {
    match text.unwrap_or("Resources") {
        "" | "Resources" => Ok(Mode::Resources),
        "Pipeline" => Ok(Mode::Pipeline),
        other => Err(FieldError {
            fault: validate::FieldFault::Invalid,
            field: "mode".to_owned(),
            detail: format!("`{other}` is not one of Resources, Pipeline"),
        }),
    }
}

fn native_sets(sets: Vec<PatchSet>) -> Vec<PatchSet> {
    sets.into_iter().map(|set| PatchSet { patches: native(set.patches), ..set }).collect()
}

/// What the CRD of Composition fills in, and the function's dialect does not.
fn native(mut patches: Vec<Patch>) -> Vec<Patch> {
    let fill = |text: &mut String, default: &str| {
        if text.is_empty() {
            default.clone_into(text);
        }
    };
    for transform in patches.iter_mut().flat_map(|patch| &mut patch.transforms) {
        if let Some(math) = &mut transform.math {
            fill(&mut math.type_, "Multiply");
        }
        if let Some(string) = &mut transform.string {
            fill(&mut string.type_, "Format");
        }
        for pattern in transform.match_.iter_mut().flat_map(|options| &mut options.patterns) {
            fill(&mut pattern.type_, "literal");
        }
    }
    patches
}

fn templates(
    composition: &str,
    resources: Vec<Resource>,
    sets: &[PatchSet],
) -> Result<Vec<Template>, CompositionError> {
    let mut templates: Vec<Template> = Vec::with_capacity(resources.len());
    for (index, resource) in resources.into_iter().enumerate() {
        let named = resource.name.filter(|name| !name.is_empty());
        let name = named.unwrap_or_else(|| index.to_string());
        if templates.iter().any(|template| template.name == name) {
            let (name, template) = (composition.to_owned(), name);
            return Err(CompositionError::Twice { name, template });
        }
        let fail = |cause| CompositionError::Template {
            name: composition.to_owned(),
            template: name.clone(),
            cause,
        };
        let written = native(resource.patches.unwrap_or_default());
        let patches = patch::inline(&written, sets).map_err(fail)?;
        for (index, patch) in patches.iter().enumerate() {
            validate::patch(patch)
                .map_err(|error| fail(error.within(&format!("patches[{index}]")).into()))?;
        }
        let details = resource.connection_details.unwrap_or_default();
        let connection: Vec<_> = details.into_iter().map(connection::inferred).collect();
        templates.push(Template {
            base: resource.base,
            patches,
            connection,
            checks: native_checks(resource.readiness_checks.unwrap_or_default()),
            name,
        });
    }
    Ok(templates)
}

/// The native dialect takes an empty string or zero for absent.
fn native_checks(mut checks: Vec<ReadinessCheck>) -> Vec<ReadinessCheck> {
    for check in &mut checks {
        check.field_path.take_if(|path| path.is_empty());
        check.match_string.take_if(|text| text.is_empty());
        check.match_integer.take_if(|number| *number == 0);
    }
    checks
}
