//! The health of what a run applied: ready, waiting, or failed. Waiting holds no worker.

use std::time::Duration;

use capstan_cluster::ClusterError;
use capstan_model::{FluxDuration, Manifest};
use capstan_report::Health;
use capstan_runtime::Next;
use serde_json::Value;
use tokio::time::Instant;

use super::depends::is_ready;
use super::health::{self, Verdict};
use super::memory::{Done, Memory, Phase};
use super::reconcile::{LOOK_AGAIN, SEEN_GONE};
use super::run::Run;
use super::status::{built, condition_message, interval, left, retry, rounded};
use super::{build, causes, failure};
use crate::follow::Topic;
use crate::kinds;
use crate::world::Place;

/// How soon to look again at what cannot be watched: Flux's pace.
const LOOK_SOON: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// Everything is applied: waits for what is being deleted, then for health.
    pub(super) async fn start_check(
        &self,
        unit: &mut Manifest,
        memory: Memory,
        inventory: Value,
        pending: Vec<Place>,
    ) -> Result<Next, ClusterError> {
        let Some(done) = memory.done.clone() else { return Ok(Next::Wait) };
        let Phase::Checking { places, .. } = done.phase.clone() else { return Ok(Next::Wait) };
        if !pending.is_empty() {
            return self.await_deletion(unit, memory, (done, inventory), &pending).await;
        }
        let checked = !places.is_empty();
        let open: Vec<Place> =
            places.into_iter().filter(|place| !self.is_proven(&memory, place)).collect();
        if open.is_empty() {
            let after = rounded(done.at.elapsed());
            let health = if checked { Health::Passed { after } } else { Health::NotChecked };
            return self.finish(unit, memory, inventory, health).await;
        }
        let is_known = inventory == build::inventory_status(&build::inventory(unit));
        if !is_known || !self.is_settled(unit) {
            let told = (&done, left(&memory.known));
            self.write_checking(unit, told, inventory, &open).await?;
        }
        self.check(unit, memory, (open, done.at, false)).await
    }

    /// Was it seen healthy as it is, or is it of a kind that is healthy when it is there?
    fn is_proven(&self, memory: &Memory, place: &Place) -> bool {
        memory.proven.hold(&self.owned(), place)
            || (self.expressions.health_of(&place.gvk).is_none()
                && health::is_there(&self.owned(), place))
    }

    async fn await_deletion(
        &self,
        unit: &mut Manifest,
        memory: Memory,
        (done, inventory): (Done, Value),
        pending: &[Place],
    ) -> Result<Next, ClusterError> {
        let cluster = &self.ready.target.cluster;
        self.world.followed.follow(self.key, Topic::Health, cluster, pending);
        let waiting_for = format!("{} objects to be deleted", pending.len());
        let told = (&done, left(&memory.known));
        self.write_applied(unit, told, inventory, self.checking(waiting_for)).await?;
        let failed = Done { phase: Phase::Failed, ..done };
        self.world.memories.put(self.key, Memory { done: Some(failed), ..memory });
        let gone = self.world.followed.any_is_gone(cluster, pending).await;
        Ok(Next::After(if gone { SEEN_GONE } else { LOOK_AGAIN }))
    }

    async fn write_checking(
        &self,
        unit: &mut Manifest,
        told: (&Done, Vec<String>),
        inventory: Value,
        places: &[Place],
    ) -> Result<(), ClusterError> {
        let waiting_for = format!("{} objects", places.len());
        self.write_applied(unit, told, inventory, self.checking(waiting_for)).await
    }

    fn checking(&self, waiting_for: String) -> Health {
        Health::Checking { waiting_for, timeout: self.timeout() }
    }

    /// The bound of the health checks, in Go's form.
    pub(super) fn timeout(&self) -> String {
        FluxDuration(health::timeout(&self.spec)).to_string()
    }

    /// Looks at the health of what was applied: ready, waiting, or failed.
    pub(super) async fn check(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        (places, since, timed_out): (Vec<Place>, Instant, bool),
    ) -> Result<Next, ClusterError> {
        let cluster = &self.ready.target.cluster;
        self.world.followed.follow(self.key, Topic::Health, cluster, &places);
        let seen = self.world.followed.look(cluster, &places).await;
        let (timeout, waited) = (health::timeout(&self.spec), since.elapsed());
        let problem = match health::judge(&seen, &self.expressions) {
            Verdict::Healthy => {
                for object in seen.iter().filter_map(|(_, found)| found.as_ref().ok()?.as_ref()) {
                    memory.proven.note(object);
                }
                let after = rounded(waited);
                let inventory = build::inventory_status(&build::inventory(unit));
                return self.finish(unit, memory, inventory, Health::Passed { after }).await;
            }
            Verdict::Failed(failed) => {
                format!("failed early due to stalled resources: [{}]", failed.join(", "))
            }
            Verdict::Waiting(_) if waited < timeout => {
                if let Some(done) = memory.done.clone().filter(|_| self.is_settled(unit)) {
                    let inventory = build::inventory_status(&build::inventory(unit));
                    let told = (&done, left(&memory.known));
                    self.write_checking(unit, told, inventory, &places).await?;
                }
                self.world.memories.put(self.key, memory);
                let is_woken = self.world.followed.watches(cluster, &places);
                let next = if is_woken { LOOK_AGAIN } else { LOOK_SOON };
                return Ok(Next::After((timeout - waited).min(next)));
            }
            Verdict::Waiting(waiting) => format!("timeout waiting for: [{}]", waiting.join(", ")),
        };
        let built = memory.done.as_ref().and_then(|done| built(done, &self.ready.source));
        if let Some(done) = &mut memory.done {
            done.phase = Phase::Checking { places, timed_out: true };
        }
        self.world.memories.put(self.key, memory);
        let detail = format!("{problem}{}", causes::causes(cluster, &seen).await);
        // After the timeout it is told again only when there is something new to tell.
        if !timed_out || !condition_message(unit, "Ready").ends_with(&detail) {
            let message = format!("health check failed after {}: {detail}", rounded(waited));
            let failure = failure("HealthCheckFailed", message);
            self.write_failure(unit, failure, true, built).await?;
        }
        Ok(Next::After(retry(&self.spec)))
    }

    async fn finish(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        inventory: Value,
        health: Health,
    ) -> Result<Next, ClusterError> {
        let Some(done) = memory.done.take() else { return Ok(Next::Wait) };
        let took = done.at.elapsed();
        let places = match &done.phase {
            Phase::Checking { places, .. } => places.clone(),
            _ => Vec::new(),
        };
        // The interval begins when a run ends.
        let applied = Instant::now();
        memory.done = Some(Done { phase: Phase::Ready { places }, applied, ..done.clone() });
        let left = left(&memory.known);
        self.world.memories.put(self.key, memory);
        self.world.followed.follow(self.key, Topic::Health, &self.world.cluster, &[]);
        let is_news = !done.is_quiet || !is_ready(unit);
        let was_healthy = is_healthy(&kinds::status(unit));
        self.write_applied(unit, (&done, left), inventory, health.clone()).await?;
        if let Health::Passed { after } = health
            && !was_healthy
        {
            self.note(unit, "Progressing", format!("Health check passed in {after}"));
        }
        if is_news {
            let next = FluxDuration(interval(&self.spec));
            let took = rounded(took);
            let message = format!("Reconciliation finished in {took}, next run in {next}");
            self.note(unit, "ReconciliationSucceeded", message);
        }
        tracing::info!(unit = %self.key, revision = self.revision(), took_ms = took.as_millis(), "applied");
        Ok(Next::After(self.until_drift(applied)))
    }
}

/// Did the last health checks pass?
fn is_healthy(status: &Value) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Healthy" && condition["status"] == "True")
}
