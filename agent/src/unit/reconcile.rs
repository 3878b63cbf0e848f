use std::sync::Arc;
use std::time::Duration;

use capstan_api::flux::{KustomizationSpec, REQUESTED_AT};
use capstan_apply::{Outcome, Pruned, StepFailure};
use capstan_cluster::{ClusterError, EventType};
use capstan_model::{Chain, FluxDuration, Manifest, NamespacedName};
use capstan_plan::Plan;
use capstan_report::{Built, Failure, Health, UnitOutcome, unit_status};
use capstan_runtime::Next;
use capstan_tree::ReadSet;
use tokio::time::Instant;

use super::build::Build;
use super::depends::is_ready;
use super::health::{self, Verdict};
use super::memory::{Done, Inputs, Memory, Phase};
use super::ready::{Ready, follow_inputs, ready, source_is_loading};
use super::redact::Hidden;
use super::{build, causes, failure, finalize, notes, reuse};
use crate::follow::Topic;
use crate::kinds;
use crate::world::{Place, World};

/// The safety net behind an event that wakes us: Flux's `--requeue-dependency`.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How soon to look at the rest when an object that was to be deleted is gone already.
pub(super) const SEEN_GONE: Duration = Duration::from_millis(50);

/// How soon to look again at what cannot be watched: Flux's pace.
const LOOK_SOON: Duration = Duration::from_secs(5);

/// Brings a unit to its revision, and reports.
///
/// Flow: source, dependencies, variables, build, plan, union inventory, apply, prune, health, status. Idempotent: a run that
/// was cut off anywhere is simply made again. A failure leaves what was applied before.
pub(crate) async fn reconcile(world: World, key: NamespacedName) -> Next {
    let read = world.cluster.get(&kinds::kustomization(), &key.namespace, &key.name).await;
    let done = match read {
        Ok(Some(mut unit)) => reconcile_unit(&world, &key, &mut unit).await,
        Ok(None) => {
            world.memories.forget(&key);
            return Next::Wait;
        }
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        tracing::warn!(unit = %key, error = %Chain(&error), "failed to read or report");
        Next::Backoff
    })
}

async fn reconcile_unit(
    world: &World,
    key: &NamespacedName,
    unit: &mut Manifest,
) -> Result<Next, ClusterError> {
    if unit.is_deleting() {
        return finalize::finalize(world, key, unit).await;
    }
    world.add_finalizer(unit).await?;
    let spec: KustomizationSpec = match kinds::spec(unit) {
        Ok(spec) => spec,
        Err(message) => {
            let failure = Failure { stalled: true, ..failure("InvalidSpec", message) };
            return fail(world, key, unit, None, failure, Duration::MAX).await;
        }
    };
    if spec.suspend == Some(true) {
        return Ok(Next::Wait);
    }
    if source_is_loading(world, unit) {
        return Ok(Next::After(LOOK_AGAIN));
    }
    let ready = match ready(world, unit, &spec).await {
        Ok(ready) => ready,
        Err((failure, revision)) => {
            return fail(world, key, unit, revision, failure, LOOK_AGAIN.min(retry(&spec))).await;
        }
    };
    follow_inputs(world, key, unit, &spec);
    let run = Run { world, key, spec, ready };
    let memory = world.memories.get(key);
    let inputs = run.inputs(unit);
    let Some(done) = &memory.done else { return run.apply(unit, memory, inputs).await };
    if let Some(done) = reuse::carried_over(done, &inputs, &run.ready.source) {
        return run.adopt(unit, Memory { done: Some(done), ..memory }).await;
    }
    match done.clone() {
        done if done.inputs != inputs => run.apply(unit, memory, inputs).await,
        Done { phase: Phase::Checking { places, timed_out }, at, .. } => {
            run.check(unit, memory, (places, at, timed_out)).await
        }
        Done { phase: Phase::Ready { .. }, applied, .. } if run.is_fresh(applied) => {
            Ok(Next::After(run.until_drift(applied)))
        }
        _ => run.apply(unit, memory, inputs).await,
    }
}

/// A plan, the digest of what it was made from, and what of the source was read for it.
struct Planned {
    plan: Plan,
    digest: String,
    reads: Option<ReadSet>,
}

/// One run of a unit whose inputs are all there.
struct Run<'a> {
    world: &'a World,
    key: &'a NamespacedName,
    spec: KustomizationSpec,
    ready: Ready,
}

impl Run<'_> {
    fn revision(&self) -> String {
        self.ready.source.revision.clone()
    }

    fn inputs(&self, unit: &Manifest) -> Inputs {
        Inputs {
            revision: self.revision(),
            generation: unit.generation().unwrap_or_default(),
            requested_at: unit.annotation(REQUESTED_AT).map(str::to_owned),
            variables: self.ready.variables.digest(),
            target: self.ready.target.name.clone(),
        }
    }

    /// How long until everything is sent again, to undo drift.
    fn until_drift(&self, applied: Instant) -> Duration {
        interval(&self.spec).saturating_sub(applied.elapsed())
    }

    fn is_fresh(&self, applied: Instant) -> bool {
        !self.until_drift(applied).is_zero()
    }

    /// Takes a revision over that the build would not tell from the last one. Only health is looked at again.
    async fn adopt(&self, unit: &mut Manifest, mut memory: Memory) -> Result<Next, ClusterError> {
        let inventory = build::inventory_status(&build::inventory(unit));
        if let Some(done) = &mut memory.done {
            done.at = Instant::now();
        }
        self.start_check(unit, memory, inventory, Vec::new()).await
    }

    /// Does the unit say that just this is applied and ready? Then looking for drift is no news to those that depend on it.
    fn is_settled(&self, unit: &Manifest) -> bool {
        let status = kinds::status(unit);
        let text = |field: &str| status.get(field).and_then(serde_json::Value::as_str);
        is_ready(unit)
            && text("lastAppliedRevision") == Some(&self.revision())
            && text("lastHandledReconcileAt") == unit.annotation(REQUESTED_AT)
    }

    async fn apply(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        inputs: Inputs,
    ) -> Result<Next, ClusterError> {
        let at = Instant::now();
        if may_have_drifted(memory.done.as_ref(), &inputs) {
            memory.known = capstan_apply::Known::default();
        }
        let is_same = memory.done.as_ref().is_none_or(|done| done.inputs == inputs);
        if !is_same || !self.is_settled(unit) {
            self.report_progress(unit).await?;
        }
        let failed =
            Done { inputs, at, applied: at, reads: None, digest: None, phase: Phase::Failed };
        let mut hidden = self.ready.variables.hidden.clone();
        let Planned { plan, digest, reads } = match self.plan(unit, &mut hidden).await {
            Ok(planned) => planned,
            Err(failure) => return self.fail(unit, memory, failed, hidden.redact(failure)).await,
        };
        let reads = self.ready.source.tree.id("").zip(reads.map(Arc::new));
        let done = Done { digest: Some(digest), reads, ..failed };
        let union = build::inventory_status(&plan.union_inventory);
        if plan.union_inventory != build::inventory(unit) {
            self.write(unit, &UnitOutcome::Inventory(union.clone())).await?;
        }
        let cluster = &self.ready.target.cluster;
        let outcome = capstan_apply::apply(cluster, &plan, &mut memory.known).await;
        if !outcome.failed.is_empty() {
            self.announce(unit, &outcome, &Pruned::default()).await;
            let failure = hidden.redact(apply_failure(&outcome));
            let next = self.fail(unit, memory, done, failure).await?;
            let is_transient = outcome.failed.iter().any(StepFailure::is_transient);
            return Ok(if is_transient { Next::Backoff } else { next });
        }
        let pruned = capstan_apply::prune(cluster, &plan.prune).await;
        self.announce(unit, &outcome, &pruned).await;
        if let Some(first) = pruned.failed.first() {
            let failure = failure("PruneFailed", first.to_string());
            return self.fail(unit, memory, done, failure).await;
        }
        let places = self.pending_places(&plan, &pruned);
        let is_pruning = !places.is_empty();
        let to_check = health::places(unit, &self.spec, &plan);
        let phase = Phase::Checking { places: to_check, timed_out: false };
        memory.done = Some(Done { phase, ..done });
        let inventory =
            if is_pruning { union } else { build::inventory_status(&plan.final_inventory) };
        self.start_check(unit, memory, inventory, places).await
    }

    /// Builds, and plans what was built.
    async fn plan(&self, unit: &Manifest, hidden: &mut Hidden) -> Result<Planned, Failure> {
        let Ready { source, variables, target } = &self.ready;
        let Build { manifests, reads } = {
            let (source, spec, fetcher) =
                (source.clone(), self.spec.clone(), self.world.fetcher.clone());
            let overlay = build::overlay(unit)?;
            build::build(source, spec, overlay, variables.clone(), fetcher).await?
        };
        hidden.hide_secrets(&manifests);
        let digest = build::digest(&manifests);
        let plan = build::plan(&target.cluster, unit, &self.spec, manifests).await?;
        Ok(Planned { plan, digest, reads })
    }

    /// Pruned objects that are not gone yet keep their place in the inventory, and wake us when they go.
    fn pending_places(&self, plan: &Plan, pruned: &Pruned) -> Vec<Place> {
        let pending = plan.prune.iter().filter(|step| pruned.pending.contains(&step.id));
        pending.map(|step| Place::new(step.gvk(), &step.id.namespace, &step.id.name)).collect()
    }

    async fn start_check(
        &self,
        unit: &mut Manifest,
        memory: Memory,
        inventory: serde_json::Value,
        pending: Vec<Place>,
    ) -> Result<Next, ClusterError> {
        let done = memory.done.clone().expect("set by the caller");
        let Phase::Checking { places, .. } = done.phase.clone() else { return Ok(Next::Wait) };
        if !pending.is_empty() {
            let cluster = &self.ready.target.cluster;
            self.world.followed.follow(self.key, Topic::Health, cluster, &pending);
            let waiting_for = format!("{} objects to be deleted", pending.len());
            self.write_applied(unit, &done, inventory, self.checking(waiting_for)).await?;
            let failed = Done { phase: Phase::Failed, ..memory.done.clone().expect("set above") };
            self.world.memories.put(self.key, Memory { done: Some(failed), ..memory });
            let gone = self.world.followed.any_is_gone(cluster, &pending).await;
            return Ok(Next::After(if gone { SEEN_GONE } else { LOOK_AGAIN }));
        }
        if places.is_empty() {
            return self.finish(unit, memory, inventory, Health::NotChecked).await;
        }
        let is_known = inventory == build::inventory_status(&build::inventory(unit));
        if !is_known || !self.is_settled(unit) {
            self.write_checking(unit, &done, inventory, &places).await?;
        }
        self.check(unit, memory, (places, done.at, false)).await
    }

    async fn write_checking(
        &self,
        unit: &mut Manifest,
        done: &Done,
        inventory: serde_json::Value,
        places: &[Place],
    ) -> Result<(), ClusterError> {
        let waiting_for = format!("{} objects", places.len());
        self.write_applied(unit, done, inventory, self.checking(waiting_for)).await
    }

    fn checking(&self, waiting_for: String) -> Health {
        let timeout = FluxDuration(health::timeout(&self.spec)).to_string();
        Health::Checking { waiting_for, timeout }
    }

    /// Looks at the health of what was applied: ready, waiting, or failed.
    async fn check(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        (places, since, timed_out): (Vec<Place>, Instant, bool),
    ) -> Result<Next, ClusterError> {
        let cluster = &self.ready.target.cluster;
        self.world.followed.follow(self.key, Topic::Health, cluster, &places);
        let seen = self.world.followed.look(cluster, &places).await;
        let (timeout, waited) = (health::timeout(&self.spec), since.elapsed());
        let problem = match health::judge(&seen) {
            Verdict::Healthy => {
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
                    self.write_checking(unit, &done, inventory, &places).await?;
                }
                self.world.memories.put(self.key, memory);
                let is_woken = self.world.followed.watches(cluster, &places);
                let next = if is_woken { LOOK_AGAIN } else { LOOK_SOON };
                return Ok(Next::After((timeout - waited).min(next)));
            }
            Verdict::Waiting(waiting) => format!("timeout waiting for: [{}]", waiting.join(", ")),
        };
        let built = memory.done.as_ref().and_then(built);
        if let Some(done) = &mut memory.done {
            done.phase = Phase::Checking { places, timed_out: true };
        }
        self.world.memories.put(self.key, memory);
        if !timed_out {
            let causes = causes::causes(cluster, &seen).await;
            let after = rounded(waited);
            let message = format!("health check failed after {after}: {problem}{causes}");
            let failure = failure("HealthCheckFailed", message);
            self.write_failure(unit, failure, true, built).await?;
        }
        Ok(Next::After(retry(&self.spec)))
    }

    async fn finish(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        inventory: serde_json::Value,
        health: Health,
    ) -> Result<Next, ClusterError> {
        let Some(done) = memory.done.take() else { return Ok(Next::Wait) };
        let took = done.at.elapsed();
        let places = match &done.phase {
            Phase::Checking { places, .. } => places.clone(),
            _ => Vec::new(),
        };
        // The interval begins when a run ends, unless the run sent nothing.
        let applied = if done.applied == done.at { Instant::now() } else { done.applied };
        memory.done = Some(Done { phase: Phase::Ready { places }, applied, ..done.clone() });
        self.world.memories.put(self.key, memory);
        self.world.followed.follow(self.key, Topic::Health, &self.world.cluster, &[]);
        self.write_applied(unit, &done, inventory, health).await?;
        let next = FluxDuration(interval(&self.spec));
        let message = format!("Reconciliation finished in {}, next run in {next}", rounded(took));
        let event = (EventType::Normal, "ReconciliationSucceeded");
        notes::record(self.world, unit, event, message, Some(&self.revision())).await;
        tracing::info!(unit = %self.key, revision = self.revision(), took_ms = took.as_millis(), "applied");
        Ok(Next::After(self.until_drift(applied)))
    }

    async fn fail(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        done: Done,
        failure: Failure,
    ) -> Result<Next, ClusterError> {
        let built = built(&done);
        memory.done = Some(done);
        self.world.memories.put(self.key, memory);
        let failure = self.ready.target.explain(failure).await;
        let stalled = failure.stalled;
        self.write_failure(unit, failure, false, built).await?;
        if stalled { Ok(Next::Wait) } else { Ok(Next::After(retry(&self.spec))) }
    }

    async fn report_progress(&self, unit: &mut Manifest) -> Result<(), ClusterError> {
        let message = format!("Building manifests for revision {}", self.revision());
        let revision = self.revision();
        self.write(unit, &UnitOutcome::Progressing { message, revision }).await
    }

    async fn write_applied(
        &self,
        unit: &mut Manifest,
        done: &Done,
        inventory: serde_json::Value,
        health: Health,
    ) -> Result<(), ClusterError> {
        let (revision, built) = (self.revision(), built(done));
        let outcome = UnitOutcome::Applied { revision, inventory, health: health.clone(), built };
        let attempt = match health {
            Health::Checking { .. } => World::attempt(unit),
            _ => World::ended(unit),
        };
        let status = unit_status(&kinds::status(unit), &outcome, attempt);
        self.world.write_status(unit, status).await
    }

    async fn write_failure(
        &self,
        unit: &mut Manifest,
        failure: Failure,
        unhealthy: bool,
        built: Option<Built>,
    ) -> Result<(), ClusterError> {
        let (failure, revision) = (failure, Some(self.revision()));
        let outcome = UnitOutcome::Failed { failure, revision, unhealthy, built };
        write_failure(self.world, unit, outcome).await
    }

    async fn write(&self, unit: &mut Manifest, outcome: &UnitOutcome) -> Result<(), ClusterError> {
        let status = unit_status(&kinds::status(unit), outcome, World::attempt(unit));
        self.world.write_status(unit, status).await
    }

    async fn announce(&self, unit: &Manifest, outcome: &Outcome, pruned: &Pruned) {
        let lines = notes::change_set(outcome, pruned);
        if lines.is_empty() {
            return;
        }
        tracing::info!(unit = %self.key, revision = self.revision(), changes = lines.len(), "changed");
        let event = (EventType::Normal, "Progressing");
        notes::record(self.world, unit, event, lines.join("\n"), Some(&self.revision())).await;
    }
}

/// Must every object be sent again? A new revision sends only what changed; anything else looks for drift too.
fn may_have_drifted(done: Option<&Done>, inputs: &Inputs) -> bool {
    done.is_none_or(|done| {
        done.phase == Phase::Failed
            || done.inputs.revision == inputs.revision
            || done.inputs.requested_at != inputs.requested_at
            || done.inputs.target != inputs.target
    })
}

/// All failures of a revision at once, in Flux's words.
fn apply_failure(outcome: &Outcome) -> Failure {
    let lines: Vec<_> = outcome.failed.iter().map(ToString::to_string).collect();
    failure("ReconciliationFailed", lines.join("\n"))
}

async fn fail(
    world: &World,
    key: &NamespacedName,
    unit: &mut Manifest,
    revision: Option<String>,
    failure: Failure,
    next: Duration,
) -> Result<Next, ClusterError> {
    if let Ok(spec) = kinds::spec(unit) {
        follow_inputs(world, key, unit, &spec);
    }
    let stalled = failure.stalled;
    let outcome = UnitOutcome::Failed { failure, revision, unhealthy: false, built: None };
    write_failure(world, unit, outcome).await?;
    if stalled { Ok(Next::Wait) } else { Ok(Next::After(next)) }
}

/// Writes a failure, and an event when it is a new one.
async fn write_failure(
    world: &World,
    unit: &mut Manifest,
    outcome: UnitOutcome,
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
        tracing::warn!(unit = %unit.id(), reason = failure.reason, message = failure.message, "not ready");
        let event = (EventType::Warning, &*failure.reason);
        notes::record(world, unit, event, failure.message.clone(), revision.as_deref()).await;
    }
    Ok(())
}

/// What a run built, and how long it has taken so far.
fn built(done: &Done) -> Option<Built> {
    let digest = done.digest.clone()?;
    Some(Built { digest, took: rounded(done.at.elapsed()) })
}

fn interval(spec: &KustomizationSpec) -> Duration {
    spec.interval.parse::<FluxDuration>().map_or(Duration::from_secs(60), |duration| duration.0)
}

fn retry(spec: &KustomizationSpec) -> Duration {
    let given = spec.retry_interval.as_deref().and_then(|text| text.parse::<FluxDuration>().ok());
    given.map_or_else(|| interval(spec), |duration| duration.0)
}

/// To the millisecond, in Go's form.
fn rounded(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    FluxDuration(Duration::from_millis(millis)).to_string()
}
