//! Is a composed object ready?

use serde_json::Value;

use crate::fieldpath::{self, PathError};
use crate::validate::{self, FieldError};
use crate::wire::ReadinessCheck;

/// The answer with its reason, which is a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Do all checks hold?
    pub ready: bool,
    /// Why not; or what was looked at.
    pub why: String,
}

impl Readiness {
    pub(crate) fn not(why: impl Into<String>) -> Self {
        Self { ready: false, why: why.into() }
    }
}

/// Why a check could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot run readiness check at index {index}: {cause}")]
pub struct CheckError {
    /// Index in `readinessChecks`.
    pub index: usize,
    /// The fault.
    pub cause: CheckFault,
}

/// What is wrong with a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    /// The check itself is incomplete.
    #[error("invalid: {0}")]
    Check(#[from] FieldError),
    /// The path is wrong or leads through the wrong type.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The value has another type than the check compares.
    #[error("{path}: not a {expected}")]
    Type {
        /// The path.
        path: String,
        /// What the check needs.
        expected: &'static str,
    },
}

/// Runs the checks, all of which must hold; without any, condition `Ready` must be `True`.
pub fn check(object: &Value, checks: &[ReadinessCheck]) -> Result<Readiness, CheckError> {
    if checks.is_empty() {
        return Ok(ready_condition(object));
    }
    for (index, check) in checks.iter().enumerate() {
        let (holds, why) = run(object, check).map_err(|cause| CheckError { index, cause })?;
        if !holds {
            return Ok(Readiness::not(why));
        }
    }
    Ok(Readiness { ready: true, why: "all readiness checks hold".to_owned() })
}

fn ready_condition(object: &Value) -> Readiness {
    let Some(found) = condition(object, "Ready") else {
        return Readiness::not("no condition Ready yet");
    };
    let status = text(found, "status");
    let why = format!("Ready is {status}{}{}", told(found), fault(object));
    Readiness { ready: status == "True", why }
}

fn text<'a>(condition: &'a Value, key: &str) -> &'a str {
    condition.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reason and message of a condition, as far as it has them.
fn told(condition: &Value) -> String {
    let parts = [text(condition, "reason"), text(condition, "message")];
    parts.iter().filter(|part| !part.is_empty()).map(|part| format!(": {part}")).collect()
}

/// What keeps an object from being reconciled: often the cause of everything else that it lacks.
fn fault(object: &Value) -> String {
    let failed = condition(object, "Synced").filter(|synced| text(synced, "status") == "False");
    let message = failed.map(|synced| text(synced, "message")).filter(|text| !text.is_empty());
    message.map(|message| format!("; {message}")).unwrap_or_default()
}

/// The condition of a type in `status.conditions`.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(type_))
}

/// Does it hold, and if not, in which words?
fn run(object: &Value, check: &ReadinessCheck) -> Result<(bool, String), CheckFault> {
    validate::readiness_check(check)?;
    let path = check.field_path.as_deref().unwrap_or_default();
    match check.type_.as_str() {
        "None" => Ok((true, String::new())),
        "MatchCondition" => Ok(match_condition(object, check)),
        "NonEmpty" => {
            let found = value(object, path)?;
            Ok((found.is_some(), format!("{path} is not there yet")))
        }
        "MatchString" => {
            let wanted = check.match_string.as_deref().unwrap_or_default();
            let fits = |value: &Value| value.as_str().map(|text| text == wanted);
            compare(object, path, "string", fits, wanted)
        }
        "MatchInteger" => {
            let wanted = check.match_integer.unwrap_or_default();
            let fits = |value: &Value| value.as_i64().map(|number| number == wanted);
            compare(object, path, "(int64) number", fits, &wanted.to_string())
        }
        "MatchTrue" => compare(object, path, "bool", Value::as_bool, "true"),
        _ => compare(object, path, "bool", |value| value.as_bool().map(|b| !b), "false"),
    }
}

fn value<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, PathError> {
    match fieldpath::get_str(object, path) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn compare(
    object: &Value,
    path: &str,
    expected: &'static str,
    fits: impl Fn(&Value) -> Option<bool>,
    wanted: &str,
) -> Result<(bool, String), CheckFault> {
    let Some(found) = value(object, path)? else {
        return Ok((false, format!("{path} is not there yet")));
    };
    let holds = fits(found).ok_or_else(|| CheckFault::Type { path: path.to_owned(), expected })?;
    Ok((holds, format!("{path} is {found}, not {wanted}")))
}

fn match_condition(object: &Value, check: &ReadinessCheck) -> (bool, String) {
    // Without options the reference compares the empty condition with itself.
    let Some(wanted) = &check.match_condition else { return (true, String::new()) };
    let found = condition(object, &wanted.type_);
    // An absent condition counts as Unknown.
    let status = found.and_then(|found| found.get("status")?.as_str()).unwrap_or("Unknown");
    let told = found.map(told).unwrap_or_default();
    let (type_, wished) = (&wanted.type_, &wanted.status);
    let why = format!("condition {type_} is {status}, not {wished}{told}{}", fault(object));
    (status == wanted.status, why)
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::{from_value, json};

    #[test]
    fn what_is_not_ready_tells_its_cause() {
        let ready =
            json!({"type": "Ready", "status": "False", "reason": "Creating", "message": "m"});
        let synced = json!({"type": "Synced", "status": "False", "message": "was denied"});
        let waits = json!({"status": {"conditions": [ready]}});
        let fails = json!({"status": {"conditions": [ready, synced]}});
        let default = from_value(json!([{"type": "MatchCondition",
            "matchCondition": {"type": "Ready", "status": "True"}}]));
        let default: Vec<_> = default.expect("valid");
        let why = |object, checks| check(object, checks).expect("runs").why;
        assert_eq!(why(&waits, &default), "condition Ready is False, not True: Creating: m");
        assert_eq!(
            why(&fails, &default),
            "condition Ready is False, not True: Creating: m; was denied"
        );
        assert_eq!(why(&fails, &[]), "Ready is False: Creating: m; was denied");
    }
}
