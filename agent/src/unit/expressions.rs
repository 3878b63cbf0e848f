//! The CEL expressions of a unit: when its dependencies are ready, and when objects of other kinds are healthy.

use std::collections::HashMap;

use capstan_api::flux::KustomizationSpec;
use capstan_health::HealthExpressions;
use capstan_health::cel::{Expression, Output};
use capstan_model::GroupVersionKind;
use capstan_report::Failure;

use super::failure;

/// The expressions of a unit, read.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    /// For each dependency that has one, by its place in `dependsOn`.
    ready: HashMap<usize, Expression>,
    /// By group and kind.
    health: HashMap<(String, String), HealthExpressions>,
}

impl Expressions {
    /// Reads them. An expression that is none stays so until somebody edits it.
    pub(super) fn of(spec: &KustomizationSpec) -> Result<Self, Failure> {
        let mut all = Self::default();
        for (at, check) in spec.health_check_exprs.iter().enumerate() {
            let gvk = GroupVersionKind::from_api_version(&check.api_version, &check.kind);
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let (failed, in_progress) = (text(&check.failed), text(&check.in_progress));
            let read = HealthExpressions::new(&check.current, &failed, &in_progress);
            let expressions = read.map_err(|error| {
                invalid(&format!(
                    "failed to create custom status evaluator for healthchecks[{at}]: {error}; correct \
                     spec.healthCheckExprs[{at}]"
                ))
            })?;
            let kind = (gvk.group, gvk.kind);
            let name = format!("{}.{}", kind.1, kind.0);
            if all.health.insert(kind, expressions).is_some() {
                return Err(invalid(&format!(
                    "duplicate custom health check for GroupKind {name} at healthchecks[{at}]"
                )));
            }
        }
        for (at, dependency) in spec.depends_on.iter().enumerate() {
            let Some(text) = dependency.ready_expr.as_deref().filter(|text| !text.is_empty())
            else {
                continue;
            };
            let read = Expression::compile(text, &["self", "dep"], Some(Output::Bool));
            let expression = read.map_err(|error| {
                invalid(&format!(
                    "failed to evaluate dependency {}: {error}; correct spec.dependsOn[{at}].readyExpr",
                    dependency.name
                ))
            })?;
            all.ready.insert(at, expression);
        }
        Ok(all)
    }

    /// When the dependency at a place of `dependsOn` is ready, where that is written.
    pub(super) fn ready(&self, at: usize) -> Option<&Expression> {
        self.ready.get(&at)
    }

    /// How the health of a kind is told, where that is written.
    pub(super) fn health_of(&self, gvk: &GroupVersionKind) -> Option<&HealthExpressions> {
        self.health.get(&(gvk.group.clone(), gvk.kind.clone()))
    }
}

/// Flux's words.
fn invalid(why: &str) -> Failure {
    let message = format!("Reconciliation failed terminally due to configuration error: {why}");
    Failure { stalled: true, ..failure("InvalidCELExpression", message) }
}

#[cfg(test)]
mod tests {
    use super::Expressions;
    use capstan_api::flux::KustomizationSpec;
    use serde_json::{Value, json};

    fn read(spec: Value) -> Result<Expressions, String> {
        let spec: KustomizationSpec = serde_json::from_value(spec).expect("a spec");
        Expressions::of(&spec).map_err(|failure| {
            assert!(failure.stalled);
            failure.message
        })
    }

    fn spec(field: &str, list: &Value) -> Value {
        json!({"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "x"},
            field: list})
    }

    #[test]
    fn an_expression_that_is_none_is_named() {
        let check = |current| json!({"apiVersion": "a/v1", "kind": "K", "current": current});
        let said = read(spec("healthCheckExprs", &json!([check("("), check("true")])));
        let said = said.expect_err("no CEL");
        assert!(said.contains("evaluator for healthchecks[0]: failed to parse"), "{said}");
        let twice = read(spec("healthCheckExprs", &json!([check("true"), check("true")])));
        let said = twice.expect_err("twice");
        assert!(said.contains("duplicate custom health check for GroupKind K.a"), "{said}");
        let ready = |text: &str| spec("dependsOn", &json!([{"name": "d", "readyExpr": text}]));
        assert!(read(ready("dep.status.x == self.metadata.y")).is_ok());
        for text in ["1 + 1", "other.x == 1", "dep."] {
            let said = read(ready(text)).expect_err(text);
            assert!(said.contains("failed to evaluate dependency d: "), "{said}");
        }
    }
}
