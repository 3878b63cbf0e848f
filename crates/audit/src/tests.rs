use capstan_model::{GroupVersionKind, Manifest};
use capstan_plan::{Input, InventoryEntry, Owner, Plan, Scope, Settings, plan};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Violation, audit};

fn owner() -> Owner {
    Owner {
        group: "kustomize.toolkit.fluxcd.io".to_owned(),
        name: "apps".to_owned(),
        namespace: "flux-system".to_owned(),
    }
}

fn object(value: Value) -> Manifest {
    Manifest::try_from(value).expect("a manifest")
}

fn config_map(name: &str) -> Manifest {
    object(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"}}))
}

fn namespace(name: &str) -> Manifest {
    object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

fn crd() -> Manifest {
    object(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "shelves.shop.example"},
        "spec": {"group": "shop.example", "scope": "Namespaced", "names": {"kind": "Shelf"}}}))
}

fn shelf() -> Manifest {
    object(json!({"apiVersion": "shop.example/v1", "kind": "Shelf",
        "metadata": {"name": "a", "namespace": "shop"}}))
}

fn planned(desired: Vec<Manifest>, inventory: Vec<InventoryEntry>) -> Plan {
    let scopes = |gvk: &GroupVersionKind| match &*gvk.kind {
        "Namespace" | "CustomResourceDefinition" => Scope::Cluster,
        "ConfigMap" => Scope::Namespaced,
        _ => Scope::Unknown,
    };
    let field_manager = "kustomize-controller".to_owned();
    let owner = owner();
    let prune = true;
    let settings = Settings { field_manager, ..Settings::default() };
    plan(Input { desired, inventory, prune, owner, scopes: &scopes, settings }).expect("plannable")
}

fn sample() -> Vec<Manifest> {
    vec![namespace("shop"), config_map("a"), crd(), shelf()]
}

/// A sound plan that applies one half and prunes the other, and the inventory behind it.
fn both() -> (Plan, Vec<InventoryEntry>) {
    let before = planned(vec![namespace("till"), config_map("old")], Vec::new()).final_inventory;
    (planned(sample(), before.clone()), before)
}

#[test]
fn plans_of_the_planner_are_sound() {
    let (plan, inventory) = both();
    assert_eq!(audit(&plan, &inventory, &owner()), []);
    let teardown = planned(Vec::new(), plan.final_inventory.clone());
    assert_eq!(audit(&teardown, &plan.final_inventory, &owner()), []);
}

/// Breaks a sound plan and expects one kind of violation among those found.
fn check(break_it: impl FnOnce(&mut Plan), expected: impl Fn(&Violation) -> bool) {
    let (mut plan, inventory) = both();
    break_it(&mut plan);
    let found = audit(&plan, &inventory, &owner());
    assert!(found.iter().any(expected), "{found:?}");
}

#[test]
fn each_broken_invariant_is_found() {
    check(
        |plan| {
            let step = plan.waves[0].steps[0].clone();
            plan.waves[1].steps.push(step);
        },
        |v| matches!(v, Violation::AppliedTwice(_)),
    );
    check(
        |plan| plan.prune.push(plan.prune[0].clone()),
        |v| matches!(v, Violation::PrunedTwice(_)),
    );
    check(
        |plan| plan.waves[0].steps[0].manifest.set_name("other"),
        |v| matches!(v, Violation::WrongObject(..)),
    );
    check(
        |plan| plan.waves[0].steps[0].digest = "00".to_owned(),
        |v| matches!(v, Violation::WrongDigest(_)),
    );
    check(
        |plan| {
            plan.waves[0].steps[0].manifest.set_label("kustomize.toolkit.fluxcd.io/name", "other");
        },
        |v| matches!(v, Violation::NotOwned(..)),
    );
    check(|plan| plan.waves.reverse(), |v| matches!(v, Violation::OutOfOrder { .. }));
    check(|plan| plan.waves.reverse(), |v| matches!(v, Violation::VainWait { wave: 0, .. }));
    check(
        |plan| plan.waves.push(capstan_plan::Wave::default()),
        |v| matches!(v, Violation::EmptyWave(2)),
    );
    check(
        |plan| plan.prune[0].id.name = "stranger".to_owned(),
        |v| matches!(v, Violation::PrunedStranger(_)),
    );
    check(
        |plan| plan.prune[0].id = config_map("a").id(),
        |v| matches!(v, Violation::PrunedWanted(_)),
    );
    check(
        |plan| plan.prune[0].id = namespace("shop").id(),
        |v| matches!(v, Violation::PrunedHome { .. }),
    );
    check(
        |plan| {
            plan.prune[0].id.namespace = "till".to_owned();
            plan.prune.reverse();
        },
        |v| matches!(v, Violation::PrunedTooSoon { .. }),
    );
    check(|plan| plan.prune.reverse(), |v| matches!(v, Violation::StageFalls(_)));
    check(|plan| plan.union_inventory.clear(), |v| matches!(v, Violation::NotInUnion(_)));
    check(|plan| plan.final_inventory.clear(), |v| matches!(v, Violation::NotInFinal(_)));
    check(
        |plan| plan.final_inventory.clone_from(&plan.union_inventory),
        |v| matches!(v, Violation::StaysInFinal(_)),
    );
    check(
        |plan| plan.union_inventory.push(plan.union_inventory[0].clone()),
        |v| matches!(v, Violation::ListedTwice(_)),
    );
}

proptest! {
    #[test]
    fn any_change_of_desired_sets_gives_a_sound_plan(
        before in prop::collection::vec(0..6_usize, 0..6),
        after in prop::collection::vec(0..6_usize, 0..6),
    ) {
        let all = [sample(), vec![namespace("till"), config_map("b")]].concat();
        let pick = |places: Vec<usize>| places.into_iter().map(|p| all[p].clone()).collect();
        let inventory = planned(pick(before), Vec::new()).final_inventory;
        let plan = planned(pick(after), inventory.clone());
        prop_assert_eq!(audit(&plan, &inventory, &owner()), []);
    }
}
