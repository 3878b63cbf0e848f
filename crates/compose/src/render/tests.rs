use std::collections::BTreeMap;

use capstan_model::{GroupVersionKind, Manifest, Secret};
use serde_json::{Value, json};

use super::{Blocked, Input, Observed, RenderError, Rendered, Warning, render};
use crate::composition::Composition;

fn manifest(value: Value) -> Manifest {
    Manifest::try_from(value).expect("an object")
}

fn composition(resources: &Value) -> Composition {
    Composition::parse(&manifest(json!({
        "apiVersion": "apiextensions.crossplane.io/v1", "kind": "Composition",
        "metadata": {"name": "net"},
        "spec": {
            "compositeTypeRef": {"apiVersion": "example.org/v1", "kind": "XNet"},
            "resources": resources,
        },
    })))
    .expect("a valid Composition")
}

fn composite() -> Value {
    json!({
        "apiVersion": "example.org/v1", "kind": "XNet",
        "metadata": {"name": "blue", "uid": "u-1", "labels": {"crossplane.io/composite": "blue"}},
        "spec": {"region": "eu", "claimRef": {"name": "blue", "namespace": "shop"}},
    })
}

/// A world with a composite, its children and a counter for names.
struct World {
    composition: Composition,
    composite: Manifest,
    observed: BTreeMap<String, Observed>,
    schemas: BTreeMap<String, Value>,
    environment: Value,
    names: usize,
}

impl World {
    fn new(resources: &Value) -> Self {
        Self {
            composition: composition(resources),
            composite: manifest(composite()),
            observed: BTreeMap::new(),
            schemas: BTreeMap::new(),
            environment: Value::Null,
            names: 0,
        }
    }

    fn render(&mut self) -> Rendered {
        let schemas = &self.schemas;
        let names = &mut self.names;
        render(Input {
            composite: &self.composite,
            composition: &self.composition,
            observed: &self.observed,
            environment: &self.environment,
            schema: &|gvk: &GroupVersionKind| schemas.get(&gvk.kind).cloned(),
            new_name: &mut |prefix| {
                *names += 1;
                format!("{prefix}n{names}")
            },
        })
        .expect("mode Resources, the right kind")
    }

    /// What the hub would do: record references and status, create what is desired.
    fn settle(&mut self, rendered: &Rendered) {
        let refs: Vec<Value> =
            rendered.resource_refs.iter().map(super::ResourceRef::to_value).collect();
        self.composite = rendered.composite.clone();
        self.composite.value_mut()["spec"]["resourceRefs"] = refs.into();
        for child in &rendered.children {
            if let Ok(object) = &child.desired {
                let connection = BTreeMap::new();
                let observed = Observed { object: object.clone(), connection };
                self.observed.entry(child.template.clone()).or_insert(observed);
            }
        }
    }
}

fn two() -> Value {
    json!([
        {
            "name": "vpc", "base": {"apiVersion": "ec2/v1", "kind": "VPC", "spec": {}},
            "patches": [
                {"fromFieldPath": "spec.region", "toFieldPath": "spec.region"},
                {"type": "ToCompositeFieldPath", "fromFieldPath": "status.id", "toFieldPath": "status.vpc"},
            ],
            "connectionDetails": [
                {"fromConnectionSecretKey": "token"},
                {"name": "id", "fromFieldPath": "status.id"},
                {"name": "fixed", "value": "v"},
            ],
        },
        {
            "name": "subnet", "base": {"apiVersion": "ec2/v1", "kind": "Subnet", "metadata": {}},
            "patches": [{"fromFieldPath": "status.vpc", "toFieldPath": "spec.vpc",
                "policy": {"fromFieldPath": "Required"}}],
        },
    ])
}

#[test]
fn a_child_has_labels_owner_and_a_new_name() {
    let rendered = World::new(&two()).render();
    let vpc = &rendered.children[0];
    assert_eq!((vpc.name.as_str(), vpc.exists, vpc.readiness.ready), ("blue-n1", false, false));
    let object = vpc.desired.as_ref().expect("rendered").value();
    assert_eq!(object["spec"], json!({"region": "eu"}));
    assert_eq!(
        object["metadata"],
        json!({
            "name": "blue-n1",
            "generateName": "blue-",
            "labels": {
                "crossplane.io/composite": "blue",
                "crossplane.io/claim-name": "blue",
                "crossplane.io/claim-namespace": "shop",
            },
            "annotations": {"crossplane.io/composition-resource-name": "vpc"},
            "ownerReferences": [{"apiVersion": "example.org/v1", "kind": "XNet", "name": "blue",
                "uid": "u-1", "controller": true, "blockOwnerDeletion": true}],
        })
    );
}

#[test]
fn a_missing_field_blocks_its_child_and_is_named() {
    let rendered = World::new(&two()).render();
    let subnet = &rendered.children[1];
    let blocked = subnet.desired.as_ref().expect_err("waits for the VPC");
    assert!(blocked.is_waiting());
    assert_eq!(
        blocked.to_string(),
        "template `subnet`, patch 0, FromCompositeFieldPath `status.vpc` to `spec.vpc`: \
         status: no such field (required, waiting for it)"
    );
    assert!(!rendered.is_ready());
    assert!(rendered.unready().starts_with("vpc (not created yet), subnet (template"));
    assert_eq!(rendered.resource_refs[1].name, "blue-n2", "recorded before it is created");
}

#[test]
fn what_one_child_shows_reaches_the_next_in_the_same_pass() {
    let mut world = World::new(&two());
    let first = world.render();
    assert!(first.refs_changed && !first.status_changed);
    world.settle(&first);
    let vpc = world.observed.get_mut("vpc").expect("created");
    vpc.object.value_mut()["status"] = json!({"id": "vpc-9"});
    vpc.connection.insert("token".to_owned(), Secret::new(b"t".to_vec()));
    let second = world.render();
    assert!(second.status_changed && !second.refs_changed);
    let subnet = second.children[1].desired.as_ref().expect("no longer blocked");
    assert_eq!(subnet.value()["spec"]["vpc"], "vpc-9");
    assert_eq!(subnet.name(), "blue-n2", "the name that was recorded");
    assert_eq!(world.names, 2, "no further name was made");
    let keys: Vec<&str> = second.connection.keys().map(String::as_str).collect();
    assert_eq!(keys, ["fixed", "id", "token"]);
    assert_eq!(second.published(&["id".to_owned()]).len(), 1);
    world.settle(&second);
    let third = world.render();
    assert!(!third.status_changed && !third.object_changed && !third.refs_changed);
}

#[test]
fn ready_children_make_a_ready_composite() {
    let mut world = World::new(&json!([
        {"name": "a", "base": {"apiVersion": "v1", "kind": "A"}},
        {"name": "b", "base": {"apiVersion": "v1", "kind": "B"}, "readinessChecks": [{"type": "None"}]},
    ]));
    let first = world.render();
    world.settle(&first);
    let second = world.render();
    assert_eq!(second.unready(), "a (no condition Ready yet)");
    let a = world.observed.get_mut("a").expect("created");
    a.object.value_mut()["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    assert!(world.render().is_ready());
}

#[test]
fn names_stay_and_strangers_are_left_alone() {
    let mut world = World::new(&json!([
        {"name": "a", "base": {"apiVersion": "v1", "kind": "A", "metadata": {"name": "x"}},
         "patches": [{"fromFieldPath": "spec.region", "toFieldPath": "metadata.name"}]},
        {"name": "b", "base": {"apiVersion": "v1", "kind": "B"}},
        {"name": "c", "base": {"apiVersion": "v1", "kind": "C"}},
    ]));
    let exists = |kind: &str, name: &str, owner: &str| Observed {
        object: manifest(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name,
            "ownerReferences": [{"controller": true, "uid": owner, "kind": "XNet", "name": "red"}]}})),
        connection: BTreeMap::new(),
    };
    world.observed = BTreeMap::from([
        ("a".to_owned(), exists("A", "old", "u-1")),
        ("b".to_owned(), exists("B", "b1", "u-2")),
        ("c".to_owned(), exists("Other", "c1", "u-1")),
        ("gone".to_owned(), exists("G", "g1", "u-1")),
        ("foreign".to_owned(), exists("G", "g2", "u-2")),
    ]);
    let rendered = world.render();
    let [a, b, c] = &rendered.children[..] else { panic!("three templates") };
    assert_eq!(a.desired.as_ref().expect("rendered").name(), "old");
    assert!(matches!(&a.warnings[..], [Warning::NameKept { wanted, .. }] if wanted == "eu"));
    assert!(
        matches!(&b.desired, Err(Blocked::Foreign { controller, .. }) if controller == "XNet/red")
    );
    assert!(matches!(&c.desired, Err(Blocked::Kind { .. })));
    let orphans: Vec<&str> = rendered.orphans.iter().map(|orphan| orphan.name.as_str()).collect();
    assert_eq!(orphans, ["g1"]);
}

#[test]
fn fields_that_no_schema_knows_are_dropped_and_named() {
    let mut world = World::new(&two());
    let spec = json!({"properties": {"spec": {"type": "object", "properties": {}}}});
    world.schemas.insert("VPC".to_owned(), spec);
    let rendered = world.render();
    let vpc = &rendered.children[0];
    assert_eq!(vpc.desired.as_ref().expect("rendered").value()["spec"], json!({}));
    assert_eq!(
        vpc.warnings[0].to_string(),
        "template `vpc`: dropped `spec.region`: ec2/v1 VPC has no such field"
    );
}

#[test]
fn environment_and_composite_reach_each_other() {
    let mut world = World::new(&json!([
        {"name": "a", "base": {"apiVersion": "v1", "kind": "A"}, "patches": [
            {"type": "FromEnvironmentFieldPath", "fromFieldPath": "zone", "toFieldPath": "spec.zone"},
            {"type": "CombineFromEnvironment", "toFieldPath": "spec.both", "combine": {
                "variables": [{"fromFieldPath": "zone"}, {"fromFieldPath": "region"}],
                "strategy": "string", "string": {"fmt": "%s/%s"}}},
        ]},
    ]));
    world.environment = json!({"zone": "a"});
    world.composition.environment = serde_json::from_value(json!([
        {"fromFieldPath": "spec.region", "toFieldPath": "region"},
        {"type": "ToCompositeFieldPath", "fromFieldPath": "region", "toFieldPath": "status.seen"},
    ]))
    .expect("patches");
    let rendered = world.render();
    assert_eq!(rendered.composite.value()["status"]["seen"], "eu");
    let spec = &rendered.children[0].desired.as_ref().expect("rendered").value()["spec"];
    assert_eq!(spec, &json!({"zone": "a", "both": "a/eu"}));
}

#[test]
fn a_patch_to_the_composite_that_fails_is_an_error_of_the_composite() {
    let mut world = World::new(
        &json!([{"name": "a", "base": {"apiVersion": "v1", "kind": "A"}, "patches": [
        {"type": "ToCompositeFieldPath", "fromFieldPath": "metadata.name", "toFieldPath": "spec.region.x"}]}]),
    );
    let first = world.render();
    assert_eq!(first.errors, [], "nothing is read from a child that does not exist");
    world.settle(&first);
    let second = world.render();
    assert_eq!(
        second.errors[0].to_string(),
        "template `a`, patch 0, ToCompositeFieldPath `metadata.name` to `spec.region.x`: \
         spec.region: not an object"
    );
}

#[test]
fn what_cannot_be_rendered_says_why() {
    let mut composition = composition(&json!([]));
    composition.composite.kind = "Other".to_owned();
    let result = render(Input {
        composite: &manifest(composite()),
        composition: &composition,
        observed: &BTreeMap::new(),
        environment: &Value::Null,
        schema: &|_| None,
        new_name: &mut |prefix| prefix.to_owned(),
    });
    assert!(matches!(result, Err(RenderError::Kind { .. })));
}
