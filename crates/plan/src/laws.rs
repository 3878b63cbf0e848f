//! Laws that hold for every input.

use std::collections::{BTreeSet, HashMap};

use capstan_model::{Manifest, ObjectId};
use proptest::prelude::*;
use serde_json::json;

use crate::testing::{input, object, with};
use crate::{InventoryEntry, Plan, plan};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn any_object() -> impl Strategy<Value = Manifest> {
    let name = || prop::sample::select(NAMES.to_vec());
    (0..8_usize, name(), name(), name()).prop_map(|(kind, namespace, name, other)| match kind {
        0 => object("v1", "Namespace", "", name),
        1 => object("v1", "ConfigMap", namespace, name),
        2 => object("v1", "ServiceAccount", namespace, name),
        3 => object("example.org/v1", "Thing", namespace, name),
        4 => object("rbac.authorization.k8s.io/v1", "ClusterRole", namespace, name),
        5 => with("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "things.example.org",
            json!({"spec": {"group": "example.org", "scope": "Namespaced", "names": {"kind": "Thing"}}})),
        6 => with("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", name, json!({
            "roleRef": {"kind": "ClusterRole", "name": other},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": other}]})),
        _ => with("apps/v1", "Deployment", namespace, name, json!({"spec": {"template": {"spec": {
            "serviceAccountName": other, "containers": [],
            "volumes": [{"configMap": {"name": other}}]}}}})),
    })
}

/// Objects with distinct ids.
fn objects() -> impl Strategy<Value = Vec<Manifest>> {
    prop::collection::vec(any_object(), 0..24).prop_map(|objects| {
        let key =
            |o: &Manifest| (o.kind().to_owned(), o.namespace().to_owned(), o.name().to_owned());
        let cluster = |o: &Manifest| o.kind().starts_with("Cluster");
        let mut seen = BTreeSet::new();
        objects
            .into_iter()
            .map(|mut o| {
                if cluster(&o) {
                    o.set_namespace("");
                }
                o
            })
            .filter(|o| seen.insert(key(o)))
            .collect()
    })
}

fn ids(entries: &[InventoryEntry]) -> BTreeSet<ObjectId> {
    entries.iter().map(|entry| entry.id.clone()).collect()
}

fn places(plan: &Plan) -> HashMap<ObjectId, usize> {
    let waves = plan.waves.iter().enumerate();
    waves.flat_map(|(n, wave)| wave.steps.iter().map(move |s| (s.id.clone(), n))).collect()
}

proptest! {
    #[test]
    fn every_object_is_applied_once(objects in objects()) {
        let count = objects.len();
        let plan = plan(input(objects, Vec::new())).expect("plannable");
        prop_assert_eq!(places(&plan).len(), count);
        prop_assert_eq!(plan.steps().count(), count);
        prop_assert!(plan.waves.iter().all(|wave| !wave.steps.is_empty()));
    }

    #[test]
    fn order_respects_edges_and_waits(objects in objects()) {
        let plan = plan(input(objects, Vec::new())).expect("plannable");
        let places = places(&plan);
        for edge in &plan.report.edges {
            prop_assert!(places[&edge.before] < places[&edge.after], "{:?}", edge);
        }
        for (place, wave) in plan.waves.iter().enumerate() {
            for wait in &wave.wait_for {
                prop_assert!(places[&wait.id] < place, "{:?}", wait);
            }
        }
    }

    #[test]
    fn the_second_plan_prunes_nothing(objects in objects()) {
        let first = plan(input(objects.clone(), Vec::new())).expect("plannable");
        let second = plan(input(objects, first.final_inventory.clone())).expect("plannable");
        prop_assert_eq!(&second.prune, &Vec::new());
        prop_assert_eq!(second.union_inventory, first.final_inventory.clone());
        prop_assert_eq!(second.waves, first.waves);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(objects in objects()) {
        let mut reversed = objects.clone();
        reversed.reverse();
        let forwards = plan(input(objects, Vec::new())).expect("plannable");
        prop_assert_eq!(forwards, plan(input(reversed, Vec::new())).expect("plannable"));
    }

    #[test]
    fn prune_is_the_inventory_minus_the_desired(before in objects(), after in objects()) {
        let inventory = plan(input(before, Vec::new())).expect("plannable").final_inventory;
        let plan = plan(input(after, inventory.clone())).expect("plannable");
        let pruned: BTreeSet<_> = plan.prune.iter().map(|step| step.id.clone()).collect();
        prop_assert_eq!(pruned.len(), plan.prune.len());
        prop_assert!(pruned.is_subset(&ids(&inventory)));
        let wanted = ids(&plan.final_inventory);
        prop_assert!(pruned.is_disjoint(&wanted));
        let difference: BTreeSet<_> = ids(&inventory).difference(&wanted).cloned().collect();
        let lives_in = |id: &ObjectId| plan.steps().any(|step| step.id.namespace == id.name);
        prop_assert!(plan.report.retained.iter().all(lives_in));
        prop_assert_eq!(&pruned, &difference);
        let union: BTreeSet<_> = pruned.union(&wanted).cloned().collect();
        prop_assert_eq!(ids(&plan.union_inventory), union);
    }

    #[test]
    fn containers_are_pruned_last(before in objects()) {
        let inventory = plan(input(before, Vec::new())).expect("plannable").final_inventory;
        let plan = plan(input(Vec::new(), inventory)).expect("plannable");
        let stages: Vec<_> = plan.prune.iter().map(|step| step.stage).collect();
        prop_assert!(stages.is_sorted());
        for step in &plan.prune {
            let container = matches!(&*step.id.kind, "Namespace" | "CustomResourceDefinition");
            prop_assert_eq!(container, step.stage == 3);
        }
    }
}
