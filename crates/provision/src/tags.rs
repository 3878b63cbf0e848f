//! Tags: whose a resource is, and which keys are ours to remove.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::kind::Drift;

/// The tag that says whose a resource is; its value is the UID of the managed resource.
pub const OWNER_TAG: &str = "fleet.capstan.dev/owner-uid";

/// What to call to bring tags to what the user wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// Tags to set.
    pub set: BTreeMap<String, String>,
    /// Keys to remove.
    pub remove: BTreeSet<String>,
}

impl TagChange {
    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// The tags of a create call: the user's and the owner's.
pub fn with_owner(desired: &BTreeMap<String, String>, uid: &str) -> BTreeMap<String, String> {
    let mut tags = desired.clone();
    tags.insert(OWNER_TAG.to_owned(), uid.to_owned());
    tags
}

/// What differs between the tags that the user wrote and those that are there.
///
/// A key is removed only if we applied it: EKS, Karpenter and load balancers tag the same resources.
pub fn change(
    desired: &BTreeMap<String, String>,
    live: &BTreeMap<String, String>,
    applied: &BTreeSet<String>,
) -> TagChange {
    let set = desired
        .iter()
        .filter(|(key, value)| live.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let remove = applied
        .iter()
        .filter(|key| live.contains_key(*key) && !desired.contains_key(*key))
        .filter(|key| !key.starts_with("aws:") && *key != OWNER_TAG)
        .cloned()
        .collect();
    TagChange { set, remove }
}

/// The same as a drift of the field `tags`; nothing when the tags are right.
pub fn drift(
    desired: &BTreeMap<String, String>,
    live: &BTreeMap<String, String>,
    applied: &BTreeSet<String>,
) -> Option<Drift> {
    let change = change(desired, live, applied);
    (!change.is_empty()).then(|| Drift {
        field: "tags".to_owned(),
        wanted: json!(desired),
        found: json!(live),
        immutable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::{OWNER_TAG, change, with_owner};
    use std::collections::{BTreeMap, BTreeSet};

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn foreign_tags_stay() {
        let live = map(&[
            ("Name", "old"),
            ("kubernetes.io/cluster/a", "owned"),
            ("team", "x"),
            ("aws:created", "y"),
            (OWNER_TAG, "uid"),
        ]);
        let applied: BTreeSet<String> =
            ["Name", "team", "aws:created", OWNER_TAG].map(str::to_owned).into();
        let change = change(&map(&[("Name", "new")]), &live, &applied);
        assert_eq!(change.set, map(&[("Name", "new")]));
        assert_eq!(change.remove, BTreeSet::from(["team".to_owned()]));
    }

    #[test]
    fn the_owner_is_in_every_create() {
        assert_eq!(with_owner(&map(&[("a", "b")]), "u"), map(&[("a", "b"), (OWNER_TAG, "u")]));
    }
}
