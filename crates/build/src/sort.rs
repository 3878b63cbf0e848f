//! `sortOptions`: the order of the objects of the whole build.

use std::cmp::Ordering;
use std::collections::HashMap;

use capstan_model::GroupVersionKind;
use serde::Deserialize;

use crate::error::BuildError;
use crate::resource::Id;
use crate::resources::Resources;

/// `sortOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SortOptions {
    order: String,
    legacy_sort_options: Option<Legacy>,
}

/// Kinds that come first and last; all others come between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Legacy {
    order_first: Vec<String>,
    order_last: Vec<String>,
}

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

impl SortOptions {
    /// What `--reorder=legacy` means.
    pub(crate) fn legacy() -> Self {
        Self { order: "legacy".to_owned(), legacy_sort_options: None }
    }

    /// Puts the objects in order.
    pub(crate) fn sort(&self, resources: &mut Resources) -> Result<(), BuildError> {
        match (self.order.as_str(), &self.legacy_sort_options) {
            ("fifo", None) => Ok(()),
            ("legacy", options) => {
                let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
                let default = || Legacy { order_first: names(&FIRST), order_last: names(&LAST) };
                options.clone().unwrap_or_else(default).sort(resources);
                // What is sorted is gathered anew, which refuses ids that a replacement has made equal.
                resources.check_ids()
            }
            ("fifo", Some(_)) => Err(BuildError::new(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
            )),
            (other, _) => Err(BuildError::new(format!(
                "the field 'sortOptions.order' must be one of [fifo, legacy], not `{other}`"
            ))),
        }
    }
}

impl Legacy {
    fn sort(&self, resources: &mut Resources) {
        let position = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
        let mut ranks: HashMap<&str, i64> = HashMap::new();
        let count = position(self.order_first.len());
        for (at, kind) in self.order_first.iter().enumerate() {
            ranks.insert(kind, position(at) - count);
        }
        for (at, kind) in self.order_last.iter().enumerate() {
            ranks.insert(kind, 1 + position(at));
        }
        resources.sort_by_cached_key(|resource| {
            let id = resource.id();
            let rank = ranks.get(id.gvk.kind.as_str()).copied().unwrap_or_default();
            (rank, Kind::of(&id.gvk), id_key(&id))
        });
    }
}

/// The place of a kind in the legacy order.
pub(crate) fn legacy_key(gvk: &GroupVersionKind) -> (i64, Kind) {
    let position = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    let first = FIRST.iter().position(|kind| *kind == gvk.kind);
    let last = LAST.iter().position(|kind| *kind == gvk.kind);
    let rank = match (first, last) {
        (Some(at), _) => position(at) - position(FIRST.len()),
        (None, Some(at)) => 1 + position(at),
        (None, None) => 0,
    };
    (rank, Kind::of(gvk))
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

/// A kind in kustomize's order of kinds of one rank.
#[derive(PartialEq, Eq)]
pub(crate) struct Kind {
    text: String,
    is_namespace: bool,
    is_core: bool,
}

impl Kind {
    fn of(gvk: &GroupVersionKind) -> Self {
        let (group, version) = (or(&gvk.group, "~G"), or(&gvk.version, "~V"));
        Self {
            text: format!("{group}_{version}_{}", or(&gvk.kind, "~K")),
            is_namespace: gvk.kind == "Namespace",
            is_core: gvk.group.is_empty(),
        }
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.text.cmp(&other.text);
        // A Namespace of the core group comes before one of another.
        let both = self.is_namespace && other.is_namespace && (self.is_core || other.is_core);
        if both { order.reverse() } else { order }
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn id_key(id: &Id) -> String {
    let gvk = &id.gvk;
    format!(
        "{}.{}.{}|{}|{}",
        or(&gvk.kind, "[noKind]"),
        or(&gvk.version, "[noVer]"),
        or(&gvk.group, "[noGrp]"),
        or(&id.namespace, "~X"),
        or(&id.name, "~N")
    )
}
