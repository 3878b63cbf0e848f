use std::collections::{BTreeMap, HashSet};

use capstan_api::flux::KustomizationSpec;
use capstan_cluster::Mirror;
use capstan_model::{Manifest, NamespacedName};
use capstan_plan::units;
use capstan_report::Failure;
use serde_json::{Map, Value};

use super::expressions::Expressions;
use super::failure;
use crate::kinds;
use crate::source::{SourceKey, SourceKind};

/// The source that a unit builds from; nothing when sources of its kind are not reconciled.
pub(crate) fn source_of(unit: &Manifest) -> Option<SourceKey> {
    let reference = unit.value().pointer("/spec/sourceRef")?;
    let text = |key: &str| reference.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    let kind = SourceKind::named(text("kind")?)?;
    Some(SourceKey::new(kind, text("namespace").unwrap_or(unit.namespace()), text("name")?))
}

/// The units that a unit depends on.
pub(crate) fn dependencies(unit: &Manifest) -> HashSet<NamespacedName> {
    let list = unit.value().pointer("/spec/dependsOn").and_then(Value::as_array);
    let key = |entry: &Value| {
        let namespace = entry.get("namespace").and_then(Value::as_str);
        let name = entry.get("name")?.as_str()?;
        Some(NamespacedName::new(namespace.unwrap_or(unit.namespace()), name))
    };
    list.into_iter().flatten().filter_map(key).collect()
}

/// Are all dependencies ready, and have those of the same source applied the same revision?
pub(super) fn check(
    units: &Mirror,
    unit: &Manifest,
    (spec, expressions): (&KustomizationSpec, &Expressions),
    revision: &str,
) -> Result<(), Failure> {
    let not_ready = |message: String| failure("DependencyNotReady", message);
    if let Some(cycle) = cycle_through(units, unit) {
        return Err(not_ready(format!("{cycle}; remove one of these dependsOn")));
    }
    for (at, dependency) in spec.depends_on.iter().enumerate() {
        let namespace = dependency.namespace.as_deref().unwrap_or(unit.namespace());
        let key = NamespacedName::new(namespace, &*dependency.name);
        let found = units.get(&key).ok_or_else(|| {
            not_ready(format!("dependency '{key}' not found: create it, or correct spec.dependsOn"))
        })?;
        if let Some(expression) = expressions.ready(at) {
            let both = Map::from_iter([
                ("self".to_owned(), unit.value().clone()),
                ("dep".to_owned(), found.value().clone()),
            ]);
            match expression.evaluate_bool(&both) {
                Ok(true) => continue,
                Ok(false) => {
                    let message =
                        format!("dependency '{key}' is not ready according to readyExpr eval");
                    return Err(not_ready(message));
                }
                Err(error) => return Err(not_ready(format!("dependency '{key}': {error}"))),
            }
        }
        if !is_ready(&found) {
            return Err(not_ready(format!("dependency '{key}' is not ready")));
        }
        if source_of(&found) == source_of(unit) && applied(&found) != Some(revision) {
            return Err(not_ready(format!("dependency '{key}' revision is not up to date")));
        }
    }
    Ok(())
}

/// Is the unit ready, and does it speak of its newest spec?
pub(super) fn is_ready(unit: &Manifest) -> bool {
    let status = kinds::status(unit);
    let is_observed = status.get("observedGeneration").and_then(Value::as_i64) == unit.generation();
    let conditions = status.get("conditions").and_then(Value::as_array);
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    is_observed && conditions.is_some_and(|list| list.iter().any(ready))
}

fn applied(unit: &Manifest) -> Option<&str> {
    unit.value().pointer("/status/lastAppliedRevision").and_then(Value::as_str)
}

/// The cycle that a unit is on or waits behind. Also units that are all ready can be on one: the next revision would find them
/// waiting for each other.
fn cycle_through(units: &Mirror, unit: &Manifest) -> Option<String> {
    let own = NamespacedName::new(unit.namespace(), unit.name());
    let mut graph: BTreeMap<NamespacedName, Vec<NamespacedName>> = BTreeMap::new();
    let mut open = vec![(own.clone(), dependencies(unit))];
    while let Some((key, dependencies_of)) = open.pop() {
        for next in &dependencies_of {
            if *next != own
                && !graph.contains_key(next)
                && let Some(found) = units.get(next)
            {
                open.push((next.clone(), dependencies(&found)));
            }
        }
        let mut sorted: Vec<_> = dependencies_of.into_iter().collect();
        sorted.sort();
        graph.insert(key, sorted);
    }
    units::cycle_of(&graph, &own).map(|cycle| cycle.to_string())
}
