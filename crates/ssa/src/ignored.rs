use serde_json::Value;

use crate::managers::is_applied_by_another;

/// Takes the fields out of our hands that a unit ignores: where the live value is another than ours, a field that somebody else
/// applies is left out, and any other keeps the live value, so that an apply changes nothing there.
///
/// `pointers` are JSON pointers (RFC 6901); one that leads nowhere in what we want changes nothing.
pub fn leave_ignored(wanted: &mut Value, live: &Value, pointers: &[String], own: &str) {
    for pointer in pointers {
        let value = live.pointer(pointer);
        if wanted.pointer(pointer).is_none() || value == wanted.pointer(pointer) {
            continue;
        }
        match value {
            Some(value) if !is_applied_by_another(live, pointer, own) => {
                if let Some(place) = wanted.pointer_mut(pointer) {
                    place.clone_from(value);
                }
            }
            _ => remove(wanted, pointer),
        }
    }
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.remove(&last.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::leave_ignored;
    use serde_json::{Value, json};

    fn left(live: &Value) -> Value {
        let mut wanted = json!({"spec": {"replicas": 1, "list": [{"a": 1}]}});
        let pointers = ["/spec/replicas", "/spec/list/0/a", "/spec/none"].map(str::to_owned);
        leave_ignored(&mut wanted, live, &pointers, "us");
        wanted
    }

    #[test]
    fn a_live_value_stays() {
        let live = json!({"spec": {"replicas": 5, "list": [{"a": 2}]}});
        assert_eq!(left(&live), live);
    }

    #[test]
    fn what_somebody_else_applies_or_removed_is_left_out() {
        let fields = json!({"f:spec": {"f:replicas": {}}});
        let live = json!({
            "metadata": {"managedFields":
                [{"manager": "hpa", "operation": "Apply", "fieldsV1": fields}]},
            "spec": {"replicas": 5, "list": []},
        });
        assert_eq!(left(&live), json!({"spec": {"list": [{}]}}));
    }

    #[test]
    fn what_is_the_same_is_ours() {
        let live = json!({"spec": {"replicas": 1, "list": [{"a": 1}]}});
        assert_eq!(left(&live), live);
    }
}
