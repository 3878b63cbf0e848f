//! One reconciliation of a unit: what is to be done at all, and by which way.

use std::time::Duration;

use capstan_api::flux::KustomizationSpec;
use capstan_cluster::ClusterError;
use capstan_model::{Chain, Manifest, NamespacedName};
use capstan_report::{Failure, UnitOutcome};
use capstan_runtime::Next;

use super::expressions::Expressions;
use super::memory::{Done, Memory, Phase};
use super::ready::{follow_inputs, ready, source_is_loading};
use super::run::Run;
use super::status::{self, retry};
use super::{failure, finalize, reuse};
use crate::world::World;
use crate::{aws, kinds};

/// The safety net behind an event that wakes us: Flux's `--requeue-dependency`.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How soon to look at the rest when an object that was to be deleted is gone already.
pub(super) const SEEN_GONE: Duration = Duration::from_millis(50);

/// Brings a unit to its revision, and reports.
///
/// Flow: source, dependencies, variables, build, plan, union inventory, apply, prune, health, status. Idempotent: a run that
/// was cut off anywhere is simply made again. A failure leaves what was applied before.
pub(crate) async fn reconcile(world: World, key: NamespacedName) -> Next {
    let Some(mut unit) = world.kustomizations.get(&key).map(|unit| (*unit).clone()) else {
        world.memories.forget(&key);
        world.owned.forget(&key);
        return Next::Wait;
    };
    reconcile_unit(&world, &key, &mut unit).await.unwrap_or_else(|error| {
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
        tracing::info!("reconciliation is suspended for this object");
        return Ok(Next::Wait);
    }
    let expressions = match Expressions::of(&spec) {
        Ok(expressions) => expressions,
        Err(failure) => return fail(world, key, unit, None, failure, Duration::MAX).await,
    };
    let account = spec.decryption.as_ref().and_then(|it| it.service_account_name.as_deref());
    let named = ("spec.decryption.serviceAccountName", "decryption");
    if let Err(failure) = aws::check_gate(world, account, named) {
        return fail(world, key, unit, None, failure, Duration::MAX).await;
    }
    if source_is_loading(world, unit) {
        return Ok(Next::After(LOOK_AGAIN));
    }
    let ready = match ready(world, unit, &spec, &expressions).await {
        Ok(ready) => ready,
        Err((failure, revision)) => {
            return fail(world, key, unit, revision, failure, LOOK_AGAIN.min(retry(&spec))).await;
        }
    };
    follow_inputs(world, key, unit, &spec);
    let run = Run { world, key, spec, expressions, ready };
    let memory = world.memories.get(key);
    go_on(&run, unit, memory).await
}

/// Does as little as the last run and the clusters allow.
async fn go_on(run: &Run<'_>, unit: &mut Manifest, memory: Memory) -> Result<Next, ClusterError> {
    let inputs = run.inputs(unit);
    let Some(done) = memory.done.clone() else { return run.apply(unit, memory, inputs).await };
    if memory.has_heirs {
        return run.apply(unit, memory, inputs).await;
    }
    let owned = run.owned();
    let drifted = memory.known.drifted(&owned);
    // A run that could not begin may have said meanwhile that the unit is not ready.
    let is_fresh = run.is_fresh(done.applied) && run.is_settled(unit);
    if drifted.is_empty() && memory.known.is_watched(&owned) {
        let over = reuse::carried_over(&done, &inputs, &run.ready.source)
            .or_else(|| reuse::asked_again(&done, &inputs))
            .or_else(|| reuse::renewed(&done, &inputs, !is_fresh));
        if let Some(done) = over {
            return run.adopt(unit, Memory { done: Some(done), ..memory }).await;
        }
    }
    match done {
        done if done.inputs != inputs => run.apply(unit, memory, inputs).await,
        // An object that goes while its health is waited for would be waited for in vain.
        Done { phase: Phase::Checking { .. }, .. }
            if !drifted.is_empty() && run.may_repair(unit, &memory, &drifted) =>
        {
            run.repair(unit, memory, inputs, drifted).await
        }
        Done { phase: Phase::Checking { timed_out: true, .. }, applied, .. }
            if !memory.known.is_watched(&owned) && applied.elapsed() >= retry(&run.spec) =>
        {
            run.apply(unit, memory, inputs).await
        }
        Done { phase: Phase::Checking { places, timed_out }, at, .. } => {
            run.check(unit, memory, (places, at, timed_out)).await
        }
        Done { phase: Phase::Ready { .. }, .. } if !drifted.is_empty() => {
            run.repair(unit, memory, inputs, drifted).await
        }
        Done { phase: Phase::Ready { .. }, applied, .. } if is_fresh => {
            Ok(Next::After(run.until_drift(applied)))
        }
        _ => run.apply(unit, memory, inputs).await,
    }
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
    status::write_failure(world, unit, outcome, None).await?;
    if stalled { Ok(Next::Wait) } else { Ok(Next::After(next)) }
}
