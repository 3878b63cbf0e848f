//! Pruning as the API server does it: fields that a structural schema does not know are dropped.

use serde_json::{Map, Value};

/// A schema field by name.
fn key<'a>(schema: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    schema?.get(name)
}

fn flag(schema: Option<&Value>, name: &str) -> bool {
    key(schema, name) == Some(&Value::Bool(true))
}

/// Drops what the schema of an object's version does not know; returns the paths dropped.
///
/// `schema` is the version's `openAPIV3Schema`. `apiVersion`, `kind` and `metadata` always stay, in
/// embedded resources too.
pub fn prune(mut object: Value, schema: &Value) -> (Value, Vec<String>) {
    let mut dropped = Vec::new();
    let mut pruner = Pruner { path: Vec::new(), dropped: &mut dropped };
    pruner.root(&mut object, schema);
    (object, dropped)
}

struct Pruner<'a> {
    path: Vec<String>,
    dropped: &'a mut Vec<String>,
}

impl Pruner<'_> {
    fn root(&mut self, object: &mut Value, schema: &Value) {
        let preserve = flag(Some(schema), "x-kubernetes-preserve-unknown-fields");
        if let Value::Object(map) = object {
            self.map(map, Some(schema), true, preserve);
        }
    }

    /// `free`: below a preserving node only fields that have a schema of their own are pruned.
    fn value(&mut self, value: &mut Value, schema: Option<&Value>, free: bool) {
        let preserve = free || flag(schema, "x-kubernetes-preserve-unknown-fields");
        match value {
            Value::Object(map) => {
                let embedded = flag(schema, "x-kubernetes-embedded-resource");
                self.map(map, schema, embedded, preserve);
            }
            Value::Array(array) => {
                let items = key(schema, "items");
                for (index, item) in array.iter_mut().enumerate() {
                    self.path.push(format!("[{index}]"));
                    self.value(item, items, preserve);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn map(
        &mut self,
        map: &mut Map<String, Value>,
        schema: Option<&Value>,
        embedded: bool,
        preserve: bool,
    ) {
        let properties = key(schema, "properties");
        let additional = key(schema, "additionalProperties").filter(|a| **a != Value::Bool(false));
        map.retain(|name, value| {
            if embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                return true;
            }
            let known = key(properties, name);
            self.path.push(step(name));
            let keep = known.is_some() || additional.is_some() || preserve;
            if keep {
                // `additionalProperties: true` has no schema for what is below.
                let below = known.or_else(|| additional.filter(|a| a.is_object()));
                let free = preserve && known.is_none() && additional.is_none();
                self.value(value, below, free);
            } else {
                self.dropped.push(self.path.concat().trim_start_matches('.').to_owned());
            }
            self.path.pop();
            keep
        });
    }
}

fn step(name: &str) -> String {
    if name.contains(['.', '/']) { format!("[{name}]") } else { format!(".{name}") }
}

#[cfg(test)]
mod tests {
    use super::prune;
    use serde_json::{Value, json};

    fn check(schema: &Value, object: Value, expected: &Value, dropped: &[&str]) {
        let (pruned, paths) = prune(object, schema);
        assert_eq!(&pruned, expected);
        assert_eq!(paths, dropped);
    }

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        check(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
                "a": {"type": "string"},
                "l": {"type": "array", "items": {"type": "object", "properties": {"k": {}}}},
            }}}}),
            json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "x": 1},
                "spec": {"a": "1", "b": 2, "l": [{"k": 1, "z.y/x": 2}]}, "extra": {}}),
            &json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "x": 1},
                "spec": {"a": "1", "l": [{"k": 1}]}}),
            &["extra", "spec.b", "spec.l[0][z.y/x]"],
        );
    }

    #[test]
    fn additional_properties_have_a_schema() {
        check(
            &json!({"properties": {
                "m": {"additionalProperties": {"type": "object", "properties": {"k": {}}}},
                "any": {"additionalProperties": true},
                "none": {"additionalProperties": false},
            }}),
            json!({"m": {"x": {"k": 1, "z": 1}}, "any": {"a": 1, "deep": {"b": 1}}, "none": {"a": 1}}),
            &json!({"m": {"x": {"k": 1}}, "any": {"a": 1, "deep": {}}, "none": {}}),
            &["any.deep.b", "m.x.z", "none.a"],
        );
    }

    #[test]
    fn preserved_fields_stay_but_known_ones_are_pruned_below() {
        check(
            &json!({"properties": {"m": {
                "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {"a": {}}}},
            }}}),
            json!({"m": {"free": {"deep": [{"b": 1}]}, "known": {"a": 1, "b": 1}}}),
            &json!({"m": {"free": {"deep": [{"b": 1}]}, "known": {"a": 1}}}),
            &["m.known.b"],
        );
    }

    #[test]
    fn embedded_resources_keep_their_metadata() {
        check(
            &json!({"properties": {"manifest": {
                "x-kubernetes-embedded-resource": true,
                "properties": {"data": {"type": "object", "additionalProperties": {"type": "string"}}},
            }}}),
            json!({"manifest": {"apiVersion": "v1", "kind": "C", "metadata": {"name": "n"},
                "data": {"a": "1"}, "other": 1}}),
            &json!({"manifest": {"apiVersion": "v1", "kind": "C", "metadata": {"name": "n"},
                "data": {"a": "1"}}}),
            &["manifest.other"],
        );
    }

    #[test]
    fn scalars_of_either_kind_stay() {
        check(
            &json!({"properties": {"p": {"x-kubernetes-int-or-string": true}}}),
            json!({"p": 80}),
            &json!({"p": 80}),
            &[],
        );
    }
}
