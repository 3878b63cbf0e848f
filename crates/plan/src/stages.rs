use std::collections::BTreeSet;

use capstan_model::{Manifest, ObjectId};
use capstan_ssa::GroupKind;

use crate::types::Because;

/// When a kind is applied, by Flux's stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// CRDs, Namespaces and ClusterRoles.
    Definition,
    /// Kinds whose name ends with `Class`.
    Class,
    /// Kinds that an administrator names.
    Early,
    /// All others.
    Rest,
}

/// Adds the edges between the stages. What other edges order by name may be ordered the other way round: a stage gives way.
pub(crate) fn add(
    objects: &[Manifest],
    early: &BTreeSet<GroupKind>,
    edges: &mut BTreeSet<(usize, usize, Because)>,
) {
    let stages: Vec<Stage> = objects.iter().map(|object| stage(&object.id(), early)).collect();
    if stages.iter().all(|stage| !matches!(stage, Stage::Class | Stage::Early)) {
        return;
    }
    let reversed: BTreeSet<(usize, usize)> = edges.iter().map(|(a, b, _)| (*b, *a)).collect();
    let is_first = |at: &usize| matches!(stages[*at], Stage::Class | Stage::Early);
    let firsts: Vec<usize> = (0..stages.len()).filter(is_first).collect();
    // What an early object itself waits for, directly or not, cannot wait for early objects.
    let needed: BTreeSet<usize> = reached(&firsts, &reversed);
    for first in firsts {
        let later = (0..stages.len()).filter(|at| stages[*at] > stages[first]);
        edges.extend(later.filter(|at| !needed.contains(at)).map(|at| (first, at, Because::Stage)));
    }
}

fn stage(id: &ObjectId, early: &BTreeSet<GroupKind>) -> Stage {
    let kind = GroupKind { group: id.group.clone(), kind: id.kind.clone() };
    match &*id.kind {
        "CustomResourceDefinition" | "Namespace" | "ClusterRole" => Stage::Definition,
        kind if kind.ends_with("Class") => Stage::Class,
        _ if early.contains(&kind) => Stage::Early,
        _ => Stage::Rest,
    }
}

/// Everything that can be reached along the pairs.
fn reached(from: &[usize], pairs: &BTreeSet<(usize, usize)>) -> BTreeSet<usize> {
    let (mut seen, mut open) = (BTreeSet::new(), from.to_vec());
    while let Some(at) = open.pop() {
        let next = pairs.range((at, 0)..=(at, usize::MAX)).map(|(_, to)| *to);
        open.extend(next.filter(|to| seen.insert(*to)));
    }
    seen
}

#[cfg(test)]
mod tests {
    use crate::testing::{input, object, waves, with};
    use crate::{Input, Settings, plan};
    use capstan_ssa::parse_group_kinds;
    use serde_json::json;

    #[test]
    fn classes_and_named_kinds_come_before_the_rest() {
        let settings =
            Settings { early_kinds: parse_group_kinds("ConfigMap"), ..Settings::default() };
        let desired = vec![
            object("v1", "Secret", "shop", "s"),
            object("v1", "ConfigMap", "shop", "c"),
            object("storage.k8s.io/v1", "StorageClass", "", "fast"),
            object("v1", "Namespace", "", "shop"),
        ];
        let plan = plan(Input { settings, ..input(desired, Vec::new()) }).expect("a plan");
        assert_eq!(
            waves(&plan),
            [
                vec!["Namespace/shop", "StorageClass/fast"],
                vec!["ConfigMap/shop/c"],
                vec!["Secret/shop/s"],
            ]
        );
    }

    #[test]
    fn a_stage_gives_way_to_what_its_kinds_need() {
        let settings =
            Settings { early_kinds: parse_group_kinds("apps/Deployment"), ..Settings::default() };
        let volume = json!({"name": "v", "configMap": {"name": "c"}});
        let pod = json!({"spec": {"template": {"spec": {"volumes": [volume]}}}});
        let desired = vec![
            with("apps/v1", "Deployment", "shop", "d", pod),
            object("v1", "ConfigMap", "shop", "c"),
            object("v1", "Secret", "shop", "s"),
        ];
        let plan = plan(Input { settings, ..input(desired, Vec::new()) }).expect("a plan");
        let expected = [vec!["ConfigMap/shop/c"], vec!["Deployment/shop/d"], vec!["Secret/shop/s"]];
        assert_eq!(waves(&plan), expected);
    }

    #[test]
    fn early_kinds_that_need_late_ones_make_no_cycle() {
        let early_kinds = parse_group_kinds("apps/Deployment");
        let settings = Settings { early_kinds, ..Settings::default() };
        let uses = |name: &str, config: &str| {
            let volume = json!({"name": "v", "configMap": {"name": config}});
            let pod = json!({"spec": {"template": {"spec": {"volumes": [volume]}}}});
            with("apps/v1", "Deployment", "shop", name, pod)
        };
        let config = |name| object("v1", "ConfigMap", "shop", name);
        let desired = vec![uses("a", "x"), uses("b", "y"), config("x"), config("y")];
        assert!(plan(Input { settings, ..input(desired, Vec::new()) }).is_ok());
    }
}
