//! CEL: expressions, and the health of kinds by expressions.

use capstan_health::HealthExpressions;
use capstan_health::cel::{CelError, Expression, Output};
use serde_json::{Map, Value, json};

use crate::case::{Verdict, expects_error, is_expected_error, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    let got = match text(case, "kind") {
        "compile" => expression(case).map(|_| Value::Null).map_err(|error| error.to_string()),
        "status-compile" => health(case).map(|_| Value::Null),
        "status" => health(case).and_then(|health| {
            let health = health.assess(&case["object"]).map_err(|error| error.to_string())?;
            Ok(json!({"status": health.status.as_str()}))
        }),
        kind => evaluated(case, kind).map_err(|error| error.to_string()),
    };
    match got {
        Err(said) if expects_error(case) => is_expected_error(case, &said),
        Err(said) => Verdict::Failed(format!("said {said:?}\nexpected {}", case["expected"])),
        Ok(value) if expects_error(case) => {
            Verdict::Failed(format!("gave {value}\nexpected the error {}", case["error"]))
        }
        Ok(value) => Verdict::equal(&value, case.get("expected").unwrap_or(&Value::Null)),
    }
}

fn evaluated(case: &Value, kind: &str) -> Result<Value, CelError> {
    let expression = expression(case)?;
    let nothing = Map::new();
    let data = case["data"].as_object().unwrap_or(&nothing);
    match kind {
        "eval-boolean" => expression.evaluate_bool(data).map(Value::from),
        "eval-string" => expression.evaluate_string(data).map(Value::from),
        "eval-stringslice" => expression.evaluate_strings(data).map(Value::from),
        _ => expression.evaluate(data),
    }
}

fn expression(case: &Value) -> Result<Expression, CelError> {
    let options = || case["options"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let option = |name: &str| options().find_map(|option| option.strip_prefix(name));
    if options().all(|option| option != "compile") {
        return Expression::parse(text(case, "expr"));
    }
    let variables = option("struct-variables=").unwrap_or_default();
    let variables: Vec<&str> = variables.split(',').filter(|name| !name.is_empty()).collect();
    let output = match option("output-type=") {
        Some("bool") => Some(Output::Bool),
        Some("string") => Some(Output::String),
        _ => None,
    };
    Expression::compile(text(case, "expr"), &variables, output)
}

fn health(case: &Value) -> Result<HealthExpressions, String> {
    let field = |name: &str| text(&case["exprs"], name);
    HealthExpressions::new(field("current"), field("failed"), field("inProgress"))
        .map_err(|error| error.to_string())
}
