//! Who depends on a unit: what is to be woken when it changes, without asking every unit each time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use capstan_cluster::Mirror;
use capstan_model::NamespacedName;

use super::depends::dependencies;

/// The units that depend on each unit, also on one that is not there yet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dependents(Arc<Mutex<Edges>>);

#[derive(Debug, Default)]
struct Edges {
    of_unit: HashMap<NamespacedName, HashSet<NamespacedName>>,
    dependents: HashMap<NamespacedName, HashSet<NamespacedName>>,
}

impl Dependents {
    /// Takes note of what a unit depends on by now. It is asked under the lock, so that the last to ask knows best.
    pub(crate) fn learn(&self, units: &Mirror, unit: &NamespacedName) {
        let mut edges = self.0.lock().expect("no holder of this lock can panic");
        let now = units.get(unit).map(|unit| dependencies(&unit)).unwrap_or_default();
        if edges.of_unit.get(unit).map_or(now.is_empty(), |before| *before == now) {
            return;
        }
        for gone in edges.of_unit.remove(unit).into_iter().flatten() {
            if let Entry::Occupied(mut of_gone) = edges.dependents.entry(gone) {
                of_gone.get_mut().remove(unit);
                if of_gone.get().is_empty() {
                    of_gone.remove();
                }
            }
        }
        for dependency in &now {
            edges.dependents.entry(dependency.clone()).or_default().insert(unit.clone());
        }
        if !now.is_empty() {
            edges.of_unit.insert(unit.clone(), now);
        }
    }

    /// Those that depend on a unit.
    pub(crate) fn of(&self, unit: &NamespacedName) -> Vec<NamespacedName> {
        let edges = self.0.lock().expect("no holder of this lock can panic");
        edges.dependents.get(unit).into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use capstan_cluster::Mirror;
    use capstan_model::{Manifest, NamespacedName};
    use serde_json::json;

    use super::Dependents;

    fn unit(version: u32, depends_on: &[&str]) -> Manifest {
        let depends_on: Vec<_> = depends_on.iter().map(|name| json!({"name": name})).collect();
        let unit = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "apps", "namespace": "n", "uid": "u",
                "resourceVersion": version.to_string()},
            "spec": {"dependsOn": depends_on}});
        Manifest::try_from(unit).expect("valid")
    }

    #[test]
    fn who_depends_is_known_until_it_does_no_more() {
        let (all, units) = (Dependents::default(), Mirror::default());
        let name = |name: &str| NamespacedName::new("n", name);
        for (version, depends_on) in [(1, "infra"), (2, "other"), (3, "infra")] {
            units.put(unit(version, &[depends_on]));
            all.learn(&units, &name("apps"));
            let others = ["infra", "other"].map(|other| all.of(&name(other)));
            let wanted = ["infra", "other"]
                .map(|other| if other == depends_on { vec![name("apps")] } else { Vec::new() });
            assert_eq!(others, wanted);
        }
        units.put(unit(4, &[]));
        all.learn(&units, &name("apps"));
        assert!(all.of(&name("infra")).is_empty());
    }
}
