use capstan_cluster::{Cluster, ClusterError, DeleteOptions};
use capstan_plan::PruneStep;

use crate::live::Live;
use crate::{FailureCause, Pruned, StepFailure};

/// Deletes in order. What still exists keeps the later stages waiting: run it again when one of `pending` is gone. What another
/// unit wants by now is left to it.
pub async fn prune(cluster: &Cluster, steps: &[PruneStep], live: &dyn Live) -> Pruned {
    let mut pruned = Pruned::default();
    let mut stages: Vec<u8> = steps.iter().map(|step| step.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    for stage in stages {
        let of_stage = || steps.iter().filter(|step| step.stage == stage);
        if !pruned.pending.is_empty() || !pruned.failed.is_empty() {
            pruned.pending.extend(of_stage().map(|step| step.id.clone()));
            continue;
        }
        for step in of_stage() {
            if let Err(error) = delete(cluster, step, live, &mut pruned).await {
                let cause = FailureCause::Undeleted(error);
                pruned.failed.push(StepFailure { id: step.id.clone(), cause });
            }
        }
    }
    pruned
}

/// So often an object is looked at again when somebody writes it between the look and its deletion.
const LOOKS: usize = 5;

async fn delete(
    cluster: &Cluster,
    step: &PruneStep,
    known: &dyn Live,
    pruned: &mut Pruned,
) -> Result<(), ClusterError> {
    for _ in 1..LOOKS {
        match look_and_delete(cluster, step, known, pruned).await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    look_and_delete(cluster, step, known, pruned).await
}

/// The object may have been taken over, or marked as not to be deleted: what is deleted is just what was looked at.
async fn look_and_delete(
    cluster: &Cluster,
    step: &PruneStep,
    known: &dyn Live,
    pruned: &mut Pruned,
) -> Result<(), ClusterError> {
    let (gvk, id) = (step.gvk(), &step.id);
    let live = match cluster.get(&gvk, &id.namespace, &id.name).await {
        // A kind that is not served has no objects.
        Err(ClusterError::NoSuchKind(_)) => None,
        live => live?,
    };
    let Some(live) = live else { return Ok(()) };
    if let Some(why) = step.spares(&live) {
        pruned.spared.push((id.clone(), why));
        return Ok(());
    }
    if let Some(heir) = known.wanted_by(id) {
        pruned.left.push((id.clone(), heir));
        return Ok(());
    }
    if !live.is_deleting() {
        cluster.delete(&gvk, &id.namespace, &id.name, &DeleteOptions::just(&live)).await?;
        pruned.deleted.push(id.clone());
    }
    if cluster.get(&gvk, &id.namespace, &id.name).await?.is_some_and(|l| l.uid() == live.uid()) {
        pruned.pending.push(id.clone());
    }
    Ok(())
}
