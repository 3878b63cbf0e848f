use std::collections::BTreeMap;
use std::sync::Arc;

use capstan_model::Manifest;
use serde_json::{Value, json};

use crate::graph::{Hold, Objects, Selector, Shape, Siblings, Topic, extract, points_at};
use crate::kind::Reference;
use crate::managed::Managed;
use crate::path::{self, Step};

/// `spec.forProvider` with its references followed.
#[derive(Clone, Debug)]
pub(crate) struct Resolution {
    /// The spec with every value that is known.
    pub(crate) spec: Value,
    /// The values that came from references: path to value.
    pub(crate) values: BTreeMap<String, Value>,
    /// Why a value is missing.
    pub(crate) missing: Option<Hold>,
    /// What has a value and is not Ready.
    pub(crate) unready: Option<Hold>,
}

/// Follows the references of an object. What cannot be followed is filled from the values that the create was called with.
pub(crate) fn resolve(
    shape: &Shape,
    object: &Manifest,
    siblings: &Siblings,
    objects: &dyn Objects,
) -> Resolution {
    let managed = Managed(object);
    let mut out = Resolution {
        spec: managed.for_provider(),
        values: BTreeMap::new(),
        missing: None,
        unready: None,
    };
    let recorded = managed.resolved();
    let resolver = Resolver { object, managed, siblings, objects };
    for reference in shape.references {
        for place in path::containers(&out.spec.clone(), reference.value) {
            resolver.slot(reference, &place, &recorded, &mut out);
        }
    }
    out
}

struct Resolver<'a> {
    object: &'a Manifest,
    managed: Managed<'a>,
    siblings: &'a Siblings,
    objects: &'a dyn Objects,
}

/// What a slot was resolved to.
enum Found {
    /// There is nothing to follow.
    Nothing,
    /// These objects.
    Targets(Vec<Arc<Manifest>>),
    /// Not yet, or not at all.
    Held(Hold),
}

impl Resolver<'_> {
    fn slot(
        &self,
        reference: &Reference,
        place: &[Step],
        recorded: &BTreeMap<String, Value>,
        out: &mut Resolution,
    ) {
        let Some(container) = path::get(&out.spec, place).cloned() else { return };
        let key = path::last_key(reference.value);
        let written = container.get(key).filter(|value| !is_empty(value));
        if written.is_some() && !is_always(&container, reference) {
            self.literal_targets(reference, out);
            return;
        }
        let text = path::text(place, key);
        let found = match self.targets(reference, &container, &text) {
            Found::Nothing => return,
            Found::Held(hold) => Err(hold),
            Found::Targets(targets) => self.values(reference, &targets, out),
        };
        match found {
            Ok(value) => {
                path::set(&mut out.spec, place, key, value.clone());
                out.values.insert(text, value);
            }
            Err(_) if is_optional(&container, reference) => {}
            Err(hold) => match recorded.get(&text) {
                Some(value) => {
                    path::set(&mut out.spec, place, key, value.clone());
                    out.unready.get_or_insert(hold);
                }
                None => keep_first(&mut out.missing, hold),
            },
        }
    }

    /// A literal that is the id of a managed resource orders the work as a reference does.
    fn literal_targets(&self, reference: &Reference, out: &mut Resolution) {
        let (group, kind) = reference.to;
        for target in self.objects.list(group, kind) {
            if !Managed(&target).is_ready() && points_at(self.object, reference, &target) {
                keep_first(&mut out.unready, unready(reference, &target));
            }
        }
    }

    fn targets(&self, reference: &Reference, container: &Value, text: &str) -> Found {
        let (group, kind) = reference.to;
        let names = names(container.get(path::last_key(reference.reference)));
        if !names.is_empty() {
            let mut targets = Vec::new();
            for name in names {
                match self.objects.get(group, kind, name) {
                    Some(target) => targets.push(target),
                    None => {
                        return Found::Held(Hold {
                            message: format!(
                                "waits for {kind}/{name}, which does not exist ({text})"
                            ),
                            topic: Topic::object(group, kind, name),
                            broken: false,
                        });
                    }
                }
            }
            return Found::Targets(targets);
        }
        match container.get(path::last_key(reference.selector)).and_then(Selector::read) {
            Some(selector) => self.select(reference, &selector, text),
            None => Found::Nothing,
        }
    }

    fn select(&self, reference: &Reference, selector: &Selector<'_>, text: &str) -> Found {
        let (group, kind) = reference.to;
        let held = |message, broken| {
            Found::Held(Hold { message, topic: Topic::kind(group, kind), broken })
        };
        if selector.same_controller && self.managed.controller().is_none() {
            let message = format!(
                "{text}: the selector asks for the same controller, and this object has none; use {} or matchLabels",
                path::last_key(reference.reference)
            );
            return held(message, true);
        }
        if let Some(hold) = self.siblings.incomplete(group, kind, self.objects) {
            return Found::Held(hold);
        }
        let mut matched = self.objects.list(group, kind);
        matched.retain(|target| selector.matches(self.managed, target));
        // What is going away is chosen only if there is nothing else.
        if matched.iter().any(|target| !target.is_deleting()) {
            matched.retain(|target| !target.is_deleting());
        }
        matched.sort_by(|a, b| a.name().cmp(b.name()));
        if matched.is_empty() {
            return held(format!("waits for a {kind} that the selector of {text} matches"), false);
        }
        if !reference.many && matched.len() > 1 {
            let names: Vec<_> = matched.iter().map(|target| target.name()).collect();
            let message = format!(
                "{text}: the selector matches {} of kind {kind}: {}; add labels until one is left",
                matched.len(),
                names.join(", ")
            );
            return held(message, true);
        }
        Found::Targets(matched)
    }

    fn values(
        &self,
        reference: &Reference,
        targets: &[Arc<Manifest>],
        out: &mut Resolution,
    ) -> Result<Value, Hold> {
        let mut values = Vec::new();
        for target in targets {
            let (group, kind) = reference.to;
            let value = extract(target, reference.extract).ok_or_else(|| Hold {
                message: format!("waits for {kind}/{} to be created", target.name()),
                topic: Topic::object(group, kind, target.name()),
                broken: false,
            })?;
            if !Managed(target).is_ready() {
                keep_first(&mut out.unready, unready(reference, target));
            }
            values.push(value);
        }
        Ok(if reference.many { json!(values) } else { json!(values.first()) })
    }
}

fn unready(reference: &Reference, target: &Manifest) -> Hold {
    let (group, kind) = reference.to;
    Hold {
        message: format!("waits for {kind}/{} to become ready", target.name()),
        topic: Topic::object(group, kind, target.name()),
        broken: false,
    }
}

/// What is broken is said before what only takes time.
fn keep_first(slot: &mut Option<Hold>, hold: Hold) {
    match slot {
        Some(held) if held.broken || !hold.broken => {}
        _ => *slot = Some(hold),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn names(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(list)) => {
            list.iter().filter_map(|item| item.get("name")?.as_str()).collect()
        }
        Some(value) => value.get("name").and_then(Value::as_str).into_iter().collect(),
        None => Vec::new(),
    }
}

fn policy<'v>(container: &'v Value, reference: &Reference, field: &str) -> Option<&'v str> {
    [reference.reference, reference.selector].into_iter().find_map(|pattern| {
        let value = container.get(path::last_key(pattern))?;
        let value = value.as_array().map_or(Some(value), |list| list.first())?;
        value.get("policy")?.get(field)?.as_str()
    })
}

fn is_optional(container: &Value, reference: &Reference) -> bool {
    policy(container, reference, "resolution") == Some("Optional")
}

fn is_always(container: &Value, reference: &Reference) -> bool {
    policy(container, reference, "resolve") == Some("Always")
}

#[cfg(test)]
mod tests {
    use super::{Resolution, resolve};
    use crate::graph::{Shape, Siblings};
    use crate::kind::{CreateClass, Extract, InitialName, KindMeta, Reference};
    use crate::testing::{Fixed, controlled, ready};
    use serde_json::{Value, json};

    const GROUP: &str = "test.aws.crossplane.io";

    static REFERENCES: [Reference; 3] = [
        Reference {
            value: "subnetIds",
            reference: "subnetIdRefs",
            selector: "subnetIdSelector",
            to: (GROUP, "Subnet"),
            extract: Extract::ExternalName,
            many: true,
        },
        Reference {
            value: "routes[*].gatewayId",
            reference: "routes[*].gatewayIdRef",
            selector: "routes[*].gatewayIdSelector",
            to: (GROUP, "Gateway"),
            extract: Extract::ExternalName,
            many: false,
        },
        Reference {
            value: "roleArn",
            reference: "roleArnRef",
            selector: "roleArnSelector",
            to: (GROUP, "Role"),
            extract: Extract::Status("atProvider.arn"),
            many: false,
        },
    ];

    fn shape() -> Shape {
        Shape {
            meta: KindMeta {
                group: GROUP,
                version: "v1",
                kind: "Thing",
                plural: "things",
                create: CreateClass::Tagged,
                initial_external_name: InitialName::None,
            },
            references: &REFERENCES,
            edges: &[],
        }
    }

    fn made(id: &str, zone: &str) -> Value {
        json!({"metadata": {"annotations": {"crossplane.io/external-name": id}, "labels": {"zone": zone},
            "ownerReferences": controlled("xr")}, "status": ready()})
    }

    fn world() -> Fixed {
        Fixed::default()
            .with("Subnet", "s1", made("subnet-1", "a"))
            .with("Subnet", "s2", made("subnet-2", "b"))
            .with("Gateway", "g1", made("gw-1", "a"))
            .with("Gateway", "g2", made("gw-2", "a"))
            .with("Role", "r", json!({"status": {"atProvider": {"arn": "arn:r"}}}))
    }

    #[expect(clippy::needless_pass_by_value, reason = "every caller writes the value in place")]
    fn run(world: &Fixed, siblings: &Siblings, for_provider: Value) -> Resolution {
        let object = crate::testing::object(json!({
            "metadata": {"ownerReferences": controlled("xr")}, "spec": {"forProvider": for_provider}}));
        resolve(&shape(), &object, siblings, world)
    }

    fn missing(resolution: &Resolution) -> (&str, bool) {
        let hold = resolution.missing.as_ref().expect("something is missing");
        (&hold.message, hold.broken)
    }

    #[test]
    fn follows_names_sets_and_elements_of_arrays() {
        let out = run(
            &world(),
            &Siblings::None,
            json!({
                "subnetIdSelector": {"matchControllerRef": true},
                "routes": [{"cidr": "x", "gatewayIdRef": {"name": "g1"}}, {"gatewayId": "gw-literal"}],
                "roleArnRef": {"name": "r"},
            }),
        );
        assert_eq!(out.spec["subnetIds"], json!(["subnet-1", "subnet-2"]));
        assert_eq!(out.spec["routes"][0]["gatewayId"], "gw-1");
        assert_eq!(out.spec["routes"][1]["gatewayId"], "gw-literal");
        assert_eq!(out.spec["roleArn"], "arn:r");
        assert!(out.missing.is_none());
        assert_eq!(
            out.unready.expect("the role is not ready").message,
            "waits for Role/r to become ready"
        );
        let recorded: Vec<_> = out.values.keys().cloned().collect();
        assert_eq!(recorded, ["roleArn", "routes[0].gatewayId", "subnetIds"]);
    }

    #[test]
    fn a_set_is_complete_or_waits() {
        let spec = json!({"subnetIdSelector": {"matchControllerRef": true}});
        let subnet = |name: &str| (GROUP.to_owned(), "Subnet".to_owned(), name.to_owned());
        let siblings = Siblings::Known(vec![subnet("s1"), subnet("s2"), subnet("s3")]);
        let out = run(&world(), &siblings, spec.clone());
        assert_eq!(
            missing(&out),
            ("waits for Subnet/s3, which its composite has not created yet", false)
        );
        let world = world().with(
            "Subnet",
            "s3",
            json!({"metadata": {"ownerReferences": controlled("xr")}}),
        );
        let out = run(&world, &siblings, spec);
        assert_eq!(missing(&out), ("waits for Subnet/s3 to be created", false));
        assert!(out.values.is_empty());
    }

    #[test]
    fn an_ambiguous_selector_names_the_candidates() {
        let out = run(
            &world(),
            &Siblings::None,
            json!({
            "routes": [{"gatewayIdSelector": {"matchLabels": {"zone": "a"}}}]}),
        );
        assert_eq!(
            missing(&out),
            (
                "routes[0].gatewayId: the selector matches 2 of kind Gateway: g1, g2; add labels until one is left",
                true
            )
        );
    }

    #[test]
    fn what_was_resolved_at_creation_serves_when_the_target_is_gone() {
        let object = crate::testing::object(json!({
            "metadata": {"annotations": {"fleet.capstan.dev/resolved": "{\"roleArn\":\"arn:old\"}"}},
            "spec": {"forProvider": {"roleArnRef": {"name": "gone"}}}}));
        let out = resolve(&shape(), &object, &Siblings::None, &world());
        assert_eq!(out.spec["roleArn"], "arn:old");
        assert!(out.missing.is_none() && out.unready.is_some());
    }

    #[test]
    fn an_optional_reference_does_not_hold() {
        let out = run(
            &world(),
            &Siblings::None,
            json!({
            "roleArnRef": {"name": "gone", "policy": {"resolution": "Optional"}}}),
        );
        assert!(out.missing.is_none() && out.spec.get("roleArn").is_none());
    }
}
