use capstan_model::GroupVersionKind;
use capstan_yaml::{Map, Scalar, Style, Tag, Value, quote, set_field};

use super::merge_keys::ListMerge;
use super::{MergeOptions, keyed};
use crate::error::BuildError;
use crate::schema::Schemas;

const DIRECTIVE: &str = "$patch";

type Merged = Result<Option<Value>, BuildError>;

/// Merges a patch into an object. `null` is left of an object that the patch deletes. The kinds are those whose lists are
/// known: the object's, else the patch's.
///
/// Maps merge key by key and `null` removes a key. Lists are replaced, save those of which the schemas
/// say more.
pub(super) fn merge(
    schemas: &Schemas,
    kinds: [&GroupVersionKind; 2],
    object: Value,
    patch: &Value,
    options: MergeOptions,
) -> Result<Value, BuildError> {
    let [object_kind, patch_kind] = kinds;
    let gvk = if schemas.knows(object_kind) { object_kind } else { patch_kind };
    let mut merger = Merger { schemas, gvk, options, path: Vec::new() };
    let merged = merger.value(Some(object), Some(patch))?.unwrap_or_default();
    if has_empty_key(&merged) {
        merger.refuse_empty_keys(&merged)?;
    }
    Ok(merged)
}

struct Merger<'a> {
    schemas: &'a Schemas,
    gvk: &'a GroupVersionKind,
    options: MergeOptions,
    path: Vec<String>,
}

impl Merger<'_> {
    /// The merged value; `None` when nothing is left. kustomize walks through what the patch does not name too.
    fn value(&mut self, old: Option<Value>, patch: Option<&Value>) -> Merged {
        let is_null = |value: &Value| value.is_null();
        match (old, patch) {
            (old, None) => self.alone(old),
            (_, Some(patch)) if patch.is_null() => Ok(None),
            (Some(Value::Object(old)), Some(Value::Object(patch))) => self.map(old, Some(patch)),
            (old, Some(Value::Object(patch))) if old.as_ref().is_none_or(is_null) => {
                self.map(patch.empty(), Some(patch))
            }
            (Some(_), Some(Value::Object(_))) => Err(self.mismatch("a map", "no map")),
            (old @ (None | Some(Value::Array(_))), Some(Value::Array(items))) => {
                self.list(old, items)
            }
            (Some(old), Some(Value::Array(items))) if old.is_null() => self.list(None, items),
            (Some(Value::Object(_)), Some(Value::Array(_))) => {
                Err(self.mismatch("a list", "a map"))
            }
            (Some(_), Some(Value::Array(_))) => Err(self.mismatch("a list", "a single value")),
            (Some(Value::Object(_)), Some(_)) => Err(self.mismatch("a single value", "a map")),
            (Some(Value::Array(_)), Some(_)) => Err(self.mismatch("a single value", "a list")),
            (_, Some(scalar)) => Ok(Some(scalar.clone())),
        }
    }

    /// What becomes of a value that the patch does not name.
    fn alone(&mut self, old: Option<Value>) -> Merged {
        match old {
            Some(Value::Object(old)) => self.map(old, None),
            Some(Value::Array(old)) => match self.schemas.rule(self.gvk, &self.path) {
                ListMerge::Replace => Ok(Some(Value::Array(old))),
                ListMerge::Union => Ok(Some(self.unite(Some(Value::Array(old)), &[]))),
                ListMerge::ByKeys(keys) => self.by_keys(old, &[], &keys).map(|it| Some(it.into())),
            },
            // A null stays that is written as something.
            Some(Value::Scalar(Scalar { text, tag: Tag::Null, .. })) => {
                let kept = Scalar::typed(text, Tag::Null);
                Ok(Some(kept).filter(|kept| !kept.text.is_empty()).map(Value::from))
            }
            old => Ok(old),
        }
    }

    /// Would a value stay as it is when the walk comes through it?
    fn is_calm(&mut self, value: &Value) -> bool {
        match value {
            Value::Scalar(scalar) => is_calm(scalar),
            Value::Object(map) => map.iter().all(|(key, value)| match value {
                Value::Scalar(scalar) => is_calm(scalar),
                value => {
                    self.path.push(key.clone());
                    let is_calm = self.is_calm(value);
                    self.path.pop();
                    is_calm
                }
            }),
            Value::Array(items) => match self.schemas.rule(self.gvk, &self.path) {
                ListMerge::Replace => true,
                ListMerge::Union => keyed::are_distinct(items, &[""]),
                ListMerge::ByKeys(keys) => {
                    keyed::are_distinct(items, &keys) && items.iter().all(|item| self.is_calm(item))
                }
            },
        }
    }

    /// kustomize cannot set a key without a name in what it merges.
    fn refuse_empty_keys(&mut self, merged: &Value) -> Result<(), BuildError> {
        let children: Vec<(Option<&String>, &Value)> = match merged {
            Value::Object(map) if map.contains_key("") => {
                let path = self.path.join(".");
                return Err(BuildError::new(format!(
                    "wrong node kind: expected ScalarNode but got MappingNode: `{path}` has an empty key"
                ))
                .hint("an object with an empty key cannot be patched: give the key a name"));
            }
            Value::Object(map) => map.iter().map(|(key, value)| (Some(key), value)).collect(),
            Value::Array(items) if self.merges_items() => items.iter().map(|i| (None, i)).collect(),
            _ => return Ok(()),
        };
        for (key, value) in children {
            self.path.extend(key.cloned());
            self.refuse_empty_keys(value)?;
            self.path.truncate(self.path.len() - usize::from(key.is_some()));
        }
        Ok(())
    }

    fn merges_items(&self) -> bool {
        self.schemas.rule(self.gvk, &self.path) != ListMerge::Replace
    }

    fn mismatch(&self, patch: &str, object: &str) -> BuildError {
        let path = self.path.join(".");
        BuildError::new(format!("`{path}` is {patch} in the patch but {object} in the object"))
            .hint("a patch has the shape of what it changes; `null` removes a field")
    }

    fn map(&mut self, mut old: Map, patch: Option<&Map>) -> Merged {
        let none = Map::new();
        let patch = patch.unwrap_or(&none);
        match directive(patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => old = patch.empty(),
            Directive::Merge => {}
        }
        let unnamed = old.keys().filter(|key| !patch.contains_key(*key)).cloned();
        for key in unnamed.collect::<Vec<_>>() {
            self.path.push(key.clone());
            if !old.get(&key).is_none_or(|value| self.is_calm(value)) {
                let alone = old.get_mut(&key).map(|value| taken(value, None));
                let walked = self.value(alone, None)?;
                put_back(&mut old, &key, walked);
            }
            self.path.pop();
        }
        for (key, change) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
            self.path.push(key.clone());
            let before = old.get_mut(key).map(|value| taken(value, Some(change)));
            let merged = self.value(before, Some(change))?;
            self.path.pop();
            let is_new = !old.contains_key(key);
            put(&mut old, key, merged);
            if is_new {
                old.set_bare(key, patch.is_bare(key));
            }
        }
        Ok(Some(Value::Object(old)))
    }

    fn list(&mut self, old: Option<Value>, items: &[Value]) -> Merged {
        let keys = match self.schemas.rule(self.gvk, &self.path) {
            ListMerge::Replace => match self.inferred(old.as_ref(), items) {
                Some(keys) => keys,
                None => return Ok(Some(Value::Array(items.to_vec()))),
            },
            ListMerge::Union => return Ok(Some(self.unite(old, items))),
            ListMerge::ByKeys(keys) => keys,
        };
        let directive = list_directive(items)?;
        let items: Vec<&Value> = items.iter().filter(|item| !is_list_directive(item)).collect();
        let old = match (directive, old) {
            (Directive::Delete, _) => return Ok(None),
            (Directive::Merge, Some(Value::Array(old))) => old,
            // A list that was not there is the patch's own, merged with itself.
            _ => items.iter().map(|item| without_directive(item)).collect(),
        };
        self.by_keys(old, &items, &keys).map(|merged| Some(Value::Array(merged)))
    }

    /// Merges the items whose keys agree, step by step as kustomize does, with what that does to items that lack a key.
    ///
    /// What the patch names comes first and in its order; the rest of the list follows.
    fn by_keys(
        &mut self,
        mut old: Vec<Value>,
        items: &[&Value],
        keys: &[&str],
    ) -> Result<Vec<Value>, BuildError> {
        let named = match self.options.appends {
            true => keyed::names(old.iter(), items.iter().copied(), keys),
            false => keyed::names(items.iter().copied(), old.iter(), keys),
        };
        let mut merged: Vec<Value> = Vec::new();
        let mut valid: Vec<&str> = Vec::new();
        for name in &named {
            let own = keyed::given(std::slice::from_ref(name), name, keys);
            let (change, at) = (
                items.iter().find(|item| keyed::is_named(item, &own)),
                old.iter().position(|item| keyed::is_named(item, &own)),
            );
            let pairs = keyed::given(&named, name, keys);
            valid = pairs.iter().map(|(key, _)| *key).collect();
            let mut result = match (change, at) {
                (None, None) => None,
                (None, Some(at)) if self.is_calm(&old[at]) => Some(old[at].clone()),
                (None, Some(at)) => {
                    let walked = self.value(Some(old[at].clone()), None)?;
                    old[at] = walked.clone().unwrap_or_default();
                    walked
                }
                (Some(change), None) => self.value(None, Some(change))?,
                (Some(change), Some(at)) => self.pair(&mut old[at], change)?,
            };
            match result.as_mut().filter(|result| !keyed::is_empty(result)) {
                None => keyed::set(&mut old, None, &pairs),
                Some(result) => {
                    keyed::complete(result, &pairs);
                    keyed::set(&mut merged, Some(result), &pairs);
                    if let Some(at) = old.iter().position(|item| keyed::is_named(item, &own)) {
                        keyed::complete(&mut old[at], &pairs);
                    }
                }
            }
        }
        Ok(match self.options.appends {
            _ if named.is_empty() => old,
            true => keyed::append(old, merged, &valid),
            false => keyed::append(merged, old, &valid),
        })
    }

    /// The key that all items of a list have, where keys are inferred.
    fn inferred(&self, old: Option<&Value>, items: &[Value]) -> Option<Vec<&'static str>> {
        const KEYS: [&str; 7] =
            ["mountPath", "devicePath", "ip", "type", "topologyKey", "name", "containerPort"];
        let old = old.and_then(Value::as_array).into_iter().flatten();
        let mut all = old.chain(items).peekable();
        if !self.options.infers || all.peek().is_none() {
            return None;
        }
        let all: Vec<&Value> = all.collect();
        let key = KEYS.into_iter().find(|key| all.iter().all(|item| item.get(key).is_some()))?;
        Some(vec![key])
    }

    fn unite(&self, old: Option<Value>, items: &[Value]) -> Value {
        let old = match old {
            Some(Value::Array(old)) => old,
            _ => Vec::new(),
        };
        let (first, then) = match self.options.appends {
            true => (old, items.to_vec()),
            false => (items.to_vec(), old),
        };
        let is_new = |item: &Value| !first.iter().any(|it| it.written() == item.written());
        let more = then.into_iter().filter(is_new).collect::<Vec<_>>();
        first.into_iter().chain(more).collect()
    }

    /// Merges an item of the patch into the one of the list, which it changes, unless it is to replace it.
    fn pair(&mut self, old: &mut Value, change: &Value) -> Merged {
        let replaces = change.get(DIRECTIVE).and_then(Value::text) == Some("replace");
        let merged = self.value(Some(old.clone()), Some(change))?;
        if let Some(merged) = merged.as_ref().filter(|_| !replaces) {
            *old = merged.clone();
        }
        Ok(merged)
    }
}

fn has_empty_key(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| key.is_empty() || has_empty_key(value)),
        Value::Array(items) => items.iter().any(has_empty_key),
        Value::Scalar(_) => false,
    }
}

/// Does a scalar stay as it is when it is set in its own place?
fn is_calm(scalar: &Scalar) -> bool {
    const OLD_BOOLEANS: &[u8] = b"yYnNoO";
    match scalar.tag {
        Tag::None => false,
        Tag::Null => !scalar.text.is_empty(),
        Tag::Text if scalar.style == Style::Plain && scalar.text.len() <= 3 => {
            scalar.text.bytes().next().is_none_or(|first| !OLD_BOOLEANS.contains(&first))
        }
        _ => true,
    }
}

/// A value out of its place, where only its style is left.
fn taken(value: &mut Value, change: Option<&Value>) -> Value {
    match value {
        Value::Object(map) => {
            // What is empty takes the style of what comes.
            if let (true, Some(Value::Object(change))) = (map.is_empty(), change) {
                map.is_flow = change.is_flow;
            }
            let left = map.empty();
            std::mem::replace(map, left).into()
        }
        Value::Array(items) => std::mem::take(items).into(),
        Value::Scalar(scalar) => scalar.clone().into(),
    }
}

fn put(map: &mut Map, key: &str, merged: Option<Value>) {
    match merged {
        None => drop(map.remove(key)),
        Some(merged) => set_field(map, key, merged),
    }
}

/// Puts a value into its own place.
fn put_back(map: &mut Map, key: &str, walked: Option<Value>) {
    let Some(mut walked) = walked else { return drop(map.remove(key)) };
    if let Value::Scalar(scalar) = &mut walked {
        quote(scalar);
    }
    map.insert(key.to_owned(), walked);
}

enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Map) -> Result<Directive, BuildError> {
    match patch.get(DIRECTIVE).map(Value::text) {
        None | Some(Some("merge")) => Ok(Directive::Merge),
        Some(Some("replace")) => Ok(Directive::Replace),
        Some(Some("delete")) => Ok(Directive::Delete),
        Some(other) => {
            let word = other.unwrap_or("?");
            Err(BuildError::new(format!("unknown patch strategy '{word}'"))
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

fn without_directive(item: &Value) -> Value {
    let mut item = item.clone();
    if let Value::Object(map) = &mut item {
        map.remove(DIRECTIVE);
    }
    item
}

fn is_list_directive(item: &Value) -> bool {
    item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE))
}

#[cfg(test)]
mod tests {
    use super::{MergeOptions, Schemas};
    use crate::error::BuildError;
    use capstan_model::GroupVersionKind;
    use serde_json::{Value, json};

    fn merge(gvk: &GroupVersionKind, object: Value, patch: &Value) -> Result<Value, BuildError> {
        let (object, patch) = (object.into(), patch.clone().into());
        super::merge(&Schemas::default(), [gvk; 2], object, &patch, MergeOptions::default())
            .map(capstan_yaml::Value::into_json)
    }

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
        let object = deployment(&json!([{"name": "a", "image": "x"}]));
        let merged = merge(&gvk, object, &deployment(&json!([{"name": "a"}])));
        assert_eq!(merged, Ok(deployment(&json!([{"name": "a"}]))));
    }

    #[test]
    fn a_whole_object_can_be_deleted() {
        let gvk = GroupVersionKind::new("", "v1", "ConfigMap");
        assert_eq!(merge(&gvk, json!({"data": {}}), &json!({"$patch": "delete"})), Ok(Value::Null));
    }
}
