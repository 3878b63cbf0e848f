use capstan_cluster::{ApplyOptions, Cluster, ClusterError, Sight};
use capstan_plan::ApplyStep;
use capstan_ssa::{Operation, diff_metadata, diff_objects};

use crate::Known;

/// How an object differs from what a step would make of it. Nothing is changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// It is not there.
    Absent,
    /// These fields would change; none when it is as wanted.
    Fields(Vec<Operation>),
}

/// Compares an object with what a step would make of it, by a dry run. One that is as wanted is known to be so from now on.
///
/// # Errors
/// When the cluster refuses, or cannot be reached.
pub async fn compare(
    cluster: &Cluster,
    step: &ApplyStep,
    known: &mut Known,
) -> Result<Difference, ClusterError> {
    let manifest = &step.manifest;
    let gvk = manifest.gvk();
    let Some(live) = cluster.get(&gvk, manifest.namespace(), manifest.name()).await? else {
        return Ok(Difference::Absent);
    };
    let options = ApplyOptions { field_manager: &step.field_manager, force: true, dry_run: true };
    let mut wanted = manifest.clone();
    let (value, own) = (wanted.value_mut(), &step.field_manager);
    capstan_ssa::leave_ignored(value, live.value(), &step.ignored, own);
    let would_be = cluster.apply(&wanted, options).await?;
    let mut operations = diff_metadata(live.value(), would_be.value(), &[]);
    operations.extend(diff_objects(live.value(), would_be.value(), &[]));
    if gvk.kind == "Secret" && gvk.group.is_empty() {
        capstan_ssa::mask_secret_patch(&mut operations);
    }
    if operations.is_empty() {
        known.note(step, Some(&Sight::of_object(&live)), None);
    }
    Ok(Difference::Fields(operations))
}
