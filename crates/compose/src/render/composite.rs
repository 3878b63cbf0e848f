use capstan_model::Manifest;
use serde_json::{Value, json};

use super::{Input, Warning};
use crate::patch::{self, End, PatchError};
use crate::schema;
use crate::wire::Patch;

/// The composite and the environment after what is observed was patched into them.
pub(super) struct Patched {
    pub(super) composite: Manifest,
    pub(super) environment: Value,
    pub(super) warnings: Vec<Warning>,
    pub(super) errors: Vec<PatchError>,
}

/// Environment patches read what children patched and the other way round; more rounds than this
/// only a composition that contradicts itself needs.
const ROUNDS: usize = 8;

/// Patches composite and environment until nothing changes.
///
/// Every round starts from the stored composite, so that a patch that appends appends once; what a
/// round reads is what the round before it wrote.
pub(super) fn patch(input: &Input<'_>) -> Patched {
    let (mut composite, mut environment) = (input.composite.clone(), environment(input));
    let mut errors = Vec::new();
    for _ in 0..ROUNDS {
        let (next, next_environment, next_errors) = round(input, &composite, &environment);
        let stable = next == composite && next_environment == environment;
        (composite, environment, errors) = (next, next_environment, next_errors);
        if stable {
            break;
        }
    }
    let (composite, warnings) = known_fields(input, composite);
    Patched { composite, environment, warnings, errors }
}

/// The environment before any patch: default data, then EnvironmentConfigs over it.
fn environment(input: &Input<'_>) -> Value {
    let mut environment =
        json!({"apiVersion": "internal.crossplane.io/v1alpha1", "kind": "Environment"});
    if let Some(into) = environment.as_object_mut() {
        for data in [&input.composition.default_environment, input.environment] {
            into.extend(data.as_object().cloned().unwrap_or_default());
        }
    }
    environment
}

fn round(
    input: &Input<'_>,
    seen: &Manifest,
    seen_environment: &Value,
) -> (Manifest, Value, Vec<PatchError>) {
    let mut composite = input.composite.clone();
    let mut environment = environment(input);
    let mut errors = Vec::new();
    for (index, patch) in input.composition.environment.iter().enumerate() {
        let result = match patch.kind().and_then(patch::PatchKind::ends) {
            // Here there is no child: what a template would write to one goes to the environment.
            Some((End::Composite, _) | (_, End::Environment)) => {
                patch::apply(patch, seen.value(), &mut environment)
            }
            _ => patch::apply(patch, seen_environment, composite.value_mut()),
        };
        let placed = Patch { origin: at(index), ..patch.clone() };
        note(&mut errors, "environment", &placed, result);
    }
    for template in &input.composition.templates {
        let Some(observed) = input.observed.get(&template.name) else { continue };
        for patch in &template.patches {
            let from = observed.object.value();
            let result = match patch.kind().and_then(patch::PatchKind::ends) {
                Some((_, End::Composite)) => patch::apply(patch, from, composite.value_mut()),
                Some((_, End::Environment)) => patch::apply(patch, from, &mut environment),
                _ => continue,
            };
            note(&mut errors, &template.name, patch, result);
        }
    }
    (composite, environment, errors)
}

fn at(index: usize) -> crate::wire::Origin {
    crate::wire::Origin { index, set: None }
}

/// An absent source of an optional patch is no error.
pub(super) fn note(
    errors: &mut Vec<PatchError>,
    template: &str,
    patch: &Patch,
    result: Result<(), patch::PatchFault>,
) {
    if let Err(fault) = result
        && (patch.is_required() || !fault.is_not_found())
    {
        errors.push(PatchError::new(template, patch, fault));
    }
}

/// What the composite's own schema does not know would never be stored: it is dropped before any
/// child reads it, or every pass would patch it again.
fn known_fields(input: &Input<'_>, composite: Manifest) -> (Manifest, Vec<Warning>) {
    let gvk = composite.gvk();
    let Some(schema) = (input.schema)(&gvk) else { return (composite, Vec::new()) };
    let (pruned, dropped) = schema::prune(composite.clone().into_value(), &schema);
    let template = String::new();
    let warning = |field| Warning::Dropped { template: template.clone(), gvk: gvk.clone(), field };
    let pruned = Manifest::try_from(pruned).unwrap_or(composite);
    (pruned, dropped.into_iter().map(warning).collect())
}
