use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What an operation of a patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    /// The value is new.
    Add,
    /// The value is another.
    Replace,
    /// The value is gone.
    Remove,
}

/// One operation of a JSON patch, with the value that was there before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: OperationKind,
    /// Where, as a JSON pointer.
    pub path: String,
    /// What was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Value>,
    /// What is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// How labels and annotations differ. What is gone does not count: controllers add labels of their own to live objects.
/// `ignored` are JSON pointers that are not compared, nor what is below them.
pub fn diff_metadata(before: &Value, after: &Value, ignored: &[&str]) -> Vec<Operation> {
    let (before, after) = (labels_and_annotations(before), labels_and_annotations(after));
    let mut patch = compare(&before, &after, ignored);
    patch.retain(|operation| operation.kind != OperationKind::Remove);
    patch
}

/// How two objects differ in all but `metadata` and `status`.
pub fn diff_objects(before: &Value, after: &Value, ignored: &[&str]) -> Vec<Operation> {
    let content = |object: &Value| {
        let mut object = object.clone();
        if let Some(root) = object.as_object_mut() {
            root.remove("metadata");
            root.remove("status");
        }
        object
    };
    compare(&content(before), &content(after), ignored)
}

/// An object with nothing but its labels, its annotations and, so that there is always something, its name.
pub fn labels_and_annotations(object: &Value) -> Value {
    let kept = ["name", "annotations", "labels"].into_iter().filter_map(|field| {
        let value = object.get("metadata")?.get(field)?;
        Some((field.to_owned(), value.clone()))
    });
    let metadata: Map<String, Value> = kept.collect();
    if metadata.is_empty() { json!({}) } else { json!({"metadata": metadata}) }
}

/// The operations that make one document of the other: maps in the order of their keys, lists place by place.
fn compare(before: &Value, after: &Value, ignored: &[&str]) -> Vec<Operation> {
    let mut differ = Differ { ignored, patch: Vec::new() };
    differ.diff("", before, after);
    differ.patch
}

struct Differ<'a> {
    ignored: &'a [&'a str],
    patch: Vec<Operation>,
}

impl Differ<'_> {
    fn diff(&mut self, path: &str, before: &Value, after: &Value) {
        if before == after || self.ignored.contains(&path) {
            return;
        }
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.maps(path, before, after),
            (Value::Array(before), Value::Array(after)) => self.lists(path, before, after),
            _ => self.push(OperationKind::Replace, path, Some(before), Some(after)),
        }
    }

    fn maps(&mut self, path: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            match (before.get(key), after.get(key)) {
                (Some(before), Some(after)) => self.diff(&below, before, after),
                (old, new) => self.one_sided(&below, &below, old, new),
            }
        }
    }

    /// What a list loses goes first, always from the place where the other list ends.
    fn lists(&mut self, path: &str, before: &[Value], after: &[Value]) {
        let both = before.len().min(after.len());
        for at in both..before.len() {
            let here = format!("{path}/{at}");
            self.one_sided(&here, &format!("{path}/{both}"), before.get(at), None);
        }
        for (at, (before, after)) in before.iter().zip(after).enumerate() {
            self.diff(&format!("{path}/{at}"), before, after);
        }
        for at in both..after.len() {
            let here = format!("{path}/{at}");
            self.one_sided(&here, &format!("{path}/-"), None, after.get(at));
        }
    }

    /// A value that only one of the two has stands `here`, and the patch names `path`.
    fn one_sided(&mut self, here: &str, path: &str, old: Option<&Value>, new: Option<&Value>) {
        if self.ignored.contains(&here) {
            return;
        }
        let kind = if new.is_some() { OperationKind::Add } else { OperationKind::Remove };
        self.push(kind, path, old, new);
    }

    fn push(&mut self, kind: OperationKind, path: &str, old: Option<&Value>, new: Option<&Value>) {
        let path = path.to_owned();
        self.patch.push(Operation { kind, path, old_value: old.cloned(), value: new.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use super::{diff_metadata, diff_objects, labels_and_annotations};
    use serde_json::{Value, json};

    fn spec_diff(before: &Value, after: &Value, ignored: &[&str]) -> Value {
        json!(diff_objects(&json!({ "spec": before }), &json!({ "spec": after }), ignored))
    }

    #[test]
    fn maps_are_compared_key_by_key() {
        let patch = spec_diff(
            &json!({"a": 1, "b/c": {"d": 1}, "e": 1}),
            &json!({"b/c": {"d": "1"}, "e": 1, "f": null}),
            &[],
        );
        assert_eq!(
            patch,
            json!([
                {"type": "remove", "path": "/spec/a", "oldValue": 1},
                {"type": "replace", "path": "/spec/b~1c/d", "oldValue": 1, "value": "1"},
                {"type": "add", "path": "/spec/f", "value": null},
            ])
        );
    }

    #[test]
    fn lists_are_compared_place_by_place() {
        assert_eq!(
            spec_diff(&json!([1, 2, 3]), &json!([0]), &[]),
            json!([
                {"type": "remove", "path": "/spec/1", "oldValue": 2},
                {"type": "remove", "path": "/spec/1", "oldValue": 3},
                {"type": "replace", "path": "/spec/0", "oldValue": 1, "value": 0},
            ])
        );
        assert_eq!(
            spec_diff(&json!([1]), &json!([1, 2]), &[]),
            json!([{"type": "add", "path": "/spec/-", "value": 2}])
        );
    }

    #[test]
    fn metadata_and_what_is_ignored_do_not_count() {
        assert_eq!(
            spec_diff(
                &json!({"a": 1, "b": [1]}),
                &json!({"a": 2, "b": []}),
                &["/spec/a", "/spec/b/0"]
            ),
            json!([])
        );
        let (before, after) = (json!({"metadata": {"x": 1}, "status": 1}), json!({"metadata": 2}));
        assert!(diff_objects(&before, &after, &[]).is_empty());
    }

    #[test]
    fn labels_that_came_do_not_lose_the_name() {
        let before = json!({"metadata": {"name": "a", "uid": "u"}});
        let after = json!({"metadata": {"name": "a", "uid": "v", "labels": {"b": "c"}}});
        let patch = json!(diff_metadata(&before, &after, &[]));
        assert_eq!(
            patch,
            json!([{"type": "add", "path": "/metadata/labels", "value": {"b": "c"}}])
        );
        assert!(diff_metadata(&after, &before, &[]).is_empty());
        assert_eq!(
            labels_and_annotations(&after)["metadata"],
            json!({"name": "a", "labels": {"b": "c"}})
        );
    }
}
