use std::collections::HashSet;
use std::time::Duration;

use capstan_api::flux::KustomizationSpec;
use capstan_apply::{Action, Live as _, Outcome};
use capstan_health::{Status, assess, is_static};
use capstan_model::{Advice, FluxDuration, GroupVersionKind, Manifest, ObjectId};
use capstan_plan::Plan;

use super::expressions::Expressions;
use crate::follow::Seen;
use crate::owned::OwnedIn;
use crate::world::Place;

/// How the objects of a unit are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All are current.
    Healthy,
    /// These are not yet.
    Waiting(Vec<String>),
    /// These have failed for good.
    Failed(Vec<String>),
}

/// The objects whose health counts: all that were applied, or those that are named, never the unit itself. What is left alone
/// is not judged.
pub(super) fn places(
    unit: &Manifest,
    spec: &KustomizationSpec,
    plan: &Plan,
    outcome: &Outcome,
) -> Vec<Place> {
    let mut places: Vec<Place> = if spec.wait == Some(true) {
        let skipped = outcome.applied.iter().filter(|applied| applied.action == Action::Skipped);
        let skipped: HashSet<&ObjectId> = skipped.map(|applied| &applied.id).collect();
        let place = |step: &capstan_plan::ApplyStep| {
            Place::new(step.manifest.gvk(), &step.id.namespace, &step.id.name)
        };
        plan.steps().filter(|step| !skipped.contains(&step.id)).map(place).collect()
    } else {
        let place = |check: &capstan_api::flux::HealthCheck| {
            let api_version = check.api_version.as_deref().unwrap_or("apps/v1");
            let gvk = GroupVersionKind::from_api_version(api_version, &check.kind);
            Place::new(gvk, check.namespace.as_deref().unwrap_or_default(), &check.name)
        };
        spec.health_checks.iter().map(place).collect()
    };
    let own = unit.id();
    places.retain(|place| {
        place.gvk.kind != own.kind || place.name != own.name || place.namespace != own.namespace
    });
    places
}

/// Flux's bound: `timeout`, else the interval less 30 s, and never below 30 s when it is not given.
pub(super) fn timeout(spec: &KustomizationSpec) -> Duration {
    let read = |text: &str| text.parse::<FluxDuration>().ok().map(|duration| duration.0);
    let floor = Duration::from_secs(30);
    spec.timeout.as_deref().and_then(read).unwrap_or_else(|| {
        let interval = read(&spec.interval).unwrap_or(floor);
        interval.saturating_sub(floor).max(floor)
    })
}

/// Is the object there, as its watch shows, and is that all there is to ask of its kind?
pub(super) fn is_there(owned: &OwnedIn<'_>, place: &Place) -> bool {
    is_static(&place.gvk)
        && owned.sight(&place.gvk, &place.id()).flatten().is_some_and(|sight| !sight.is_deleting)
}

/// How an object is, and what there is to say of it.
pub(super) fn health_of(object: &Manifest, expressions: &Expressions) -> (Status, String) {
    let health = match expressions.health_of(&object.gvk()) {
        Some(expressions) => match expressions.assess(object.value()) {
            Ok(health) => health,
            Err(error) => return (Status::Unknown, error.to_string()),
        },
        None => assess(object),
    };
    (health.status, health.message)
}

/// Judges what was seen.
pub(super) fn judge(seen: &[Seen], expressions: &Expressions) -> Verdict {
    let (mut waiting, mut failed) = (Vec::new(), Vec::new());
    for (place, object) in seen {
        let (status, message) = match object {
            Ok(Some(object)) => health_of(object, expressions),
            Ok(None) => (Status::NotFound, String::new()),
            Err(error) if error.is_no_such_kind() => (Status::NotFound, Advice(error).to_string()),
            Err(error) => (Status::Unknown, Advice(error).to_string()),
        };
        let text = format!("{} status: '{}'{}", subject(place), status.as_str(), detail(&message));
        match status {
            Status::Current => {}
            Status::Failed => failed.push(text),
            _ => waiting.push(text),
        }
    }
    if !failed.is_empty() {
        Verdict::Failed(failed)
    } else if waiting.is_empty() {
        Verdict::Healthy
    } else {
        Verdict::Waiting(waiting)
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn subject(place: &Place) -> String {
    if place.namespace.is_empty() {
        format!("{}/{}", place.gvk.kind, place.name)
    } else {
        format!("{}/{}/{}", place.gvk.kind, place.namespace, place.name)
    }
}
