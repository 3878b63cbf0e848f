use std::collections::BTreeMap;
use std::fmt;

use capstan_model::NamespacedName;

use crate::error::Path;
use crate::graph::{directed, find_cycle, layers};

/// Units that wait for each other; the first is repeated at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<NamespacedName>);

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dependency cycle: {}", Path(&self.0))
    }
}

impl std::error::Error for Cycle {}

/// `dependsOn` of each unit, with the namespace filled in.
pub type DependsOn = BTreeMap<NamespacedName, Vec<NamespacedName>>;

/// Units so that each comes after those it depends on; by name where nothing else decides.
/// A dependency that is not a key is somebody else's to find missing.
pub fn ready_order(units: &DependsOn) -> Result<Vec<NamespacedName>, Cycle> {
    let (names, edges) = indexed(units);
    let layer = layers(names.len(), &edges)
        .map_err(|_| cycle(units).expect("because the layers met a cycle"))?;
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|unit| (layer[*unit], names[*unit]));
    Ok(order.into_iter().map(|unit| names[unit].clone()).collect())
}

/// A cycle among the units, in the direction of `dependsOn`; `None` when there is none.
pub fn cycle(units: &DependsOn) -> Option<Cycle> {
    let (names, edges) = indexed(units);
    let reversed: Vec<_> = edges.into_iter().map(|(before, after)| (after, before)).collect();
    let path = find_cycle(&directed(names.len(), &reversed))?;
    Some(named(&names, &path))
}

/// The cycle that a unit is on or waits behind: what its own condition should name.
pub fn cycle_of(units: &DependsOn, unit: &NamespacedName) -> Option<Cycle> {
    let mut reached = BTreeMap::new();
    let mut open = vec![unit];
    while let Some(name) = open.pop() {
        if let Some((name, depends_on)) = units.get_key_value(name)
            && reached.insert(name.clone(), depends_on.clone()).is_none()
        {
            open.extend(depends_on);
        }
    }
    cycle(&reached)
}

fn indexed(units: &DependsOn) -> (Vec<&NamespacedName>, Vec<(usize, usize)>) {
    let names: Vec<&NamespacedName> = units.keys().collect();
    let mut edges = Vec::new();
    for (after, depends_on) in units.values().enumerate() {
        for dependency in depends_on {
            if let Ok(before) = names.binary_search(&dependency) {
                edges.push((before, after));
            }
        }
    }
    (names, edges)
}

fn named(names: &[&NamespacedName], path: &[usize]) -> Cycle {
    Cycle(path.iter().map(|unit| names[*unit].clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::{DependsOn, cycle, cycle_of, ready_order};
    use capstan_model::NamespacedName;

    fn unit(name: &str) -> NamespacedName {
        NamespacedName::new("flux-system", name)
    }

    fn units(edges: &[(&str, &[&str])]) -> DependsOn {
        let list = |names: &[&str]| names.iter().map(|n| unit(n)).collect();
        edges.iter().map(|(name, depends_on)| (unit(name), list(depends_on))).collect()
    }

    #[test]
    fn dependencies_come_first() {
        let units =
            units(&[("apps", &["infra", "secrets"]), ("infra", &["crds"]), ("secrets", &[])]);
        let order = ready_order(&units).expect("acyclic");
        assert_eq!(order, ["infra", "secrets", "apps"].map(unit));
    }

    #[test]
    fn a_cycle_reads_in_the_direction_of_depends_on() {
        let units =
            units(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &[])]);
        let text =
            "dependency cycle: flux-system/a -> flux-system/b -> flux-system/c -> flux-system/a";
        assert_eq!(cycle(&units).expect("a cycle").to_string(), text);
        assert!(ready_order(&units).is_err());
        assert_eq!(cycle_of(&units, &unit("d")), cycle(&units));
        assert_eq!(cycle_of(&units, &unit("e")), None);
    }

    #[test]
    fn a_unit_may_depend_on_itself_by_mistake() {
        let units = units(&[("a", &["a"])]);
        assert_eq!(cycle(&units).expect("a cycle").0, [unit("a"), unit("a")]);
    }

    #[test]
    fn no_units_have_no_cycle() {
        assert_eq!(cycle(&DependsOn::new()), None);
        assert_eq!(ready_order(&DependsOn::new()).expect("empty"), []);
    }
}
