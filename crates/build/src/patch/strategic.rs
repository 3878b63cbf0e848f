use capstan_model::GroupVersionKind;
use serde_json::{Map, Value};

use super::merge_keys::{self, ListMerge};
use crate::error::BuildError;

const DIRECTIVE: &str = "$patch";

type Merged = Result<Option<Value>, BuildError>;

/// Merges a patch into an object of a kind. `null` is left of an object that the patch deletes.
///
/// Maps merge key by key and `null` removes a key. Lists are replaced, save those that
/// [`merge_keys`] knows.
pub(super) fn merge(
    gvk: &GroupVersionKind,
    object: Value,
    patch: &Value,
) -> Result<Value, BuildError> {
    let mut merger = Merger { gvk, path: Vec::new() };
    Ok(merger.value(Some(object), patch)?.unwrap_or(Value::Null))
}

struct Merger<'a> {
    gvk: &'a GroupVersionKind,
    path: Vec<String>,
}

impl Merger<'_> {
    /// The merged value; `None` when nothing is left.
    fn value(&mut self, old: Option<Value>, patch: &Value) -> Merged {
        match (old, patch) {
            (_, Value::Null) => Ok(None),
            (Some(Value::Object(old)), Value::Object(patch)) => self.map(old, patch),
            (None | Some(Value::Null), Value::Object(patch)) => self.map(Map::new(), patch),
            (Some(_), Value::Object(_)) => Err(self.mismatch("a map", "no map")),
            (Some(Value::Object(_)), Value::Array(_)) => Err(self.mismatch("a list", "a map")),
            (old, Value::Array(items)) => self.list(old, items),
            (Some(Value::Object(_)), _) => Err(self.mismatch("a single value", "a map")),
            (Some(Value::Array(_)), _) => Err(self.mismatch("a single value", "a list")),
            (_, scalar) => Ok(Some(scalar.clone())),
        }
    }

    fn mismatch(&self, patch: &str, object: &str) -> BuildError {
        let path = self.path.join(".");
        BuildError::new(format!("`{path}` is {patch} in the patch but {object} in the object"))
            .hint("a patch has the shape of what it changes; `null` removes a field")
    }

    fn map(&mut self, mut old: Map<String, Value>, patch: &Map<String, Value>) -> Merged {
        match directive(patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => old = Map::new(),
            Directive::Merge => {}
        }
        for (key, change) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
            self.path.push(key.clone());
            let merged = self.value(old.remove(key), change)?;
            self.path.pop();
            if let Some(merged) = merged {
                old.insert(key.clone(), merged);
            }
        }
        Ok(Some(Value::Object(old)))
    }

    fn list(&mut self, old: Option<Value>, items: &[Value]) -> Merged {
        let keys = match merge_keys::rule(self.gvk, &self.path) {
            ListMerge::Replace => return Ok(Some(Value::Array(items.to_vec()))),
            ListMerge::Union => return Ok(Some(unite(old, items))),
            ListMerge::ByKeys(keys) => keys,
        };
        let old = match (list_directive(items)?, old) {
            (Directive::Delete, _) => return Ok(None),
            (Directive::Merge, Some(Value::Array(old))) => old,
            _ => Vec::new(),
        };
        let items: Vec<&Value> = items.iter().filter(|item| !is_list_directive(item)).collect();
        self.by_keys(old, &items, keys).map(|merged| Some(Value::Array(merged)))
    }

    /// With one key, the items of the patch come first and in its order. With several, only what
    /// is new comes first, and what is there stays where it is.
    fn by_keys(
        &mut self,
        old: Vec<Value>,
        items: &[&Value],
        keys: &[&str],
    ) -> Result<Vec<Value>, BuildError> {
        let mut rest: Vec<Option<Value>> = old.into_iter().map(Some).collect();
        let mut merged = Vec::new();
        for item in items {
            let same = |other: &Option<Value>| {
                other.as_ref().is_some_and(|other| same_keys(item, other, keys))
            };
            let at = rest.iter().position(same);
            let result = self.value(at.and_then(|at| rest[at].take()), item)?;
            match at {
                Some(at) if keys.len() > 1 => rest[at] = result,
                _ => merged.extend(result),
            }
        }
        merged.extend(rest.into_iter().flatten());
        Ok(merged)
    }
}

enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map<String, Value>) -> Result<Directive, BuildError> {
    match patch.get(DIRECTIVE).map(Value::as_str) {
        None | Some(Some("merge")) => Ok(Directive::Merge),
        Some(Some("replace")) => Ok(Directive::Replace),
        Some(Some("delete")) => Ok(Directive::Delete),
        Some(other) => {
            let word = other.unwrap_or("?");
            Err(BuildError::new(format!("unknown directive `$patch: {word}`"))
                .hint("`$patch` is `merge`, `replace` or `delete`"))
        }
    }
}

/// `- $patch: replace` or `- $patch: delete` alone speaks for the whole list.
fn list_directive(items: &[Value]) -> Result<Directive, BuildError> {
    match items.iter().find(|item| is_list_directive(item)) {
        Some(Value::Object(map)) => directive(map),
        _ => Ok(Directive::Merge),
    }
}

fn is_list_directive(item: &Value) -> bool {
    item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE))
}

/// Do the keys that the patch gives agree? One that gives none names nothing.
fn same_keys(patch: &Value, other: &Value, keys: &[&str]) -> bool {
    let given: Vec<_> = keys.iter().filter_map(|key| Some((key, patch.get(key)?))).collect();
    !given.is_empty() && given.iter().all(|(key, value)| other.get(key) == Some(value))
}

fn unite(old: Option<Value>, items: &[Value]) -> Value {
    let mut united = items.to_vec();
    if let Some(Value::Array(old)) = old {
        united.extend(old.into_iter().filter(|item| !items.contains(item)));
    }
    Value::Array(united)
}

#[cfg(test)]
mod tests {
    use super::merge;
    use capstan_model::GroupVersionKind;
    use serde_json::{Value, json};

    fn deployment(containers: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": containers}}}})
    }

    fn check(old: &Value, patch: &Value, expected: &Value) {
        let gvk = GroupVersionKind::new("apps", "v1", "Deployment");
        assert_eq!(merge(&gvk, deployment(old), &deployment(patch)), Ok(deployment(expected)));
    }

    #[test]
    fn containers_merge_by_name_and_new_ones_come_first() {
        check(
            &json!([{"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}]),
            &json!([{"name": "side", "image": "s"}, {"name": "a", "env": [{"name": "Y", "value": "2"}]}]),
            &json!([{"name": "side", "image": "s"}, {"name": "a", "image": "a:1",
                "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]}]),
        );
    }

    #[test]
    fn ports_need_both_keys() {
        check(
            &json!([{"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "t"}]}]),
            &json!([{"name": "a", "ports": [{"containerPort": 80, "protocol": "UDP"}]}]),
            &json!([{"name": "a", "ports": [{"containerPort": 80, "protocol": "UDP"},
                {"containerPort": 80, "protocol": "TCP", "name": "t"}]}]),
        );
    }

    #[test]
    fn directives_and_nulls() {
        check(
            &json!([{"name": "a", "image": "x"}, {"name": "b"}]),
            &json!([{"name": "b", "$patch": "delete"}, {"name": "a", "image": null}]),
            &json!([{"name": "a"}]),
        );
        check(
            &json!([{"name": "a"}, {"name": "b"}]),
            &json!([{"name": "c"}, {"$patch": "replace"}]),
            &json!([{"name": "c"}]),
        );
    }

    #[test]
    fn lists_of_unknown_kinds_are_replaced() {
        let gvk = GroupVersionKind::new("example.com", "v1", "Deployment");
        let merged = merge(
            &gvk,
            deployment(&json!([{"name": "a", "image": "x"}])),
            &deployment(&json!([{"name": "a"}])),
        );
        assert_eq!(merged, Ok(deployment(&json!([{"name": "a"}]))));
    }

    #[test]
    fn a_whole_object_can_be_deleted() {
        let gvk = GroupVersionKind::new("", "v1", "ConfigMap");
        assert_eq!(merge(&gvk, json!({"data": {}}), &json!({"$patch": "delete"})), Ok(Value::Null));
    }
}
