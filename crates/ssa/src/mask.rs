use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Operation;

/// A value that is not shown.
const HIDDEN: &str = "***";
/// A value that was another.
const BEFORE: &str = "*** (before)";
/// A value that is another now.
const AFTER: &str = "*** (after)";

/// Hides what a patch says of a Secret's `data` and `stringData`. What has changed is told from what came or went, and
/// nothing else.
pub fn mask_secret_patch(patch: &mut [Operation]) {
    for operation in patch {
        let path = operation.path.as_str();
        if path == "/data" || path == "/stringData" {
            let map = |value: &mut Option<Value>| match value {
                Some(Value::Object(map)) => Some(std::mem::take(map)),
                _ => None,
            };
            let (mut old, mut new) = (map(&mut operation.old_value), map(&mut operation.value));
            mask(old.as_mut(), new.as_mut());
            operation.old_value = old.map(Value::Object).or(operation.old_value.take());
            operation.value = new.map(Value::Object).or(operation.value.take());
        } else if path.starts_with("/data/") || path.starts_with("/stringData/") {
            mask_one(operation);
        }
    }
}

fn mask_one(operation: &mut Operation) {
    let given = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
    let (had, has) = (given(&operation.old_value), given(&operation.value));
    let words = if had && has { (BEFORE, AFTER) } else { (HIDDEN, HIDDEN) };
    if had {
        operation.old_value = Some(words.0.into());
    }
    if has {
        operation.value = Some(words.1.into());
    }
}

/// Hides the values of two maps, so that only what differs can be told.
fn mask(old: Option<&mut Map<String, Value>>, new: Option<&mut Map<String, Value>>) {
    let (mut none, mut nothing) = (Map::new(), Map::new());
    let (old, new) = (old.unwrap_or(&mut none), new.unwrap_or(&mut nothing));
    let differs = |(key, was): &(&String, &Value)| new.get(*key).is_some_and(|is| is != *was);
    let changed: BTreeSet<String> =
        old.iter().filter(differs).map(|(key, _)| key.clone()).collect();
    for (values, word) in [(old, BEFORE), (new, AFTER)] {
        for (key, value) in values.iter_mut() {
            *value = if changed.contains(key) { word } else { HIDDEN }.into();
        }
    }
}

/// `data` of an object is not a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`data` of the {0} object is no map: nothing of it can be shown safely")]
pub struct NotAMap(&'static str);

/// Hides the values of `data` in an object before and after a change.
///
/// # Errors
/// When `data` is something else than a map; both objects are as they were then.
pub fn sanitise_data(old: Option<&mut Value>, new: Option<&mut Value>) -> Result<(), NotAMap> {
    mask(data(old, "old")?, data(new, "new")?);
    Ok(())
}

fn data<'a>(
    object: Option<&'a mut Value>,
    which: &'static str,
) -> Result<Option<&'a mut Map<String, Value>>, NotAMap> {
    match object.and_then(|object| object.get_mut("data")) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(NotAMap(which)),
    }
}

#[cfg(test)]
mod tests {
    use super::{mask_secret_patch, sanitise_data};
    use crate::Operation;
    use serde_json::{Value, json};

    fn masked(operation: &Value) -> Value {
        let mut patch: Vec<Operation> =
            serde_json::from_value(json!([operation])).expect("a patch");
        mask_secret_patch(&mut patch);
        json!(patch)[0].take()
    }

    #[test]
    fn no_value_of_a_secret_is_shown() {
        let operation = json!({"type": "replace", "path": "/stringData",
            "oldValue": {"same": "a", "gone": "b", "other": "c"}, "value": {"same": "a", "new": "d", "other": "e"}});
        assert_eq!(
            masked(&operation),
            json!({"type": "replace", "path": "/stringData",
            "oldValue": {"same": "***", "gone": "***", "other": "*** (before)"},
            "value": {"same": "***", "new": "***", "other": "*** (after)"}})
        );
        let nested = json!({"type": "add", "path": "/data/a/b", "value": {"c": "d"}});
        assert_eq!(masked(&nested)["value"], "***");
    }

    #[test]
    fn other_fields_are_shown() {
        for path in ["/type", "/datas", "/metadata/labels/data", ""] {
            let operation = json!({"type": "replace", "path": path, "oldValue": "a", "value": "b"});
            assert_eq!(masked(&operation), operation);
        }
    }

    #[test]
    fn equal_values_cannot_be_told_from_one_another() {
        let mut old = json!({"data": {"a": "1", "b": "2"}});
        let mut new = json!({"data": {"a": "1", "b": "3"}});
        assert_eq!(sanitise_data(Some(&mut old), Some(&mut new)), Ok(()));
        assert_eq!(old, json!({"data": {"a": "***", "b": "*** (before)"}}));
        assert_eq!(new, json!({"data": {"a": "***", "b": "*** (after)"}}));
    }

    #[test]
    fn data_that_is_no_map_is_an_error() {
        for data in [json!(null), json!("x"), json!([])] {
            let mut odd = json!({ "data": data });
            assert!(sanitise_data(None, Some(&mut odd)).is_err());
            assert!(sanitise_data(Some(&mut odd), None).is_err());
        }
        assert_eq!(sanitise_data(Some(&mut json!({})), None), Ok(()));
    }
}
