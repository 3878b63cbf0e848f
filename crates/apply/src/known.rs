use std::collections::{HashMap, HashSet};

use capstan_cluster::{Sight, Version};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, ObjectId};
use capstan_plan::ApplyStep;
use capstan_ssa::ManagerRule;
use serde_json::Value;

use crate::live::{Live, takes_over};

/// What each object was when it was last dealt with: what was wanted, and how the cluster had it afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(HashMap<ObjectId, Left>);

/// How an object was left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    gvk: GroupVersionKind,
    /// Of what was wanted.
    digest: String,
    /// Of what was stored.
    version: Version,
    /// The other unit that it was left to.
    holder: Option<NamespacedName>,
}

impl Left {
    fn has_drifted(&self, live: &dyn Live, id: &ObjectId) -> bool {
        match live.sight(&self.gvk, id) {
            None => false,
            Some(None) => true,
            Some(Some(sight)) => {
                let now = sight.version();
                now.marks != self.version.marks || !sight.is_unchanged_since(&self.version)
            }
        }
    }
}

impl Known {
    /// Need the step not be made? It was made before, and nobody has changed the object since, as far as its watch shows.
    pub(crate) fn holds(
        &mut self,
        live: &dyn Live,
        rules: &[ManagerRule],
        step: &ApplyStep,
    ) -> bool {
        let left = self.0.get_mut(&step.id);
        let left = left.filter(|left| left.digest == step.digest && left.holder.is_none());
        let Some(left) = left else { return false };
        let sight = match live.sight(&left.gvk, &step.id) {
            None => return true,
            Some(None) => return false,
            Some(Some(sight)) => sight,
        };
        let holds = sight.is_unchanged_since(&left.version)
            && shows(&sight, &step.manifest)
            && !takes_over(step, &sight, rules);
        if holds {
            left.version = sight.version();
        }
        holds
    }

    /// Objects that may not be as they were left, as far as watches show: somebody changed or deleted them, or the unit that
    /// they were left to has let go of them.
    pub fn drifted(&self, live: &dyn Live) -> Vec<ObjectId> {
        let has_drifted = |(id, left): &(&ObjectId, &Left)| match &left.holder {
            Some(holder) => !live.is_held_by(holder, id),
            None => left.has_drifted(live, id),
        };
        let drifted = self.0.iter().filter(has_drifted);
        drifted.map(|(id, _)| id.clone()).collect()
    }

    /// Objects that were left to other units, and to which, in the order of their ids.
    pub fn left_to_others(&self) -> Vec<(&ObjectId, &NamespacedName)> {
        let left = self.0.iter().filter_map(|(id, left)| Some((id, left.holder.as_ref()?)));
        let mut left: Vec<_> = left.collect();
        left.sort();
        left
    }

    /// The other unit to which an object was left.
    pub fn holder(&self, id: &ObjectId) -> Option<&NamespacedName> {
        self.0.get(id)?.holder.as_ref()
    }

    /// The kind of an object, in the version in which it was applied.
    pub fn gvk(&self, id: &ObjectId) -> Option<&GroupVersionKind> {
        self.0.get(id).map(|left| &left.gvk)
    }

    /// Do watches show all objects?
    pub fn is_watched(&self, live: &dyn Live) -> bool {
        self.0.iter().all(|(id, left)| live.sight(&left.gvk, id).is_some())
    }

    pub(crate) fn note(
        &mut self,
        step: &ApplyStep,
        sight: Option<&Sight>,
        holder: Option<NamespacedName>,
    ) {
        let Some(sight) = sight else { return };
        let (gvk, digest, version) = (step.manifest.gvk(), step.digest.clone(), sight.version());
        self.0.insert(step.id.clone(), Left { gvk, digest, version, holder });
    }

    pub(crate) fn forget(&mut self, id: &ObjectId) {
        self.0.remove(id);
    }

    /// What is no longer wanted is pruned: when it is wanted again, it has to be sent again.
    pub(crate) fn retain(&mut self, wanted: &HashSet<&ObjectId>) {
        self.0.retain(|id, _| wanted.contains(id));
    }
}

/// Does the live object show the labels and annotations that are wanted? They change without a generation.
fn shows(sight: &Sight, wanted: &Manifest) -> bool {
    [("labels", &sight.labels), ("annotations", &sight.annotations)].into_iter().all(
        |(field, live)| {
            let wanted = wanted.value()["metadata"][field].as_object();
            let is_there = |(key, value): (&String, &Value)| {
                live.get(key).map(String::as_str) == value.as_str()
            };
            wanted.into_iter().flatten().all(is_there)
        },
    )
}
