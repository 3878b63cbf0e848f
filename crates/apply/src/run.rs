use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use capstan_cluster::Cluster;
use capstan_model::{GroupVersionKind, Manifest, ObjectId};
use capstan_plan::{ApplyStep, Because, Edge, Plan, Wait, WaitCondition};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use crate::graph::{End, Graph};
use crate::live::Live;
use crate::step::{self, Done, Place};
use crate::{Action, Applied, FailureCause, Known, Outcome, PARALLEL, StepFailure};

/// Flux waits 60 s for CRDs and Namespaces.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// How soon an endpoint that is about to be served is tried again.
const SERVE_RETRY: Duration = Duration::from_millis(100);

/// Applies the objects of a plan, each as soon as what it waits for is there. A failed object holds back nothing but what needs
/// it by name; whatever can be applied is.
///
/// What `known` says was sent before with the same digest, and `live` shows as it was left, is not sent again; `known` is brought
/// up to date.
pub async fn apply(cluster: &Cluster, plan: &Plan, known: &mut Known, live: &dyn Live) -> Outcome {
    // What is no longer wanted is pruned: when it is wanted again, it has to be sent again.
    let wanted: HashSet<&ObjectId> = plan.steps().map(|step| &step.id).collect();
    known.retain(&wanted);
    let place = Place { cluster, live, owner: &plan.owner, takes_over: &plan.takes_over };
    let mut run = Run {
        place,
        plan,
        known,
        graph: Graph::of(plan),
        waits: waits(plan),
        sending: FuturesUnordered::new(),
        waiting: FuturesUnordered::new(),
        outcome: Outcome::default(),
    };
    run.carry_out().await;
    let Run { graph, mut outcome, .. } = run;
    outcome.applied.sort_by_key(|applied| graph.place(&applied.id));
    outcome.failed.sort_by_key(|failed| graph.place(&failed.id));
    outcome
}

/// What must hold of an object before others follow.
fn waits(plan: &Plan) -> HashMap<&ObjectId, Vec<&Wait>> {
    let mut waits: HashMap<_, Vec<_>> = HashMap::new();
    for wait in plan.waves.iter().flat_map(|wave| &wave.wait_for) {
        waits.entry(&wait.id).or_default().push(wait);
    }
    waits
}

/// A step that was sent, and what came of it.
type Sent<'a> = (&'a ApplyStep, Result<Done, FailureCause>);

/// A plan that is being carried out.
struct Run<'a> {
    place: Place<'a>,
    plan: &'a Plan,
    known: &'a mut Known,
    graph: Graph<'a>,
    waits: HashMap<&'a ObjectId, Vec<&'a Wait>>,
    sending: FuturesUnordered<BoxFuture<'a, Sent<'a>>>,
    waiting: FuturesUnordered<BoxFuture<'a, (&'a ObjectId, End)>>,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    async fn carry_out(&mut self) {
        loop {
            while self.sending.len() < PARALLEL
                && let Some((step, held)) = self.graph.next()
            {
                self.begin(step, held);
            }
            tokio::select! {
                Some((step, done)) = self.sending.next() => self.sent(step, done),
                Some((id, end)) = self.waiting.next() => self.graph.end(id, &end),
                else => return,
            }
        }
    }

    fn begin(&mut self, step: &'a ApplyStep, held: Option<String>) {
        if let Some(why) = held {
            return self.failed(step, FailureCause::Waiting(why));
        }
        if self.known.holds(self.place.live, &self.plan.takes_over, step) {
            let (id, action) = (step.id.clone(), Action::Unchanged);
            self.outcome.applied.push(Applied { id, action, stored: None });
            return self.applied(step);
        }
        let (place, is_defined_here) = (self.place, is_defined_by(self.plan, step));
        self.sending.push(Box::pin(async move {
            let done = if is_defined_here {
                run_when_served(place, step).await
            } else {
                step::run(place, step).await
            };
            (step, done)
        }));
    }

    fn sent(&mut self, step: &'a ApplyStep, done: Result<Done, FailureCause>) {
        match done {
            Ok(Done { action, stored, sight, holder }) => {
                self.known.note(step, sight.as_ref(), holder);
                self.outcome.applied.push(Applied { id: step.id.clone(), action, stored });
                self.applied(step);
            }
            Err(cause) => {
                self.known.forget(&step.id);
                self.failed(step, cause);
            }
        }
    }

    fn failed(&mut self, step: &'a ApplyStep, cause: FailureCause) {
        self.graph.end(&step.id, &End::Bad(format!("{} failed", step.id)));
        self.outcome.failed.push(StepFailure { id: step.id.clone(), cause });
    }

    /// It is there; what follows may have to wait for more.
    fn applied(&mut self, step: &'a ApplyStep) {
        let waits = self.waits.remove(&step.id).unwrap_or_default();
        if waits.is_empty() || !self.graph.is_awaited(&step.id) {
            return self.graph.end(&step.id, &End::Good);
        }
        let (cluster, id) = (self.place.cluster, &step.id);
        self.waiting.push(Box::pin(async move {
            for wait in waits {
                if let Err(why) = wait_for(cluster, wait).await {
                    return (id, End::Bad(why));
                }
            }
            (id, End::Good)
        }));
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

/// Waits for what must hold of an object; the error is why it does not. What is being deleted is not waited for: when it is gone,
/// the unit is woken and makes it anew.
async fn wait_for(cluster: &Cluster, wait: &Wait) -> Result<(), String> {
    let Wait { id, version, condition } = wait;
    let gvk = GroupVersionKind::new(&*id.group, &**version, &*id.kind);
    let holds = |live: Option<&Manifest>| live.is_some_and(|live| is_met(live, *condition));
    let is_going = AtomicBool::new(false);
    let ends = |live: Option<&Manifest>| {
        is_going.store(live.is_some_and(Manifest::is_deleting), Relaxed);
        is_going.load(Relaxed) || holds(live)
    };
    match cluster.wait_until(&gvk, &id.namespace, &id.name, WAIT_TIMEOUT, ends).await {
        Ok(true) if is_going.load(Relaxed) => Err(format!("{id} is being deleted")),
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{id} did not become ready within {}s", WAIT_TIMEOUT.as_secs())),
        Err(error) => {
            tracing::debug!(%id, %error, "failed to wait");
            Err(format!("{id} could not be watched: {error}"))
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
