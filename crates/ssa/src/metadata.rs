use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Sets labels and annotations on an object, over those that it has.
///
/// A map that holds something else than strings is replaced, as Kubernetes' accessors read it as none.
pub fn set_common_metadata(
    object: &mut Value,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) {
    for (field, wanted) in [("labels", labels), ("annotations", annotations)] {
        if !wanted.is_empty() {
            set(object, field, wanted);
        }
    }
}

fn set(object: &mut Value, field: &str, wanted: &BTreeMap<String, String>) {
    let Some(root) = object.as_object_mut() else { return };
    let metadata = root.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let own = metadata.get(field).and_then(Value::as_object);
    let mut all: Map<String, Value> =
        own.filter(|own| own.values().all(Value::is_string)).cloned().unwrap_or_default();
    all.extend(wanted.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
    metadata.insert(field.to_owned(), all.into());
}

#[cfg(test)]
mod tests {
    use super::set_common_metadata;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn labelled(mut object: Value) -> Value {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        set_common_metadata(&mut object, &labels, &BTreeMap::new());
        object
    }

    #[test]
    fn what_is_set_wins_over_what_was() {
        let labels = json!({"a": "x", "c": "d"});
        let object = json!({"metadata": {"labels": labels, "annotations": {"e": 1}}});
        assert_eq!(
            labelled(object)["metadata"],
            json!({"labels": {"a": "b", "c": "d"}, "annotations": {"e": 1}})
        );
    }

    #[test]
    fn a_map_that_is_none_is_replaced() {
        for labels in [json!(null), json!([]), json!({"c": 1})] {
            assert_eq!(labelled(json!({"metadata": {"labels": labels}})), labelled(json!({})));
        }
        assert_eq!(labelled(json!({"metadata": 1})), json!({"metadata": 1}));
    }
}
