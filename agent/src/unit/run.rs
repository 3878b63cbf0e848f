//! One run of a unit whose inputs are all there: plan, apply, prune.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use capstan_api::flux::{KustomizationSpec, REQUESTED_AT};
use capstan_apply::{Known, Outcome, Pruned, StepFailure};
use capstan_cluster::ClusterError;
use capstan_model::{Manifest, NamespacedName, ObjectId};
use capstan_plan::{InventoryEntry, Plan};
use capstan_report::{Failure, UnitOutcome};
use capstan_runtime::Next;
use capstan_tree::ReadSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::build::Build;
use super::expressions::Expressions;
use super::memory::{Done, Inputs, Memory, Phase};
use super::proofs::Proofs;
use super::ready::Ready;
use super::redact::Hidden;
use super::status::{built, interval, retry};
use super::{build, drift, failure, guard, health, notes};
use crate::owned::OwnedIn;
use crate::world::{Place, World};

/// Work that takes longer is told; most is done before anybody could read it.
const LONG: Duration = Duration::from_secs(1);

/// One run of a unit whose inputs are all there.
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) key: &'a NamespacedName,
    pub(super) spec: KustomizationSpec,
    pub(super) expressions: Expressions,
    pub(super) ready: Ready,
}

/// A plan, the digest of what it was made from, and what of the source was read for it.
struct Planned {
    plan: Plan,
    digest: String,
    reads: Option<ReadSet>,
}

impl Run<'_> {
    pub(super) fn revision(&self) -> String {
        self.ready.source.revision.clone()
    }

    pub(super) fn inputs(&self, unit: &Manifest) -> Inputs {
        Inputs {
            revision: self.revision(),
            generation: unit.generation().unwrap_or_default(),
            requested_at: unit.annotation(REQUESTED_AT).map(str::to_owned),
            variables: self.ready.variables.digest(),
            keys: self.ready.keys.version.clone(),
            target: self.ready.target.name.clone(),
        }
    }

    /// What watches show of the objects in the unit's cluster.
    pub(super) fn owned(&self) -> OwnedIn<'_> {
        let cluster = self.ready.target.watcher.identity();
        self.world.owned.of(cluster, &self.world.holders, self.key)
    }

    /// How long until everything is looked at again.
    pub(super) fn until_drift(&self, applied: Instant) -> Duration {
        interval(&self.spec).saturating_sub(applied.elapsed())
    }

    pub(super) fn is_fresh(&self, applied: Instant) -> bool {
        !self.until_drift(applied).is_zero()
    }

    /// Takes a run over that would do just what the last one did. Only health is looked at again.
    pub(super) async fn adopt(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
    ) -> Result<Next, ClusterError> {
        let inventory = build::inventory_status(&build::inventory(unit));
        if let Some(done) = &mut memory.done {
            done.at = Instant::now();
            if let Phase::Checking { places, .. } = &done.phase {
                memory.proven.refresh(&self.owned(), places);
            }
        }
        self.start_check(unit, memory, inventory, Vec::new()).await
    }

    /// May drift be put right now?
    pub(super) fn may_repair(
        &self,
        unit: &Manifest,
        memory: &Memory,
        drifted: &[ObjectId],
    ) -> bool {
        !drift::is_only_told(unit) && memory.pace.wait(drifted, interval(&self.spec)).is_none()
    }

    /// When the run began: one whose health is still waited for goes on.
    fn began(memory: &Memory, inputs: &Inputs) -> Instant {
        match &memory.done {
            Some(Done {
                phase: Phase::Checking { timed_out: false, .. },
                inputs: then,
                at,
                ..
            }) if then == inputs => *at,
            _ => Instant::now(),
        }
    }

    /// Puts right what somebody changed, or only tells it where that is asked for.
    pub(super) async fn repair(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        inputs: Inputs,
        drifted: Vec<ObjectId>,
    ) -> Result<Next, ClusterError> {
        if let Some(wait) = memory.pace.wait(&drifted, interval(&self.spec)) {
            return Ok(Next::After(wait));
        }
        let who = drift::who(&self.owned(), &memory.known, &drifted);
        if drift::is_only_told(unit) {
            if let Ok(Planned { plan, .. }) = self.plan(unit, &mut Hidden::default()).await {
                drift::tell(self, unit, &mut memory, (&plan, who)).await;
            }
            self.world.memories.put(self.key, memory);
            return Ok(Next::After(interval(&self.spec)));
        }
        memory.drift = who;
        self.apply(unit, memory, inputs).await
    }

    pub(super) async fn apply(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        inputs: Inputs,
    ) -> Result<Next, ClusterError> {
        let (at, applied) = (Self::began(&memory, &inputs), Instant::now());
        self.forget_what_may_have_drifted(&mut memory, &inputs);
        let is_same = memory.done.as_ref().is_none_or(|done| done.inputs == inputs);
        let (phase, is_quiet) = (Phase::Failed, false);
        let failed = Done { inputs, at, applied, reads: None, digest: None, phase, is_quiet };
        let mut hidden = self.ready.variables.hidden.clone();
        let Planned { plan, digest, reads } = match self.plan(unit, &mut hidden).await {
            Ok(planned) => planned,
            Err(failure) => return self.fail(unit, memory, failed, hidden.redact(failure)).await,
        };
        let reads = self.ready.source.tree.id("").zip(reads.map(Arc::new));
        let done = Done { digest: Some(digest), reads, ..failed };
        if let Err(failure) = guard::check(self, unit, &plan).await {
            return self.fail(unit, memory, done, failure).await;
        }
        let union = build::inventory_status(&plan.union_inventory);
        let is_known = plan.union_inventory == build::inventory(unit);
        // What may be applied must be in the inventory before; else there is something to tell only of what takes long.
        if !is_known {
            self.report_progress(unit, "Detecting drift", Some(&union)).await?;
        }
        let tells = is_known && (!is_same || !self.is_settled(unit));
        let outcome = {
            let sending = self.send(&plan, &mut memory.known);
            let tell = || self.tell_progress(unit, "Detecting drift");
            telling(sending, tells, tell).await
        };
        if !outcome.failed.is_empty() {
            self.announce(unit, &outcome, &Pruned::default());
            let failure = hidden.redact(apply_failure(&outcome));
            let next = self.fail(unit, memory, done, failure).await?;
            let is_transient = outcome.failed.iter().any(StepFailure::is_transient);
            return Ok(if is_transient { Next::Backoff } else { next });
        }
        let owned = self.owned();
        let pruning = capstan_apply::prune(&self.ready.target.cluster, &plan.prune, &owned);
        let span = tracing::info_span!("prune", objects = plan.prune.len());
        let pruned = pruning.instrument(span).await;
        self.announce(unit, &outcome, &pruned);
        drift::repaired(self, unit, &mut memory, &outcome);
        if let Some(first) = pruned.failed.first() {
            let failure = failure("PruneFailed", first.to_string());
            return self.fail(unit, memory, done, failure).await;
        }
        let pending = pending_places(&plan, &pruned);
        let to_check = health::places(unit, &self.spec, &plan, &outcome);
        memory.proven.refresh(&self.owned(), &to_check);
        memory.proven.note_stored(&outcome, &self.expressions);
        let phase = Phase::Checking { places: to_check, timed_out: false };
        memory.done = Some(Done { phase, ..done });
        memory.has_heirs = !pruned.left.is_empty();
        self.world.hand_over(self.key, &pruned.left);
        let inventory = if pending.is_empty() { owned_in_the_end(&plan, &pruned) } else { union };
        self.start_check(unit, memory, inventory, pending).await
    }

    /// A new revision sends only what changed; anything else looks for drift too, where no watch does.
    fn forget_what_may_have_drifted(&self, memory: &mut Memory, inputs: &Inputs) {
        let is_sure = memory.known.is_watched(&self.owned());
        let may_have_drifted = memory.done.as_ref().is_none_or(|done| {
            done.inputs.target != inputs.target
                || done.inputs.generation != inputs.generation
                || (!is_sure
                    && (done.phase == Phase::Failed
                        || done.inputs.revision == inputs.revision
                        || done.inputs.requested_at != inputs.requested_at))
        });
        if may_have_drifted {
            memory.known = Known::default();
            memory.proven = Proofs::default();
        }
    }

    async fn send(&self, plan: &Plan, known: &mut Known) -> Outcome {
        let gvks: HashSet<_> = plan.steps().map(|step| step.manifest.gvk()).collect();
        self.world.owned.watch(self.key, &self.ready.target.watcher, gvks).await;
        let (cluster, owned) = (&self.ready.target.cluster, self.owned());
        let applying = capstan_apply::apply(cluster, plan, known, &owned);
        applying.instrument(tracing::info_span!("apply", objects = plan.steps().count())).await
    }

    /// Builds, and plans what was built.
    async fn plan(&self, unit: &mut Manifest, hidden: &mut Hidden) -> Result<Planned, Failure> {
        let Build { manifests, reads } = {
            let building = build::build(self.world, unit, &self.spec, &self.ready);
            let building = building.instrument(tracing::info_span!("build"));
            let tell = || self.tell_progress(unit, "Building manifests");
            telling(building, true, tell).await?
        };
        hidden.hide_secrets(&manifests);
        let digest = build::digest(&manifests);
        let plan = build::plan(self.world, &self.ready, unit, &self.spec, manifests).await?;
        Ok(Planned { plan, digest, reads })
    }

    pub(super) async fn fail(
        &self,
        unit: &mut Manifest,
        mut memory: Memory,
        done: Done,
        failure: Failure,
    ) -> Result<Next, ClusterError> {
        let built = built(&done, &self.ready.source);
        memory.done = Some(done);
        self.world.memories.put(self.key, memory);
        let failure = self.ready.target.explain(failure).await;
        let stalled = failure.stalled;
        self.write_failure(unit, failure, false, built).await?;
        if stalled { Ok(Next::Wait) } else { Ok(Next::After(retry(&self.spec))) }
    }

    /// Tells what is being done. What cannot be told now is told at the end.
    async fn tell_progress(&self, unit: &Manifest, doing: &str) {
        let _ = self.report_progress(&mut unit.clone(), doing, None).await;
    }

    async fn report_progress(
        &self,
        unit: &mut Manifest,
        doing: &str,
        inventory: Option<&serde_json::Value>,
    ) -> Result<(), ClusterError> {
        let (revision, timeout) = (self.revision(), self.timeout());
        let message = format!("{doing} for revision {revision} with a timeout of {timeout}");
        let inventory = inventory.cloned();
        self.write(unit, &UnitOutcome::Progressing { message, revision, inventory }).await
    }

    fn announce(&self, unit: &Manifest, outcome: &Outcome, pruned: &Pruned) {
        let lines = notes::change_set(outcome, pruned);
        if lines.is_empty() {
            return;
        }
        tracing::info!(unit = %self.key, revision = self.revision(), changes = lines.len(), "changed");
        self.note(unit, "Progressing", lines.join("\n"));
    }
}

/// Does some work, and tells of it if that takes long.
async fn telling<T>(work: impl Future<Output = T>, tells: bool, tell: impl AsyncFnOnce()) -> T {
    tokio::pin!(work);
    if tells {
        match tokio::time::timeout(LONG, &mut work).await {
            Ok(done) => return done,
            Err(_elapsed) => tell().await,
        }
    }
    work.await
}

/// Pruned objects that are not gone yet keep their place in the inventory, and wake us when they go.
fn pending_places(plan: &Plan, pruned: &Pruned) -> Vec<Place> {
    let pending = plan.prune.iter().filter(|step| pruned.pending.contains(&step.id));
    pending.map(|step| Place::new(step.gvk(), &step.id.namespace, &step.id.name)).collect()
}

/// The inventory of what is wanted, and of what others have not yet taken over.
fn owned_in_the_end(plan: &Plan, pruned: &Pruned) -> serde_json::Value {
    let wanted = plan.final_inventory.iter().map(|entry| &entry.id);
    let owned: HashSet<_> = wanted.chain(pruned.left.iter().map(|(id, _)| id)).collect();
    let is_owned = |entry: &&InventoryEntry| owned.contains(&entry.id);
    let owned: Vec<_> = plan.union_inventory.iter().filter(is_owned).cloned().collect();
    build::inventory_status(&owned)
}

/// All failures of a revision at once, in Flux's words.
fn apply_failure(outcome: &Outcome) -> Failure {
    let lines: Vec<_> = outcome.failed.iter().map(ToString::to_string).collect();
    failure("ReconciliationFailed", lines.join("\n"))
}
