//! Fields of objects, addressed by kind and path.

use capstan_model::GroupVersionKind;
use serde_json::{Map, Value};

/// A field of the objects that its selector admits; empty parts of the selector admit all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    /// Keys divided by `/`, with `\/` for a slash in a key. Lists on the way are walked through.
    pub(crate) path: String,
    /// Make missing maps on the way, and the field.
    pub(crate) create: bool,
}

impl Field {
    /// A field that every kind has.
    pub(crate) fn everywhere(path: &str) -> Self {
        Self::of("", "", path)
    }

    /// A field that is made when it is absent.
    pub(crate) fn of(group: &str, kind: &str, path: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: String::new(),
            kind: kind.to_owned(),
            path: path.to_owned(),
            create: true,
        }
    }

    /// The same field, left alone where it is absent.
    pub(crate) fn existing(self) -> Self {
        Self { create: false, ..self }
    }

    pub(crate) fn admits(&self, gvk: &GroupVersionKind) -> bool {
        let admits = |want: &str, have: &str| want.is_empty() || want == have;
        admits(&self.group, &gvk.group)
            && admits(&self.version, &gvk.version)
            && admits(&self.kind, &gvk.kind)
    }

    /// Calls `change` on every value at the path. `blank` is what a missing field starts as.
    pub(crate) fn visit(
        &self,
        root: &mut Value,
        blank: &Value,
        change: &mut dyn FnMut(&mut Value),
    ) {
        let keys = split(&self.path);
        walk(root, &keys, if self.create { Some(blank) } else { None }, change);
    }
}

fn split(path: &str) -> Vec<String> {
    let marked = path.replace("\\/", "\0");
    marked.split('/').filter(|k| !k.is_empty()).map(|k| k.replace('\0', "/")).collect()
}

fn walk(
    value: &mut Value,
    keys: &[String],
    blank: Option<&Value>,
    change: &mut dyn FnMut(&mut Value),
) {
    let Some((key, rest)) = keys.split_first() else { return change(value) };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, keys, blank, change)),
        Value::Object(map) => {
            let (key, is_list) =
                key.strip_suffix("[]").map_or((key.as_str(), false), |k| (k, true));
            if map.get(key).is_none_or(Value::is_null) {
                let Some(blank) = blank.filter(|_| !is_list) else { return };
                let empty = if rest.is_empty() { blank.clone() } else { Value::Object(Map::new()) };
                map.insert(key.to_owned(), empty);
            }
            if let Some(child) = map.get_mut(key) {
                walk(child, rest, blank, change);
            }
        }
        _ => {}
    }
}

/// Where each built-in workload keeps its pod template's `metadata` and `spec`: group, kind, path.
pub(crate) const POD_TEMPLATES: [(&str, &str, &str); 7] = [
    ("", "ReplicationController", "spec/template"),
    ("apps", "Deployment", "spec/template"),
    ("apps", "ReplicaSet", "spec/template"),
    ("apps", "DaemonSet", "spec/template"),
    ("apps", "StatefulSet", "spec/template"),
    ("batch", "Job", "spec/template"),
    ("batch", "CronJob", "spec/jobTemplate/spec/template"),
];

#[cfg(test)]
mod tests {
    use super::Field;
    use serde_json::{Value, json};

    #[test]
    fn walks_lists_and_makes_maps() {
        let mut value = json!({"l": [{"a": {"b": "x"}}, {}], "m": null});
        Field::everywhere("l/a/b")
            .existing()
            .visit(&mut value, &Value::Null, &mut |v| *v = json!("y"));
        assert_eq!(value, json!({"l": [{"a": {"b": "y"}}, {}], "m": null}));
        Field::everywhere("m/k\\/z").visit(&mut value, &json!(""), &mut |v| *v = json!(1));
        assert_eq!(value["m"], json!({"k/z": 1}));
        Field::everywhere("n[]/a").visit(&mut value, &json!(""), &mut |v| *v = json!(1));
        assert_eq!(value.get("n"), None, "a list is never made up");
    }
}
