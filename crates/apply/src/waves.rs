use std::collections::HashSet;
use std::time::Duration;

use capstan_cluster::Cluster;
use capstan_model::{GroupVersionKind, Manifest, ObjectId};
use capstan_plan::{ApplyStep, Because, Edge, Plan, Wait, WaitCondition, Wave};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde_json::Value;

use crate::live::Live;
use crate::step::{self, Done, Place};
use crate::{Action, Applied, FailureCause, Known, Outcome, PARALLEL, StepFailure};

/// Flux waits 60 s for CRDs and Namespaces.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// How soon an endpoint that is about to be served is tried again.
const SERVE_RETRY: Duration = Duration::from_millis(100);

/// Applies the waves in order. A failed object holds back nothing but what waits for it by name; whatever can be applied is.
///
/// What `known` says was sent before with the same digest, and `live` shows as it was left, is not sent again; `known` is brought
/// up to date.
pub async fn apply(cluster: &Cluster, plan: &Plan, known: &mut Known, live: &dyn Live) -> Outcome {
    let place = Place { cluster, live, owner: &plan.owner, takes_over: &plan.takes_over };
    // What is no longer wanted is pruned: when it is wanted again, it has to be sent again.
    let wanted: HashSet<&ObjectId> = plan.steps().map(|step| &step.id).collect();
    known.retain(&wanted);
    let mut outcome = Outcome::default();
    let mut broken = HashSet::new();
    for wave in &plan.waves {
        let unmet = unmet_waits(cluster, wave, &broken).await;
        let (held, free): (Vec<_>, Vec<_>) =
            wave.steps.iter().partition(|step| held_by(plan, step, &unmet, &broken).is_some());
        for step in held {
            let by = held_by(plan, step, &unmet, &broken).unwrap_or_default();
            broken.insert(step.id.clone());
            outcome
                .failed
                .push(StepFailure { id: step.id.clone(), cause: FailureCause::Waiting(by) });
        }
        run_wave(place, plan, &free, known, &mut outcome, &mut broken).await;
    }
    outcome
}

async fn run_wave(
    place: Place<'_>,
    plan: &Plan,
    steps: &[&ApplyStep],
    known: &mut Known,
    outcome: &mut Outcome,
    broken: &mut HashSet<ObjectId>,
) {
    let mut runs: Vec<BoxFuture<'_, _>> = Vec::with_capacity(steps.len());
    for &step in steps {
        if known.holds(place.live, &plan.takes_over, step) {
            let (id, action) = (step.id.clone(), Action::Unchanged);
            outcome.applied.push(Applied { id, action, stored: None });
            continue;
        }
        let is_defined_here = is_defined_by(plan, step);
        let run = async move {
            let done = if is_defined_here {
                run_when_served(place, step).await
            } else {
                step::run(place, step).await
            };
            (step, done)
        };
        runs.push(run.boxed());
    }
    let done: Vec<_> = stream::iter(runs).buffered(PARALLEL).collect().await;
    for (step, done) in done {
        let id = step.id.clone();
        match done {
            Ok(Done { action, stored, sight, holder }) => {
                known.note(step, sight.as_ref(), holder);
                outcome.applied.push(Applied { id, action, stored });
            }
            Err(cause) => {
                known.forget(&id);
                broken.insert(id.clone());
                outcome.failed.push(StepFailure { id, cause });
            }
        }
    }
}

/// Does the plan hold the definition of the step's kind?
fn is_defined_by(plan: &Plan, step: &ApplyStep) -> bool {
    let defines = |edge: &Edge| edge.after == step.id && edge.because == Because::Defines;
    plan.report.edges.iter().any(defines)
}

/// A CRD is established a moment before its kind is served; that moment cannot be watched.
async fn run_when_served(place: Place<'_>, step: &ApplyStep) -> Result<Done, FailureCause> {
    let end = tokio::time::Instant::now() + WAIT_TIMEOUT;
    loop {
        match step::run(place, step).await {
            Err(FailureCause::Cluster(error))
                if error.is_not_served() && tokio::time::Instant::now() < end =>
            {
                tokio::time::sleep(SERVE_RETRY).await;
            }
            done => return done,
        }
    }
}

/// Waits for what the wave needs; gives back what did not come true.
async fn unmet_waits(
    cluster: &Cluster,
    wave: &Wave,
    broken: &HashSet<ObjectId>,
) -> HashSet<ObjectId> {
    let mut waits: Vec<BoxFuture<'_, _>> = Vec::new();
    for wait in wave.wait_for.iter().filter(|wait| !broken.contains(&wait.id)) {
        let met = async move { (wait_for(cluster, wait).await, wait.id.clone()) };
        waits.push(met.boxed());
    }
    let ended: Vec<(bool, ObjectId)> = stream::iter(waits).buffered(PARALLEL).collect().await;
    ended.into_iter().filter(|(met, _)| !met).map(|(_, id)| id).collect()
}

async fn wait_for(cluster: &Cluster, wait: &Wait) -> bool {
    let Wait { id, version, condition } = wait;
    let gvk = GroupVersionKind::new(&*id.group, &**version, &*id.kind);
    let holds = |live: Option<&Manifest>| live.is_some_and(|live| is_met(live, *condition));
    match cluster.wait_until(&gvk, &id.namespace, &id.name, WAIT_TIMEOUT, holds).await {
        Ok(met) => met,
        Err(error) => {
            tracing::debug!(%id, %error, "failed to wait");
            false
        }
    }
}

fn is_met(live: &Manifest, condition: WaitCondition) -> bool {
    match condition {
        WaitCondition::Established => has_condition(live, "Established"),
        WaitCondition::Offered => {
            has_condition(live, "Established") && has_condition(live, "Offered")
        }
        WaitCondition::Active => {
            live.value().pointer("/status/phase").and_then(Value::as_str) == Some("Active")
        }
    }
}

fn has_condition(live: &Manifest, type_: &str) -> bool {
    let conditions = live.value().pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == type_ && condition["status"] == "True")
    })
}

/// What a step waits for in vain, by the edges of the plan.
fn held_by(
    plan: &Plan,
    step: &ApplyStep,
    unmet: &HashSet<ObjectId>,
    broken: &HashSet<ObjectId>,
) -> Option<String> {
    let before = plan.report.edges.iter().filter(|edge| edge.after == step.id);
    let mut blockers = before.filter_map(|edge| {
        let id = &edge.before;
        if unmet.contains(id) {
            Some(format!("{id} did not become ready within {}s", WAIT_TIMEOUT.as_secs()))
        } else if broken.contains(id) && edge.because.is_needed() {
            Some(format!("{id} failed"))
        } else {
            None
        }
    });
    blockers.next()
}
