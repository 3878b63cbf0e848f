//! Lists whose items have names: the fields that are their merge keys.
//!
//! What happens to items that lack a key follows kustomize, step by step, because bytes depend on it.

use capstan_yaml::{Value, set_field};

/// The values of an item's keys, an empty text for one that it lacks.
pub(super) type Name = Vec<String>;
/// Keys and the values that are asked for.
pub(super) type Pairs<'a> = Vec<(&'a str, String)>;

/// The names of some items, then of others that have other names.
pub(super) fn names<'a>(
    first: impl Iterator<Item = &'a Value>,
    then: impl Iterator<Item = &'a Value>,
    keys: &[&str],
) -> Vec<Name> {
    let name = |item: &Value| -> Name {
        let text = |key: &&str| item.get(key).and_then(Value::text).unwrap_or_default().to_owned();
        keys.iter().map(text).collect()
    };
    let mut names: Vec<Name> = Vec::new();
    for name in first.chain(then).map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if keys.len() > 1 {
        for i in 0..names.len() {
            for j in 0..names.len() {
                if let Some(shared) = shared(&names[i], &names[j]) {
                    names[i].clone_from(&shared);
                    names[j] = shared;
                }
            }
        }
    }
    names
}

/// The name that two stand for when one lacks what the other has, and they agree in something.
fn shared(a: &Name, b: &Name) -> Option<Name> {
    let agree = a.iter().zip(b).any(|(a, b)| a == b);
    let clash = a.iter().zip(b).any(|(a, b)| a != b && !a.is_empty() && !b.is_empty());
    let either = |(a, b): (&String, &String)| if a.is_empty() { b.clone() } else { a.clone() };
    (agree && !clash).then(|| a.iter().zip(b).map(either).collect())
}

/// The keys that any of the names gives, with the values of one; all keys when none gives any.
pub(super) fn given<'a>(names: &[Name], name: &Name, keys: &[&'a str]) -> Pairs<'a> {
    let is_given = |at: usize| names.iter().any(|name| !name[at].is_empty());
    let none = (0..keys.len()).all(|at| !is_given(at));
    let kept = (0..keys.len()).filter(|at| none || is_given(*at));
    kept.map(|at| (keys[at], name[at].clone())).collect()
}

/// What is written for a value; nothing for a map or a list.
fn text(value: &Value) -> &str {
    value.written().unwrap_or_default()
}

/// Are all keys of an item there with these values?
pub(super) fn is_named(item: &Value, pairs: &Pairs<'_>) -> bool {
    item.is_object()
        && pairs.iter().all(|(key, value)| item.get(key).is_some_and(|own| text(own) == value))
}

/// Has every item of a list all of its keys, and another name than the others? An empty key means the item itself.
pub(super) fn are_distinct(items: &[Value], keys: &[&str]) -> bool {
    let mut names: Vec<Vec<&str>> = Vec::with_capacity(items.len());
    items.iter().all(|item| {
        let part = |key: &&str| if key.is_empty() { Some(item) } else { item.get(key) };
        let name: Option<Vec<&str>> =
            keys.iter().map(|key| part(key)?.text().filter(|text| !text.is_empty())).collect();
        name.is_some_and(|name| {
            let is_new = !names.contains(&name);
            names.push(name);
            is_new
        })
    })
}

/// Is it nothing that a list would keep?
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(|map| map.is_empty())
}

/// Adds the keys that an item lacks.
pub(super) fn complete(item: &mut Value, pairs: &Pairs<'_>) {
    if let Value::Object(map) = item {
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            if !map.contains_key(*key) {
                set_field(map, key, Value::bare(value));
            }
        }
    }
}

/// Puts an element in the place of the items with these keys, or at the end; without an element they go.
pub(super) fn set(list: &mut Vec<Value>, element: Option<&Value>, pairs: &Pairs<'_>) {
    let values = pairs.iter().map(|(key, value)| (*key, Some(value.as_str()))).collect::<Vec<_>>();
    set_found(list, element, &values, true);
}

/// A key with the value that is asked for; without one, the key before decides.
type Asked<'a> = (&'a str, Option<&'a str>);

fn set_found(list: &mut Vec<Value>, element: Option<&Value>, asked: &[Asked<'_>], keeps: bool) {
    let of_maps = asked.first().is_some_and(|(key, value)| {
        !key.is_empty() && value.is_some_and(|value| !value.is_empty())
    });
    let mut found = false;
    let mut kept = Vec::with_capacity(list.len() + 1);
    for item in list.drain(..).filter(|item| !is_empty(item)) {
        if !item.is_object() && of_maps {
            kept.push(item);
        } else if !is_found(&item, asked) {
            if keeps {
                kept.push(item);
            }
        } else {
            found = true;
            kept.extend(element.cloned());
        }
    }
    kept.extend(element.filter(|_| !found).cloned());
    *list = kept;
}

/// An empty value asks only that the key is there.
fn is_found(item: &Value, asked: &[Asked<'_>]) -> bool {
    let mut last = false;
    asked.iter().all(|(key, value)| {
        if let Some(value) = value {
            last = item.get(key).is_some_and(|own| value.is_empty() || text(own) == *value);
        }
        last
    })
}

/// Adds the rest of a list to what was merged; an item that is there already takes its place.
pub(super) fn append(mut merged: Vec<Value>, rest: Vec<Value>, keys: &[&str]) -> Vec<Value> {
    for item in rest {
        let mut values: Vec<String> = Vec::new();
        for key in keys {
            match item.get(key) {
                Some(value) => values.push(text(value).to_owned()),
                None => merged.push(item.clone()),
            }
        }
        let asked: Vec<Asked<'_>> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| (*key, values.get(at).map(String::as_str)))
            .collect();
        if keys.len() > 1 {
            set_found(&mut merged, None, &asked, !values.is_empty());
        }
        set_found(&mut merged, Some(&item), &asked, !values.is_empty());
    }
    merged
}
