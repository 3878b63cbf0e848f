use std::collections::BTreeSet;

use capstan_model::{GroupVersionKind, Manifest, NamespacedName, ObjectId, ObjectSelector};
use capstan_ssa::{GroupKind, ManagerRule};

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
    /// Discovery does not know the kind yet; its definition may be among the desired objects.
    Unknown,
}

/// The unit that owns the objects; its labels mark them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// API group that prefixes labels and annotations: `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// Name of the unit.
    pub name: String,
    /// Namespace of the unit.
    pub namespace: String,
}

impl Owner {
    /// The two ownership labels of Flux: `<group>/name` and `<group>/namespace`.
    pub fn labels(&self) -> [(String, String); 2] {
        [
            (format!("{}/name", self.group), self.name.clone()),
            (format!("{}/namespace", self.group), self.namespace.clone()),
        ]
    }

    /// The other unit that a live object's labels name as its owner.
    pub fn other(&self, live: &impl Marks) -> Option<NamespacedName> {
        let [name, namespace] = self.labels().map(|(key, _)| live.label(&key));
        let other = NamespacedName::new(namespace?, name?);
        (other.name != self.name || other.namespace != self.namespace).then_some(other)
    }
}

/// One object that a unit applied before, as `status.inventory` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InventoryEntry {
    /// The object.
    pub id: ObjectId,
    /// API version within the group, `v` in the inventory.
    pub version: String,
}

impl InventoryEntry {
    /// Group, version and kind, to find the object's endpoint.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(&*self.id.group, &*self.version, &*self.id.kind)
    }
}

/// Everything that a plan depends on.
pub struct Input<'a> {
    /// What the unit wants, built and substituted.
    pub desired: Vec<Manifest>,
    /// What it applied before.
    pub inventory: Vec<InventoryEntry>,
    /// Delete what is in the inventory and no longer wanted.
    pub prune: bool,
    /// Who owns the objects.
    pub owner: Owner,
    /// The scope of a kind, from discovery.
    pub scopes: &'a (dyn Fn(&GroupVersionKind) -> Scope + 'a),
    /// How the unit wants its objects applied.
    pub settings: Settings,
}

/// How the objects of a unit are applied.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Field manager of every apply: `kustomize-controller` for a Kustomization.
    pub field_manager: String,
    /// `spec.force`: recreate an object whose change the API server calls immutable.
    pub force: bool,
    /// Managers whose fields are taken over, besides kubectl: `--override-manager`.
    pub override_managers: Vec<String>,
    /// `spec.ignore`: fields that are left to others.
    pub ignore: Vec<IgnoreRule>,
    /// Kinds that are applied before all others but definitions and classes: `--custom-apply-stage-kinds`.
    pub early_kinds: BTreeSet<GroupKind>,
}

/// Fields that are left to others.
#[derive(Clone, Debug)]
pub struct IgnoreRule {
    /// JSON pointers (RFC 6901).
    pub paths: Vec<String>,
    /// In which objects; in all when absent.
    pub target: Option<ObjectSelector>,
}

/// What to do, with no choice left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Who owns the objects.
    pub owner: Owner,
    /// Objects to apply. The steps of a wave do not depend on each other.
    pub waves: Vec<Wave>,
    /// Objects to delete, in order, after all waves.
    pub prune: Vec<PruneStep>,
    /// Old and new inventory together: written before the first change, so that nothing is lost.
    pub union_inventory: Vec<InventoryEntry>,
    /// The inventory once every deletion is seen done.
    pub final_inventory: Vec<InventoryEntry>,
    /// Managers whose fields are taken over before an object is applied in the mode [`ApplyMode::Override`].
    pub takes_over: Vec<ManagerRule>,
    /// Why the plan is what it is.
    pub report: PlanReport,
}

impl Plan {
    /// All apply steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &ApplyStep> {
        self.waves.iter().flat_map(|wave| &wave.steps)
    }
}

/// Objects that may be applied in parallel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wave {
    /// Conditions of objects of earlier waves, without which these steps would fail.
    pub wait_for: Vec<Wait>,
    /// The objects, in Flux's order.
    pub steps: Vec<ApplyStep>,
}

/// A condition that must hold before a wave starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wait {
    /// The object; an earlier wave applies it.
    pub id: ObjectId,
    /// API version within the group.
    pub version: String,
    /// What must hold.
    pub condition: WaitCondition,
}

/// What can be waited for between two waves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WaitCondition {
    /// Condition `Established` is `True`: a CRD, or a Crossplane XRD.
    Established,
    /// An XRD with a claim: condition `Established` and condition `Offered` are `True`.
    Offered,
    /// `status.phase` is `Active`: a Namespace, which might still be terminating.
    Active,
}

/// One server-side apply. The patch is always forced: the owner wins conflicts, as in Flux.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplyStep {
    /// The object.
    pub id: ObjectId,
    /// The final object: labelled, its namespace in order, without what only a server writes.
    pub manifest: Manifest,
    /// Field manager of the patch.
    pub field_manager: String,
    /// What to do with a live object.
    pub mode: ApplyMode,
    /// Delete and create the object again when the API server refuses the change as immutable.
    pub recreate: bool,
    /// JSON pointers of fields that are left to others once the object is there.
    pub ignored: Vec<String>,
    /// SHA-256 of the object in hex: equal digests mean that nothing changed.
    pub digest: String,
    /// Label or annotation keys and values any of which, on the live object, takes it out of our hands.
    pub exclusions: Vec<(String, String)>,
    /// Label or annotation key and value that, on the live object, asks for the mode [`ApplyMode::Merge`].
    pub merge_mark: (String, String),
    /// Label or annotation key and value that, on the live object, asks to recreate it where need be.
    pub force_mark: (String, String),
}

/// Labels and annotations of a live object, by key.
pub trait Marks {
    /// A label.
    fn label(&self, key: &str) -> Option<&str>;
    /// An annotation.
    fn annotation(&self, key: &str) -> Option<&str>;
}

impl Marks for Manifest {
    fn label(&self, key: &str) -> Option<&str> {
        self.label(key)
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotation(key)
    }
}

impl ApplyStep {
    /// Does the live object ask to be left alone?
    pub fn spares(&self, live: &impl Marks) -> bool {
        self.exclusions.iter().any(|mark| carries(live, mark))
    }

    /// Are fields that were written by hand taken over from the live object?
    pub fn overrides(&self, live: &impl Marks) -> bool {
        self.mode == ApplyMode::Override && !carries(live, &self.merge_mark)
    }

    /// May the live object be deleted and made anew?
    pub fn recreates(&self, live: &impl Marks) -> bool {
        self.recreate || carries(live, &self.force_mark)
    }
}

/// Is it a label or an annotation of the object? Values compare without case, as in Flux.
fn carries(object: &impl Marks, (key, value): &(String, String)) -> bool {
    let is = |found: Option<&str>| found.is_some_and(|v| v.eq_ignore_ascii_case(value));
    is(object.label(key)) || is(object.annotation(key))
}

/// The values of the annotation `<group>/ssa`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApplyMode {
    /// Own every field given; fields that kubectl set by hand are taken over and dropped.
    #[default]
    Override,
    /// Own every field given, keep what other managers set.
    Merge,
    /// Create the object, never change it.
    IfNotPresent,
}

/// One deletion, in the background. The live object decides at last: see [`PruneStep::spares`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneStep {
    /// The object.
    pub id: ObjectId,
    /// API version within the group, from the inventory.
    pub version: String,
    /// Steps of a later stage start when those of the earlier ones are gone: a definition goes after
    /// what it defines, or finalizers would wait for a controller that has lost its API.
    pub stage: u8,
    /// Labels that the live object must carry; without them it belongs to somebody else by now.
    pub owner_labels: [(String, String); 2],
    /// Label or annotation keys and values, any of which on the live object forbids its deletion.
    pub exclusions: Vec<(String, String)>,
}

impl PruneStep {
    /// Group, version and kind, to find the object's endpoint.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(&*self.id.group, &*self.version, &*self.id.kind)
    }

    /// Why the live object must be left alone; `None` when it may be deleted.
    pub fn spares(&self, live: &impl Marks) -> Option<String> {
        for (key, value) in &self.owner_labels {
            if live.label(key) != Some(value) {
                return Some(format!("its label {key} is not `{value}`"));
            }
        }
        let exclusion = self.exclusions.iter().find(|exclusion| carries(live, exclusion));
        exclusion.map(|(key, value)| format!("it carries {key}: {value}"))
    }
}

/// Why the plan is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanReport {
    /// Which object waits for which, and why.
    pub edges: Vec<Edge>,
    /// Desired objects that are left alone.
    pub skipped: Vec<Skipped>,
    /// Objects that leave the inventory without being deleted, because pruning is off.
    pub orphaned: Vec<ObjectId>,
    /// Namespaces that are no longer desired and still hold desired objects: they are neither
    /// deleted nor forgotten until those are gone.
    pub retained: Vec<ObjectId>,
}

/// An order between two desired objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// Applied first.
    pub before: ObjectId,
    /// Applied in a later wave.
    pub after: ObjectId,
    /// The rule that asks for it.
    pub because: Because,
}

/// The rules from which edges are inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Because {
    /// The object lives in that Namespace, or writes into it.
    Namespace,
    /// The definition (CRD or XRD) defines the object's kind.
    Defines,
    /// The Composition renders the composite.
    Composes,
    /// The object names the other in its spec: a mount, an environment, a reference.
    Uses,
    /// The binding grants the role.
    Binds,
    /// The binding gives rights to the ServiceAccount that the workload runs as.
    Grants,
    /// The policy (LimitRange, ResourceQuota) applies to objects that are created after it.
    Limits,
    /// The webhook would judge the object while its own server may not run yet.
    Admits,
    /// The kind is applied early: a class, or a kind that an administrator names.
    Stage,
}

impl Because {
    /// Must the one have been applied for the other to be accepted? The other rules only save a retry.
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Namespace | Self::Defines)
    }
}

/// A desired object that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The object; it stays in the inventory.
    pub id: ObjectId,
    /// The label or annotation that asks for it, as `key: value`.
    pub because: String,
}
