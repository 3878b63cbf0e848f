use std::sync::Arc;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::door::CrashPoint;
use crate::fleet::NAMESPACE;
use crate::judge::Judge;
use crate::plan::Plan;
use crate::shared::Shared;
use crate::stage::{End, Stage};

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// So many requests came from the agent.
    pub requests: u64,
    /// So many of them were to write something.
    pub writes: u64,
    /// So often its process died.
    pub crashes: u32,
    /// The units' objects at the end, without what differs from run to run.
    pub objects: Vec<Value>,
}

/// Runs a plan under a seed; the process may die at a point.
///
/// # Errors
/// The law that was broken, or what did not become as it ought to be, with the last things that happened.
pub fn run(seed: u64, plan: &Plan, point: Option<CrashPoint>) -> Result<Ended, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let fleet = Arc::new(plan.fleet.clone());
    let judge = Judge::new(Arc::clone(&fleet));
    let shared = Shared::new(seed, judge, plan.faults.clone(), point);
    let mut stage = Stage {
        steps: plan.steps.iter().cloned().collect(),
        chance: Chance::of(seed, "stage"),
        shared: shared.clone(),
        fleet,
        removed: plan.removed.clone(),
        git_is_away: false,
        revision: 0,
        on_disk: 0,
    };
    stage.set_up();
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .max_blocking_threads(1)
            .build()
            .map_err(|error| error.to_string())?;
        let end = runtime.block_on(stage.life(folder.path()));
        // All tasks of the process end with it, wherever they are.
        drop(runtime);
        match end {
            Ok(End::Crashed) => {}
            Ok(End::Done) => break,
            Err(why) => return Err(stage.told(seed, &why)),
        }
    }
    let world = shared.world();
    let owned = world.store.all().filter(|(key, _)| key.1 == NAMESPACE);
    let objects = owned.map(|(_, object)| comparable(object)).collect();
    Ok(Ended { requests: world.requests, writes: world.writes, crashes: world.crashes, objects })
}

/// An object without what says when and how often it was written.
fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = &object["metadata"];
    object["metadata"] = json!({"name": metadata["name"], "labels": metadata["labels"],
        "annotations": metadata["annotations"]});
    object
}
