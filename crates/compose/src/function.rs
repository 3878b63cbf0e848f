//! The dialect of function-patch-and-transform: one call of a pipeline step.
//!
//! It differs from the native dialect where the reference does: an existing child is still updated
//! when a required field is missing, types have no defaults, values cross composites one call
//! later, and a step may patch what an earlier step made.

mod secret;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::connection::{self, Details};
use crate::patch::{self, End, PatchFault, PatchKind};
use crate::readiness;
use crate::validate::{self, FieldError};
use crate::wire::{ConnectionDetail, Patch, PatchSet, ReadinessCheck};

pub use secret::{secret_reference, supports_connection_details};

/// The key of the environment in the context of a call.
pub const ENVIRONMENT: &str = "apiextensions.crossplane.io/environment";

/// The input of a step: `pt.fn.crossplane.io/v1beta1`, kind `Resources`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// Named lists of patches.
    pub patch_sets: Vec<PatchSet>,
    /// Patches between composite and environment.
    pub environment: Option<Environment>,
    /// One a child.
    pub resources: Vec<Resource>,
    /// Where connection details go when the composite has no Secret of its own kind.
    pub write_connection_secret_to_ref: Option<SecretRef>,
}

/// Patches between composite and environment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// In order.
    pub patches: Vec<Patch>,
}

/// A template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// The object before patches; absent to patch what an earlier step desires.
    pub base: Option<Value>,
    /// In order.
    pub patches: Vec<Patch>,
    /// What it adds to the composite's connection details.
    pub connection_details: Vec<ConnectionDetail>,
    /// When it is ready.
    pub readiness_checks: Vec<ReadinessCheck>,
}

/// The Secret of a composite that has none of its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SecretRef {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Patches from the composite to `name` and `namespace`.
    pub patches: Vec<Patch>,
}

/// Composite and children, as observed or as desired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The composite.
    pub composite: Object,
    /// The children, by template name.
    pub resources: BTreeMap<String, Object>,
}

/// One object of a [`State`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// The object; null when there is none.
    pub resource: Value,
    /// Its connection details.
    pub connection: Details,
    /// Is it ready? `None` when nobody said so.
    pub ready: Option<bool>,
}

/// What a call is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The step's input.
    pub input: Resources,
    /// What exists.
    pub observed: State,
    /// What earlier steps desire.
    pub desired: State,
    /// What earlier steps left for later ones.
    pub context: Map<String, Value>,
}

/// What a call answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// What is desired now.
    pub desired: State,
    /// For later steps.
    pub context: Map<String, Value>,
    /// What went wrong, in order.
    pub results: Vec<Outcome>,
}

/// One result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Does it end the pipeline?
    pub fatal: bool,
    /// A sentence.
    pub message: String,
}

/// Runs one step.
pub fn run(request: &Request) -> Response {
    let mut run = Run {
        environment: environment(&request.context),
        desired: request.desired.clone(),
        warnings: Vec::new(),
        request,
    };
    let fatal = run.all().err();
    let outcome = |fatal| move |message| Outcome { fatal, message };
    let mut results: Vec<Outcome> = run.warnings.into_iter().map(outcome(false)).collect();
    let mut context = request.context.clone();
    let mut desired = run.desired;
    match fatal {
        // A fatal result leaves what was desired before.
        Some(message) => {
            results.push(Outcome { fatal: true, message });
            desired = request.desired.clone();
        }
        None => {
            context.insert(ENVIRONMENT.to_owned(), run.environment);
        }
    }
    Response { desired, context, results }
}

fn environment(context: &Map<String, Value>) -> Value {
    let mut environment = context.get(ENVIRONMENT).cloned().unwrap_or_else(|| json!({}));
    if let Some(map) = environment.as_object_mut()
        && !map.contains_key("kind")
    {
        map.insert("apiVersion".to_owned(), "internal.crossplane.io/v1alpha1".into());
        map.insert("kind".to_owned(), "Environment".into());
    }
    environment
}

/// Checks the input of a step.
pub fn check_input(input: &Resources) -> Result<(), FieldError> {
    for set in &input.patch_sets {
        validate::patch_set(set)?;
    }
    let environment = input.environment.as_ref().map_or(&[][..], |e| &e.patches);
    if input.resources.is_empty() && environment.is_empty() {
        return Err(validate::required("resources", "give resources or environment patches"));
    }
    for (index, resource) in input.resources.iter().enumerate() {
        check_resource(resource).map_err(|error| error.within(&format!("resources[{index}]")))?;
    }
    for (index, patch) in environment.iter().enumerate() {
        validate::environment_patch(patch)
            .map_err(|error| error.within(&format!("environment.patches[{index}]")))?;
    }
    Ok(())
}

fn check_resource(resource: &Resource) -> Result<(), FieldError> {
    if resource.name.is_empty() {
        return Err(validate::required("name", "a template is known by its name"));
    }
    for (index, patch) in resource.patches.iter().enumerate() {
        validate::patch(patch).map_err(|error| error.within(&format!("patches[{index}]")))?;
    }
    for (index, detail) in resource.connection_details.iter().enumerate() {
        validate::connection_detail(detail)
            .map_err(|error| error.within(&format!("connectionDetails[{index}]")))?;
    }
    for (index, check) in resource.readiness_checks.iter().enumerate() {
        validate::readiness_check(check)
            .map_err(|error| error.within(&format!("readinessChecks[{index}]")))?;
    }
    Ok(())
}

struct Run<'a> {
    request: &'a Request,
    desired: State,
    environment: Value,
    warnings: Vec<String>,
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), String> {
        let input = &self.request.input;
        check_input(input).map_err(|error| format!("invalid Function input: {error}"))?;
        self.adopt_composite_kind();
        let patches: Vec<Vec<Patch>> = input
            .resources
            .iter()
            .map(|resource| patch::inline(&resource.patches, &input.patch_sets))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("cannot resolve PatchSets: {error}"))?;
        self.environment_patches()?;
        for (resource, patches) in input.resources.iter().zip(&patches) {
            self.template(resource, patches)?;
        }
        self.connection_secret()
    }

    /// The desired composite carries the kind of the observed one.
    fn adopt_composite_kind(&mut self) {
        let composite = &mut self.desired.composite.resource;
        if !composite.is_object() {
            *composite = json!({});
        }
        for key in ["apiVersion", "kind"] {
            if let Some(value) = self.request.observed.composite.resource.get(key) {
                composite[key] = value.clone();
            }
        }
    }

    fn environment_patches(&mut self) -> Result<(), String> {
        let Some(environment) = &self.request.input.environment else { return Ok(()) };
        for (index, patch) in environment.patches.iter().enumerate() {
            let to_environment = matches!(
                patch.kind().and_then(PatchKind::ends),
                Some((End::Composite, _) | (_, End::Environment))
            );
            let result = if to_environment {
                let from = &self.request.observed.composite.resource;
                patch::apply(patch, from, &mut self.environment)
            } else {
                patch::apply(patch, &self.environment, &mut self.desired.composite.resource)
            };
            match result {
                Err(fault) if patch.is_required() || !fault.is_not_found() => {
                    let kind = type_name(patch);
                    return Err(format!(
                        "cannot apply the \"{kind}\" environment patch at index {index}: {fault}"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn template(&mut self, template: &Resource, patches: &[Patch]) -> Result<(), String> {
        let name = &template.name;
        let mut desired = match (&template.base, self.desired.resources.get(name)) {
            (Some(base), _) if !base.is_object() => {
                return Err(format!("cannot parse base template of composed resource \"{name}\""));
            }
            (Some(base), _) => Object { resource: base.clone(), ..Object::default() },
            (None, Some(earlier)) => {
                Object { resource: earlier.resource.clone(), ..Object::default() }
            }
            (None, None) => {
                return Err(format!(
                    "composed resource \"{name}\" has no base template, and was not produced by \
                     a previous Function in the pipeline"
                ));
            }
        };
        let observed = self.request.observed.resources.get(name);
        if let Some(observed) = observed {
            self.observe(template, observed, &mut desired);
        }
        if self.patches(name, patches, observed, &mut desired.resource)? {
            self.desired.resources.insert(name.clone(), desired);
        }
        Ok(())
    }

    /// Name, connection details and readiness of a child that exists.
    fn observe(&mut self, template: &Resource, observed: &Object, desired: &mut Object) {
        let name = &template.name;
        for key in ["namespace", "name"] {
            let text = observed.resource.get("metadata").and_then(|metadata| metadata.get(key));
            if let Some(text) = text.and_then(Value::as_str).filter(|text| !text.is_empty()) {
                desired.resource["metadata"][key] = text.into();
            } else if let Some(metadata) = desired.resource.get_mut("metadata") {
                metadata.as_object_mut().map(|metadata| metadata.remove(key));
            }
        }
        let wanted = &template.connection_details;
        match connection::extract(&observed.resource, &observed.connection, wanted) {
            Ok(details) => self.desired.composite.connection.extend(details),
            Err(error) => self.warnings.push(format!(
                "cannot extract composite resource connection details from composed resource \
                 \"{name}\": {error}"
            )),
        }
        match readiness::check(&observed.resource, &template.readiness_checks) {
            Ok(readiness) if readiness.ready => desired.ready = Some(true),
            Ok(_) => {}
            Err(error) => self
                .warnings
                .push(format!("cannot check readiness of composed resource \"{name}\": {error}")),
        }
    }

    /// Applies patches; false when the child must not be created yet.
    fn patches(
        &mut self,
        name: &str,
        patches: &[Patch],
        observed: Option<&Object>,
        child: &mut Value,
    ) -> Result<bool, String> {
        for (index, patch) in patches.iter().enumerate() {
            let Err(fault) = self.patch(patch, observed, child) else { continue };
            let kind = type_name(patch);
            if !fault.is_not_found() {
                return Err(format!(
                    "cannot render composed resource \"{name}\" \"{kind}\" patch at index \
                     {index}: {fault}"
                ));
            }
            if !patch.is_required() {
                continue;
            }
            let to_child =
                patch.kind().and_then(PatchKind::ends).is_some_and(|e| e.1 == End::Child);
            if to_child && observed.is_none() {
                self.warnings.push(format!(
                    "not adding new composed resource \"{name}\" to desired state because \
                     \"{kind}\" patch at index {index} has 'policy.fromFieldPath: Required': \
                     {fault}"
                ));
                // Else a composite whose other children are ready would pass for ready.
                self.desired.composite.ready = Some(false);
                return Ok(false);
            }
            self.warnings.push(format!(
                "cannot render composed resource \"{name}\" \"{kind}\" patch at index {index}: \
                 ignoring 'policy.fromFieldPath: Required' because 'to' resource already exists: \
                 {fault}"
            ));
        }
        Ok(true)
    }

    /// Always from what is observed to what is desired.
    fn patch(
        &mut self,
        patch: &Patch,
        observed: Option<&Object>,
        child: &mut Value,
    ) -> Result<(), PatchFault> {
        let composite = &self.request.observed.composite.resource;
        let from_child = observed.map(|observed| &observed.resource);
        match (patch.kind().and_then(PatchKind::ends), from_child) {
            (Some((End::Composite, _)), _) => patch::apply(patch, composite, child),
            (Some((End::Environment, _)), _) => patch::apply(patch, &self.environment, child),
            (Some((_, End::Composite)), Some(from)) => {
                patch::apply(patch, from, &mut self.desired.composite.resource)
            }
            (Some((_, End::Environment)), Some(from)) => {
                patch::apply(patch, from, &mut self.environment)
            }
            // A child that does not exist yet has nothing to give.
            _ => Ok(()),
        }
    }

    /// A composite of the second generation has no Secret of its own: it is one more child.
    fn connection_secret(&mut self) -> Result<(), String> {
        let composite = &self.request.observed.composite.resource;
        let details = &self.desired.composite.connection;
        if supports_connection_details(composite) || details.is_empty() {
            return Ok(());
        }
        let wanted = self.request.input.write_connection_secret_to_ref.as_ref();
        let resource = secret::compose(composite, details, wanted)
            .map_err(|error| format!("cannot compose connection secret: {error}"))?;
        let name = secret::metadata(composite, "name");
        let object = Object { resource, ready: Some(true), ..Object::default() };
        self.desired.resources.insert(format!("{name}-connection-secret"), object);
        Ok(())
    }
}

fn type_name(patch: &Patch) -> &str {
    match patch.kind() {
        Some(kind) => kind.name(),
        None => &patch.type_,
    }
}
