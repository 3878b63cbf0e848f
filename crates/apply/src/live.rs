use std::sync::Arc;

use capstan_cluster::Sight;
use capstan_model::{GroupVersionKind, ObjectId};
use capstan_plan::{ApplyStep, Marks};
use capstan_ssa::ManagerRule;

/// What watches show of the objects that units own.
pub trait Live: Sync {
    /// The object; `Some(None)` when it is not there, or not ours yet. Nothing at all when no watch can be trusted.
    fn sight(&self, gvk: &GroupVersionKind, id: &ObjectId) -> Option<Option<Arc<Sight>>>;

    /// An object was stored: the watch need not tell it again.
    fn saw(&self, gvk: &GroupVersionKind, sight: Sight);
}

/// Nothing is watched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Live for Unwatched {
    fn sight(&self, _: &GroupVersionKind, _: &ObjectId) -> Option<Option<Arc<Sight>>> {
        None
    }

    fn saw(&self, _: &GroupVersionKind, _: Sight) {}
}

/// A sight, as a plan asks about it.
pub(crate) struct Seen<'a>(pub(crate) &'a Sight);

impl Marks for Seen<'_> {
    fn label(&self, key: &str) -> Option<&str> {
        self.0.labels.get(key).map(String::as_str)
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.0.annotations.get(key).map(String::as_str)
    }
}

/// Has somebody written by hand what the step takes over?
pub(crate) fn takes_over(step: &ApplyStep, sight: &Sight, rules: &[ManagerRule]) -> bool {
    let by_hand = |rule: &ManagerRule| {
        sight.managers.iter().any(|m| rule.matches(&m.name, &m.operation, &m.subresource))
    };
    step.overrides(&Seen(sight)) && rules.iter().any(by_hand)
}
