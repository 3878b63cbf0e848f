use std::sync::Arc;

use capstan_model::Manifest;
use serde_json::Value;

use crate::kind::{Edge, Extract, KindMeta, Reference};
use crate::managed::Managed;
use crate::names;
use crate::path;

/// What the graph has to know of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) meta: KindMeta,
    pub(crate) references: &'static [Reference],
    pub(crate) edges: &'static [Edge],
}

/// The managed resources of the cluster.
pub(crate) trait Objects {
    /// All of a kind.
    fn list(&self, group: &str, kind: &str) -> Vec<Arc<Manifest>>;
    /// One of them.
    fn get(&self, group: &str, kind: &str, name: &str) -> Option<Arc<Manifest>>;
    /// Every kind there is.
    fn shapes(&self) -> Vec<Shape>;
}

/// What a change of must wake who waits: a kind, or one object of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Topic {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
}

impl Topic {
    pub(crate) fn kind(group: &str, kind: &str) -> Self {
        Self { group: group.to_owned(), kind: kind.to_owned(), name: None }
    }

    pub(crate) fn object(group: &str, kind: &str, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::kind(group, kind) }
    }
}

/// Something that must come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// For people: what is waited for.
    pub(crate) message: String,
    /// What wakes us.
    pub(crate) topic: Topic,
    /// Waiting does not help: the user has to change something.
    pub(crate) broken: bool,
}

/// The objects that a composite is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Siblings {
    /// The object belongs to no composite.
    None,
    /// Group, kind and name of each, whether it exists yet or not.
    Known(Vec<(String, String, String)>),
}

impl Siblings {
    /// Group, kind and name of those of a kind that do not exist yet.
    fn missing(&self, group: &str, kind: &str, objects: &dyn Objects) -> Option<String> {
        let Self::Known(list) = self else { return None };
        let mut of_kind = list.iter().filter(|(g, k, _)| g == group && k == kind);
        of_kind
            .find(|(_, _, name)| objects.get(group, kind, name).is_none())
            .map(|(_, _, name)| name.clone())
    }

    /// A set may only be judged when every sibling of the kind exists.
    pub(crate) fn incomplete(
        &self,
        group: &str,
        kind: &str,
        objects: &dyn Objects,
    ) -> Option<Hold> {
        let name = self.missing(group, kind, objects)?;
        Some(Hold {
            message: format!("waits for {kind}/{name}, which its composite has not created yet"),
            topic: Topic::kind(group, kind),
            broken: false,
        })
    }
}

/// A selector of a managed resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector<'a> {
    pub(crate) same_controller: bool,
    pub(crate) labels: Vec<(&'a str, &'a str)>,
}

impl<'a> Selector<'a> {
    pub(crate) fn read(value: &'a Value) -> Option<Self> {
        let map = value.as_object()?;
        let labels = map.get("matchLabels").and_then(Value::as_object);
        let labels =
            labels.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)));
        Some(Self {
            same_controller: map.get("matchControllerRef") == Some(&Value::Bool(true)),
            labels: labels.collect(),
        })
    }

    pub(crate) fn matches(&self, from: Managed<'_>, to: &Manifest) -> bool {
        (!self.same_controller || from.same_controller(Managed(to)))
            && self.labels.iter().all(|(key, value)| to.label(key) == Some(value))
    }
}

/// The value that a reference takes from an object.
pub(crate) fn extract(object: &Manifest, extract: Extract) -> Option<String> {
    let text = match extract {
        Extract::ExternalName => object.annotation(names::EXTERNAL_NAME)?,
        Extract::Status(path) => path::dotted(object.value().get("status")?, path)?.as_str()?,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// Does a field of an object name another object: by reference, by selector, or by its literal value?
pub(crate) fn points_at(from: &Manifest, reference: &Reference, to: &Manifest) -> bool {
    let selects = |container: &Value| {
        let selector = container.get(path::last_key(reference.selector)).and_then(Selector::read);
        selector.is_some_and(|selector| selector.matches(Managed(from), to))
    };
    names(from, reference, to) || in_any_container(from, reference, to, selects)
}

/// Does a field of an object name another object by reference or by its literal value?
fn names(from: &Manifest, reference: &Reference, to: &Manifest) -> bool {
    in_any_container(from, reference, to, |container| {
        let field = |pattern: &str| container.get(path::last_key(pattern));
        let named = |value: &Value| value.get("name").and_then(Value::as_str) == Some(to.name());
        let referred = match field(reference.reference) {
            Some(Value::Array(list)) => list.iter().any(named),
            Some(value) => named(value),
            None => false,
        };
        referred || literal(field(reference.value), to, reference.extract)
    })
}

fn in_any_container(
    from: &Manifest,
    reference: &Reference,
    to: &Manifest,
    holds: impl Fn(&Value) -> bool,
) -> bool {
    if reference.to != (to.gvk().group.as_str(), to.kind()) {
        return false;
    }
    let Some(spec) = from.value().pointer("/spec/forProvider") else { return false };
    let places = path::containers(spec, reference.value);
    places.iter().filter_map(|place| path::get(spec, place)).any(holds)
}

fn literal(value: Option<&Value>, to: &Manifest, how: Extract) -> bool {
    let Some(value) = value else { return false };
    let Some(id) = extract(to, how) else { return false };
    match value {
        Value::Array(list) => list.iter().any(|item| item.as_str() == Some(&id)),
        value => value.as_str() == Some(&id),
    }
}

/// What must be Ready before an object is created, beyond what its references name.
pub(crate) fn edges_before(
    shape: &Shape,
    object: &Manifest,
    siblings: &Siblings,
    objects: &dyn Objects,
) -> Option<Hold> {
    shape.edges.iter().find_map(|edge| {
        let (group, kind) = kind_of(edge);
        siblings.incomplete(group, kind, objects).or_else(|| {
            let mut others = objects.list(group, kind).into_iter();
            let other = others.find(|other| {
                !Managed(other).is_ready() && joined(shape, object, edge, other, objects)
            })?;
            Some(Hold {
                message: format!("waits for {kind}/{} to become ready", other.name()),
                topic: Topic::object(group, kind, other.name()),
                broken: false,
            })
        })
    })
}

const fn kind_of(edge: &Edge) -> (&'static str, &'static str) {
    match edge {
        Edge::SameController { group, kind } | Edge::Shared { group, kind, .. } => (group, kind),
    }
}

/// Does an edge of an object lead to another?
fn joined(
    shape: &Shape,
    object: &Manifest,
    edge: &Edge,
    other: &Manifest,
    objects: &dyn Objects,
) -> bool {
    match edge {
        Edge::SameController { .. } => Managed(object).same_controller(Managed(other)),
        Edge::Shared { group, kind, theirs, ours } => {
            let shapes = objects.shapes();
            let their_shape =
                shapes.iter().find(|s| (s.meta.group, s.meta.kind) == (*group, *kind));
            let reference = |shape: &Shape, value: &str| {
                shape.references.iter().find(|reference| reference.value == value).copied()
            };
            let Some(ours) = reference(shape, ours) else { return false };
            let Some(theirs) = their_shape.and_then(|shape| reference(shape, theirs)) else {
                return false;
            };
            let (group, kind) = ours.to;
            objects
                .list(group, kind)
                .iter()
                .any(|target| points_at(object, &ours, target) && points_at(other, &theirs, target))
        }
    }
}

/// Which of those that refer to a resource were meant to go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// All, for a short time after the deletion began: a set is often deleted one by one.
    Everyone,
    /// The rest of its composite, which is going.
    Composite,
    /// Only what is being deleted itself.
    Nobody,
}

/// Who must be gone before an object that is being deleted may go: whoever goes with it and refers to it or has an edge to
/// it, and whoever stays and names it, once that exists. What only an edge or a selector joins to it can live on without it.
pub(crate) fn blockers(object: &Manifest, company: Company, objects: &dyn Objects) -> Option<Hold> {
    let me = Managed(object);
    let gvk = object.gvk();
    for shape in objects.shapes() {
        let references: Vec<_> = (shape.references.iter())
            .filter(|reference| reference.to == (gvk.group.as_str(), gvk.kind.as_str()))
            .collect();
        let edges: Vec<_> = (shape.edges.iter())
            .filter(|edge| kind_of(edge) == (gvk.group.as_str(), gvk.kind.as_str()))
            .collect();
        if references.is_empty() && edges.is_empty() {
            continue;
        }
        for other in objects.list(shape.meta.group, shape.meta.kind) {
            if other.uid() == object.uid() {
                continue;
            }
            let goes = match company {
                Company::Everyone => true,
                Company::Composite => other.is_deleting() || me.same_controller(Managed(&other)),
                Company::Nobody => other.is_deleting(),
            };
            let blocks = if goes {
                references.iter().any(|reference| points_at(&other, reference, object))
                    || edges.iter().any(|edge| joined(&shape, &other, edge, object, objects))
            } else {
                Managed(&other).was_seen()
                    && references.iter().any(|reference| names(&other, reference, object))
            };
            if blocks {
                return Some(waits_for(&shape, &other));
            }
        }
    }
    None
}

fn waits_for(shape: &Shape, other: &Manifest) -> Hold {
    let (group, kind, name) = (shape.meta.group, shape.meta.kind, other.name());
    let next = if other.is_deleting() { "" } else { ": delete it too, or let it name another" };
    Hold {
        message: format!("waits until {kind}/{name} is deleted, which depends on it{next}"),
        topic: Topic::object(group, kind, name),
        broken: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Company, Shape, Siblings, blockers, edges_before};
    use crate::kind::{CreateClass, Edge, Extract, InitialName, KindMeta, Reference};
    use crate::testing::{Fixed, controlled, ready};
    use serde_json::json;

    const GROUP: &str = "test.aws.crossplane.io";

    const fn meta(kind: &'static str) -> KindMeta {
        KindMeta {
            group: GROUP,
            version: "v1",
            kind,
            plural: "things",
            create: CreateClass::Named,
            initial_external_name: InitialName::MetadataName,
        }
    }

    const fn to_role(value: &'static str) -> Reference {
        Reference {
            value,
            reference: "roleRef",
            selector: "roleSelector",
            to: (GROUP, "Role"),
            extract: Extract::ExternalName,
            many: false,
        }
    }

    static TO_ROLE: [Reference; 1] = [to_role("role")];
    static ATTACHED: [Edge; 2] = [
        Edge::Shared { group: GROUP, kind: "Attachment", theirs: "role", ours: "role" },
        Edge::SameController { group: GROUP, kind: "Gateway" },
    ];

    fn shapes() -> Vec<Shape> {
        vec![
            Shape { meta: meta("Role"), references: &[], edges: &[] },
            Shape { meta: meta("Gateway"), references: &[], edges: &[] },
            Shape { meta: meta("Attachment"), references: &TO_ROLE, edges: &[] },
            Shape { meta: meta("Cluster"), references: &TO_ROLE, edges: &ATTACHED },
        ]
    }

    fn world() -> Fixed {
        let role = json!({"spec": {"forProvider": {"roleRef": {"name": "r"}}}});
        let cluster = json!({"metadata": {"ownerReferences": controlled("xr-1")},
            "spec": {"forProvider": {"roleSelector": {"matchLabels": {"type": "r"}}}}});
        Fixed { shapes: shapes(), ..Fixed::default() }
            .with("Role", "r", json!({"metadata": {"labels": {"type": "r"}}, "status": ready()}))
            .with(
                "Role",
                "other",
                json!({"metadata": {"annotations": {"crossplane.io/external-name": "other-name"}}}),
            )
            .with("Attachment", "at", role)
            .with(
                "Attachment",
                "elsewhere",
                json!({"spec": {"forProvider": {"role": "other-name"}}}),
            )
            .with("Cluster", "c", cluster)
            .with(
                "Gateway",
                "g",
                json!({"metadata": {"ownerReferences": controlled("xr-1")}, "status": ready()}),
            )
            .with(
                "Gateway",
                "foreign",
                json!({"metadata": {"ownerReferences": controlled("xr-2")}}),
            )
    }

    fn before(world: &Fixed, siblings: &Siblings) -> Option<String> {
        let hold = edges_before(&shapes()[3], &world.named("c"), siblings, world)?;
        Some(hold.message)
    }

    #[test]
    fn a_create_waits_for_what_no_reference_names() {
        assert_eq!(
            before(&world(), &Siblings::None).as_deref(),
            Some("waits for Attachment/at to become ready")
        );
        let siblings = Siblings::Known(vec![(GROUP.into(), "Attachment".into(), "late".into())]);
        assert_eq!(
            before(&world(), &siblings).as_deref(),
            Some("waits for Attachment/late, which its composite has not created yet")
        );
        let mut world = world();
        world.objects.retain(|object| object.name() != "at");
        assert_eq!(before(&world, &Siblings::None), None);
    }

    #[test]
    fn a_deletion_runs_backwards() {
        let world = world();
        let blocker = |name: &str, company| {
            blockers(&world.named(name), company, &world).map(|hold| hold.message)
        };
        let until = |who: &str| {
            Some(format!(
                "waits until {who} is deleted, which depends on it: delete it too, or let it name another"
            ))
        };
        use Company::{Composite, Everyone, Nobody};
        assert_eq!(blocker("r", Everyone), until("Attachment/at"));
        assert_eq!(blocker("r", Nobody), None, "who refers to it does not exist yet");
        assert_eq!(blocker("at", Everyone), until("Cluster/c"));
        assert_eq!(blocker("g", Composite), until("Cluster/c"), "one composite goes together");
        assert_eq!(blocker("g", Nobody), None, "the composite stays, and can do without");
        assert_eq!(blocker("foreign", Everyone), None);
        assert_eq!(blocker("other", Everyone), until("Attachment/elsewhere"));
        assert_eq!(blocker("c", Everyone), None);
    }

    #[test]
    fn who_stays_and_names_it_is_waited_for_once_it_exists() {
        let mut world = world();
        world.objects.retain(|object| object.name() != "at");
        let exists = json!({"spec": {"forProvider": {"roleRef": {"name": "r"}}},
            "status": {"atProvider": {"arn": "x"}}});
        let world = world.with("Attachment", "at", exists);
        let blocker = |name: &str| blockers(&world.named(name), Company::Nobody, &world);
        let told = blocker("r").expect("it is named").message;
        assert!(told.starts_with("waits until Attachment/at is deleted"), "{told}");
        assert_eq!(blocker("at"), None, "an edge does not keep it");
    }
}
