use std::sync::Arc;

use capstan_cluster::Sight;
use capstan_model::{GroupVersionKind, NamespacedName, ObjectId};
use capstan_plan::{ApplyStep, Marks};
use capstan_ssa::ManagerRule;

/// What is known of the objects that units own: what watches show, and who else has them.
pub trait Live: Sync {
    /// The object; `Some(None)` when it is not there, or not ours yet. Nothing at all when no watch can be trusted.
    fn sight(&self, gvk: &GroupVersionKind, id: &ObjectId) -> Option<Option<Arc<Sight>>>;

    /// An object was stored: the watch need not tell it again.
    fn saw(&self, gvk: &GroupVersionKind, sight: Sight);

    /// Does another unit hold the object, and look after it? Then it is left to that one.
    fn is_held_by(&self, unit: &NamespacedName, id: &ObjectId) -> bool;

    /// Another unit that wants the object too: it is not deleted under its hands.
    fn wanted_by(&self, id: &ObjectId) -> Option<NamespacedName>;
}

/// Nothing is watched, and nobody else has anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Live for Unwatched {
    fn sight(&self, _: &GroupVersionKind, _: &ObjectId) -> Option<Option<Arc<Sight>>> {
        None
    }

    fn saw(&self, _: &GroupVersionKind, _: Sight) {}

    fn is_held_by(&self, _: &NamespacedName, _: &ObjectId) -> bool {
        false
    }

    fn wanted_by(&self, _: &ObjectId) -> Option<NamespacedName> {
        None
    }
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
