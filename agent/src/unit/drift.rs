//! Objects that somebody changed or deleted behind the unit's back.

use capstan_apply::{Difference, Known, Live as _, Outcome, compare};
use capstan_cluster::EventType;
use capstan_model::{Chain, Manifest, ObjectId};
use capstan_plan::Plan;

use super::memory::Memory;
use super::notes;
use super::run::Run;
use crate::owned::OwnedIn;
use crate::world::FIELD_MANAGER;

/// `detect` on a Kustomization: drift is told, and put right only by the next change of the source.
const MODE: &str = "fleet.capstan.dev/drift";

/// An object that drifted, and what is known of how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drift {
    id: ObjectId,
    how: String,
}

/// Is drift only told?
pub(super) fn is_only_told(unit: &Manifest) -> bool {
    unit.annotation(MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("detect"))
}

/// Who changed the objects, by the managers of their fields.
pub(super) fn who(owned: &OwnedIn<'_>, known: &Known, drifted: &[ObjectId]) -> Vec<Drift> {
    let how = |id: &ObjectId| {
        if let Some(holder) = known.holder(id) {
            return format!("was held by Kustomization {holder}, which has let go of it");
        }
        let sight = known.gvk(id).and_then(|gvk| owned.sight(gvk, id)).flatten();
        let Some(sight) = sight else { return "was deleted".to_owned() };
        if sight.is_deleting {
            return "is being deleted".to_owned();
        }
        sight.last_writer(FIELD_MANAGER).map_or_else(
            || "was changed".to_owned(),
            |writer| {
                let time = writer.time.map(|time| format!(" at {time}")).unwrap_or_default();
                format!("was changed by {} ({}){time}", writer.name, writer.operation)
            },
        )
    };
    drifted.iter().map(|id| Drift { id: id.clone(), how: how(id) }).collect()
}

/// Tells drift that is not put right, once. Whether it is any, a dry run says.
pub(super) async fn tell(
    run: &Run<'_>,
    unit: &Manifest,
    memory: &mut Memory,
    (plan, suspects): (&Plan, Vec<Drift>),
) {
    let mut drift = Vec::new();
    for mut suspect in suspects {
        let Some(step) = plan.steps().find(|step| step.id == suspect.id) else { continue };
        match compare(&run.ready.target.cluster, step, &mut memory.known).await {
            Ok(Difference::Fields(fields)) if fields.is_empty() => continue,
            Ok(Difference::Fields(fields)) => {
                let paths: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
                suspect.how.push_str(&format!(": {}", paths.join(", ")));
            }
            Ok(Difference::Absent) => {}
            Err(error) => suspect.how.push_str(&format!(" ({})", Chain(&error))),
        }
        drift.push(suspect);
    }
    if drift != memory.drift && !drift.is_empty() {
        let message = format!("drift detected, and left as it is: {}", lines(&drift));
        let event = (EventType::Warning, "DriftDetected");
        notes::record(run.world, unit, event, message, run.revisions(&run.revision()));
    }
    memory.drift = drift;
}

/// Tells what was put right of what had drifted. What the API server found unchanged was no drift.
pub(super) fn repaired(run: &Run<'_>, unit: &Manifest, memory: &mut Memory, outcome: &Outcome) {
    let mut drift = std::mem::take(&mut memory.drift);
    let was_changed = |id: &ObjectId| {
        outcome.applied.iter().any(|applied| applied.id == *id && applied.action.is_change())
    };
    drift.retain(|drift| was_changed(&drift.id));
    if drift.is_empty() {
        return;
    }
    memory.pace.repaired(drift.iter().map(|drift| &drift.id));
    run.note(unit, "DriftCorrected", format!("drift corrected: {}", lines(&drift)));
}

fn lines(drift: &[Drift]) -> String {
    let line = |drift: &Drift| format!("{} {}", drift.id, drift.how);
    drift.iter().map(line).collect::<Vec<_>>().join("\n")
}
