//! What a run of a unit needs before it can begin.

use capstan_api::flux::KustomizationSpec;
use capstan_model::{Condition, ConditionStatus, Conditions, Manifest, NamespacedName};
use capstan_report::Failure;

use super::expressions::Expressions;
use super::keys::{self, UnitKeys};
use super::target::{self, Target};
use super::variables::{self, Variables};
use super::{depends, failure, kms};
use crate::follow::Topic;
use crate::kinds;
use crate::source::Source;
use crate::world::{Place, World};

/// Source, variables and target.
pub(super) struct Ready {
    pub(super) source: Source,
    pub(super) variables: Variables,
    pub(super) target: Target,
    pub(super) keys: UnitKeys,
}

/// Gets them; a failure comes with the revision that it is about, if that is known.
pub(super) async fn ready(
    world: &World,
    unit: &Manifest,
    spec: &KustomizationSpec,
    expressions: &Expressions,
) -> Result<Ready, (Failure, Option<String>)> {
    let source = source(world, unit, spec).map_err(|failure| (failure, None))?;
    let revision = source.revision.clone();
    let with_revision = |failure| (failure, Some(revision.clone()));
    depends::check(&world.kustomizations, unit, (spec, expressions), &revision)
        .map_err(with_revision)?;
    let variables = variables::read(&world.cluster, spec.post_build.as_ref(), unit.namespace())
        .await
        .map_err(with_revision)?;
    let keys = keys::read(world, unit, spec).await.map_err(with_revision)?;
    let target = target::target(world, unit, spec)
        .await
        .map_err(|none| with_revision(none.into_failure()))?;
    Ok(Ready { source, variables, target, keys })
}

fn source(world: &World, unit: &Manifest, spec: &KustomizationSpec) -> Result<Source, Failure> {
    let Some(key) = depends::source_of(unit) else {
        let message = format!("sources of kind {} are not supported yet", spec.source_ref.kind);
        return Err(Failure { stalled: true, ..failure("ArtifactFailed", message) });
    };
    if world.args.no_cross_namespace_refs && key.place.namespace != unit.namespace() {
        let message = format!(
            "can't access '{key}', cross-namespace references have been blocked; put the source into the \
             Kustomization's namespace"
        );
        return Err(Failure { stalled: true, ..failure("AccessDenied", message) });
    }
    if let Some(source) = world.sources.get(&key) {
        return Ok(source);
    }
    let message = match world.source_objects.get(&key) {
        Some(source) => {
            let failed = world.sources.failure(&key);
            let why = failed.unwrap_or_else(|| ready_message(&source));
            format!("Source artifact not found, retrying in 30s: {key}: {why}")
        }
        None => format!("Source '{key}' not found: create it, or correct spec.sourceRef"),
    };
    Err(failure("ArtifactFailed", message))
}

/// Was the process started a moment ago, and its source not read again yet? The unit is as good as it was until then.
pub(super) fn source_is_loading(world: &World, unit: &Manifest) -> bool {
    let Some(key) = depends::source_of(unit) else { return false };
    let Some(source) = world.source_objects.get(&key) else { return false };
    let has_failed = ready_condition(&source).is_some_and(|c| c.status == ConditionStatus::False);
    let was_fetched = kinds::status(&source).get("artifact").is_some();
    match world.sources.get(&key) {
        None => was_fetched && !has_failed && world.sources.failure(&key).is_none(),
        // The artifact's revision is the last one only for units that have not begun a newer one: nothing goes back.
        Some(source) => {
            let status = kinds::status(unit);
            let attempted = status.get("lastAttemptedRevision").and_then(|text| text.as_str());
            source.is_restored && attempted.is_some_and(|attempted| attempted != source.revision)
        }
    }
}

/// What a source says of itself.
fn ready_message(source: &Manifest) -> String {
    let ready = ready_condition(source).map(|ready| ready.message);
    ready.unwrap_or_else(|| "it was not fetched yet".to_owned())
}

fn ready_condition(source: &Manifest) -> Option<Condition> {
    let list = kinds::status(source).get("conditions").cloned()?;
    let conditions: Conditions = serde_json::from_value(list).ok()?;
    conditions.get("Ready").cloned()
}

/// Wakes the unit when a ConfigMap, a Secret or the identity that it reads with changes.
pub(super) fn follow_inputs(
    world: &World,
    key: &NamespacedName,
    unit: &Manifest,
    spec: &KustomizationSpec,
) {
    let mut places = variables::places(spec.post_build.as_ref(), unit.namespace());
    let place = |gvk, name: &str| Place::new(gvk, unit.namespace(), name);
    if let Some(kube_config) = &spec.kube_config {
        let (secret, config_map) = (&kube_config.secret_ref, &kube_config.config_map_ref);
        places.extend(secret.as_ref().map(|named| place(kinds::secret(), &named.name)));
        places.extend(config_map.as_ref().map(|named| place(kinds::config_map(), &named.name)));
    }
    let keys = spec.decryption.as_ref().and_then(|decryption| decryption.secret_ref.as_ref());
    places.extend(keys.map(|named| place(kinds::secret(), &named.name)));
    places.extend(kms::account(world, spec).map(|name| place(kinds::service_account(), name)));
    world.followed.follow(key, Topic::Inputs, &world.cluster, &places);
}
