//! Fields that kustomize keeps as one value.
//!
//! A label that it adds in several places of an object is one node there: what later changes it in one place, by a label of an
//! upper layer or a patch, changes it in all. Selectors are among these places, so this is no detail.

use capstan_yaml::Value;

/// Groups of fields of one object, as JSON pointers.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneValue(Vec<Vec<String>>);

impl OneValue {
    /// The fields have one value from now on.
    pub(crate) fn unite(&mut self, fields: Vec<String>) {
        if fields.len() > 1 {
            self.0.push(fields);
        }
    }

    /// Every field has its own value: the object was read anew.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What stands below a pointer has values of its own from now on: it was made anew.
    pub(crate) fn part(&mut self, from: &str) {
        let is_below =
            |field: &str| field.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'));
        self.0.iter_mut().for_each(|group| group.retain(|field| !is_below(field)));
    }

    /// A field was written: the others of its group take its value.
    pub(crate) fn written(&mut self, field: &str, object: &mut Value) {
        let groups = self.0.iter().filter(|group| group.iter().any(|it| it == field));
        for other in groups.flatten() {
            spread(field, other, object);
        }
    }

    /// A patch was merged: what it wrote in one field of a group, and what it replaced, counts for the group.
    pub(crate) fn merged(&mut self, patch: &Value, object: &mut Value) {
        for group in &mut self.0 {
            group.retain(|field| is_left(field, patch) && object.pointer(field).is_some());
            let written =
                group.iter().filter(|field| patch.pointer(field).is_some_and(Value::is_scalar));
            // Merging goes through the keys in their order: the last one stays.
            let last = written.max_by_key(|field| field.split('/').collect::<Vec<_>>()).cloned();
            for other in group.iter().filter(|_| last.is_some()) {
                spread(last.as_deref().unwrap_or_default(), other, object);
            }
        }
    }

    /// The values of all fields, to see later which of them changed.
    pub(crate) fn values(&self, object: &Value) -> Vec<Value> {
        let fields = self.0.iter().flatten();
        fields.map(|field| object.pointer(field).cloned().unwrap_or_default()).collect()
    }

    /// Fields were written that had these values before.
    pub(crate) fn changed(&mut self, before: &[Value], object: &mut Value) {
        let fields = self.0.iter().flatten().zip(before);
        let changed: Vec<String> = fields
            .filter(|(field, before)| object.pointer(field).is_some_and(|now| now != *before))
            .map(|(field, _)| field.clone())
            .collect();
        for field in changed {
            self.written(&field, object);
        }
    }
}

fn spread(from: &str, to: &str, object: &mut Value) {
    let value = object.pointer(from).filter(|value| value.is_scalar());
    if let Some(value) = value.cloned()
        && let Some(other) = object.pointer_mut(to)
    {
        *other = value;
    }
}

/// Does a field keep its node when the patch is merged? Not when something above it is replaced.
fn is_left(field: &str, patch: &Value) -> bool {
    let mut at = patch;
    for step in field.split('/').skip(1) {
        if at.is_array()
            || at.get("$patch").is_some_and(|directive| directive.text() == Some("replace"))
        {
            return false;
        }
        match at.get(&step.replace("~1", "/").replace("~0", "~")) {
            Some(next) => at = next,
            None => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::OneValue;
    use capstan_yaml::Value;
    use serde_json::{Value as Json, json};

    fn group() -> OneValue {
        let mut one = OneValue::default();
        one.unite(vec!["/a/app".to_owned(), "/b/app".to_owned(), "/c/0/app".to_owned()]);
        one
    }

    fn after(object: Json, change: impl Fn(&mut Value)) -> Json {
        let mut object = object.into();
        change(&mut object);
        object.into_json()
    }

    #[test]
    fn what_changes_in_one_place_changes_in_all() {
        let object = json!({"a": {"app": "new"}, "b": {"app": "old"}, "c": [{"app": "old"}]});
        assert_eq!(
            after(object, |object| group().written("/a/app", object)),
            json!({"a": {"app": "new"}, "b": {"app": "new"}, "c": [{"app": "new"}]})
        );
    }

    #[test]
    fn the_last_of_a_patch_counts_and_a_list_stands_alone() {
        let patch = json!({"b": {"app": "two"}, "a": {"app": "one"}, "c": [{"app": "three"}]});
        assert_eq!(
            after(patch.clone(), |object| group().merged(&patch.clone().into(), object)),
            json!({"a": {"app": "two"}, "b": {"app": "two"}, "c": [{"app": "three"}]})
        );
    }

    #[test]
    fn what_is_made_anew_stands_alone() {
        let object = json!({"a": {"app": "old"}, "b": {"app": "new"}, "c": [{"app": "old"}]});
        let change = |object: &mut Value| {
            let mut one = group();
            one.part("/a");
            one.written("/b/app", object);
        };
        assert_eq!(
            after(object, change),
            json!({"a": {"app": "old"}, "b": {"app": "new"}, "c": [{"app": "new"}]})
        );
    }

    #[test]
    fn what_a_patch_removes_is_left_out() {
        let object = json!({"b": {"app": "old"}, "c": [{"app": "old"}]});
        let change = |object: &mut Value| {
            let mut one = group();
            one.merged(&json!({"a": {"app": null}}).into(), object);
            *object.pointer_mut("/b/app").expect("a field") = "new".into();
            one.written("/b/app", object);
        };
        assert_eq!(after(object, change), json!({"b": {"app": "new"}, "c": [{"app": "new"}]}));
    }
}
