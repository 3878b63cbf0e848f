//! What a run writes about its unit.

use std::time::Duration;

use capstan_api::flux::KustomizationSpec;
use capstan_apply::Known;
use capstan_cluster::{ClusterError, EventType};
use capstan_model::{FluxDuration, Manifest};
use capstan_report::{Built, Failure, Health, UnitOutcome, unit_status};
use serde_json::Value;

use super::depends::is_ready;
use super::memory::Done;
use super::notes::{self, Revisions};
use super::run::Run;
use crate::kinds;
use crate::source::Source;
use crate::world::World;

impl Run<'_> {
    /// Does the unit say that just this is applied and ready? Then looking for drift is no news to those that depend on it.
    pub(super) fn is_settled(&self, unit: &Manifest) -> bool {
        let status = kinds::status(unit);
        let text = |field: &str| status.get(field).and_then(Value::as_str);
        is_ready(unit)
            && text("lastAppliedRevision") == Some(&self.revision())
            && text("lastHandledReconcileAt") == unit.annotation(capstan_api::flux::REQUESTED_AT)
    }

    pub(super) async fn write_applied(
        &self,
        unit: &mut Manifest,
        (done, left): (&Done, Vec<String>),
        inventory: Value,
        health: Health,
    ) -> Result<(), ClusterError> {
        self.tell_left(unit, &left);
        let (revision, built) = (self.revision(), built(done, &self.ready.source));
        let health_too = health.clone();
        let outcome = UnitOutcome::Applied { revision, inventory, health: health_too, built, left };
        let attempt = match health {
            Health::Checking { .. } => World::attempt(unit),
            _ => World::ended(unit),
        };
        let mut status = unit_status(&kinds::status(unit), &outcome, attempt);
        if status.get("lastAppliedRevision").is_some() {
            status["lastAppliedOriginRevision"] = self.ready.source.origin().into();
        }
        self.world.write_status(unit, status).await
    }

    /// Tells what is left to others, when that is news.
    fn tell_left(&self, unit: &Manifest, left: &[String]) {
        let (message, type_) = (left.join("\n"), EventType::Warning);
        let told = condition_message(unit, "Shared");
        if !left.is_empty() && told != message {
            let event = (type_, "OwnedByAnother");
            notes::record(self.world, unit, event, message, self.revisions(&self.revision()));
        }
    }

    pub(super) async fn write_failure(
        &self,
        unit: &mut Manifest,
        failure: Failure,
        unhealthy: bool,
        built: Option<Built>,
    ) -> Result<(), ClusterError> {
        let (failure, revision) = (failure, Some(self.revision()));
        let outcome = UnitOutcome::Failed { failure, revision, unhealthy, built };
        write_failure(self.world, unit, outcome, self.ready.source.origin()).await
    }

    pub(super) async fn write(
        &self,
        unit: &mut Manifest,
        outcome: &UnitOutcome,
    ) -> Result<(), ClusterError> {
        let status = unit_status(&kinds::status(unit), outcome, World::attempt(unit));
        self.world.write_status(unit, status).await
    }

    /// Records a good event.
    pub(super) fn note(&self, unit: &Manifest, reason: &str, message: String) {
        let event = (EventType::Normal, reason);
        notes::record(self.world, unit, event, message, self.revisions(&self.revision()));
    }

    /// A revision of the source, and what the source says that it was made from.
    pub(super) fn revisions<'b>(&'b self, revision: &'b str) -> Revisions<'b> {
        Revisions { revision: Some(revision), origin: self.ready.source.origin() }
    }
}

/// Writes a failure, and an event when it is a new one; `origin` is what the source was made from.
pub(super) async fn write_failure(
    world: &World,
    unit: &mut Manifest,
    outcome: UnitOutcome,
    origin: Option<&str>,
) -> Result<(), ClusterError> {
    let before = kinds::status(unit);
    let status = unit_status(&before, &outcome, World::ended(unit));
    let differs = |key: &str| before.get(key) != status.get(key);
    let is_new = differs("conditions");
    let is_counted = status.get("history").is_some();
    if is_new || is_counted || differs("lastHandledReconcileAt") {
        world.write_status(unit, status).await?;
    }
    if let UnitOutcome::Failed { failure, revision, .. } = outcome
        && is_new
    {
        let waits_for_unit = failure.reason == "DependencyNotReady";
        let (reason, message) = (&failure.reason, &failure.message);
        // To wait for another is no fault.
        if waits_for_unit || (failure.reason == "ArtifactFailed" && revision.is_none()) {
            tracing::info!(unit = %unit.id(), reason, message, "not ready");
        } else {
            tracing::warn!(unit = %unit.id(), reason, message, "not ready");
        }
        let type_ = if waits_for_unit { EventType::Normal } else { EventType::Warning };
        let event = (type_, &*failure.reason);
        let revisions = Revisions { revision: revision.as_deref(), origin };
        notes::record(world, unit, event, failure.message.clone(), revisions);
    }
    Ok(())
}

/// What the unit says in a condition.
pub(super) fn condition_message(unit: &Manifest, type_: &str) -> String {
    let status = kinds::status(unit);
    let conditions = status.get("conditions").and_then(Value::as_array);
    let condition = conditions.and_then(|list| list.iter().find(|c| c["type"] == type_));
    condition.and_then(|c| c["message"].as_str()).unwrap_or_default().to_owned()
}

/// Objects that belong to other units, and what can be done about it.
pub(super) fn left(known: &Known) -> Vec<String> {
    let line = |(id, holder)| {
        format!(
            "{id} belongs to Kustomization {holder} and is left to it: remove it from one of the two"
        )
    };
    known.left_to_others().into_iter().map(line).collect()
}

/// What a run built, and how long it has taken so far.
pub(super) fn built(done: &Done, source: &Source) -> Option<Built> {
    let digest = done.digest.clone()?;
    let origin = source.origin().map(str::to_owned);
    Some(Built { digest, took: rounded(done.at.elapsed()), origin })
}

pub(super) fn interval(spec: &KustomizationSpec) -> Duration {
    spec.interval.parse::<FluxDuration>().map_or(Duration::from_secs(60), |duration| duration.0)
}

/// How soon a failure is tried again.
pub(super) fn retry(spec: &KustomizationSpec) -> Duration {
    let given = spec.retry_interval.as_deref().and_then(|text| text.parse::<FluxDuration>().ok());
    given.map_or_else(|| interval(spec), |duration| duration.0)
}

/// To the millisecond, in Go's form.
pub(super) fn rounded(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    FluxDuration(Duration::from_millis(millis)).to_string()
}
