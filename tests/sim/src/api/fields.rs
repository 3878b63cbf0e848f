//! Who owns which fields, and what follows for an apply.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// A field: the keys that lead to it.
type Path = Vec<String>;

/// Who wrote: manager, operation, subresource.
type Writer = (String, String, String);

/// The fields of all writers, and when each of them wrote.
type Owners = BTreeMap<Writer, (BTreeSet<Path>, String)>;

/// What nobody owns.
const UNOWNED: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) now: &'a str,
}

impl Hand<'_> {
    fn writer(&self, operation: &str) -> Writer {
        (self.manager.to_owned(), operation.to_owned(), self.subresource.to_owned())
    }
}

/// Server-side apply of a configuration onto an object.
///
/// # Errors
/// The managers of fields that the configuration would change, when it is not forced.
pub(crate) fn apply(
    live: &Value,
    config: &Value,
    hand: Hand<'_>,
    force: bool,
) -> Result<Value, String> {
    let mut owners = read(live);
    let (me, wanted) = (hand.writer("Apply"), leaves(config));
    let before = owners.remove(&me).unwrap_or_default();
    let mut conflicts = Vec::new();
    for (writer, (fields, _)) in &mut owners {
        let differs = |path: &Path| {
            wanted.iter().any(|mine| related(mine, path) && at(live, mine) != at(config, mine))
        };
        let lost: Vec<Path> = fields.iter().filter(|path| differs(path)).cloned().collect();
        if !lost.is_empty() {
            conflicts.push(format!("conflict with \"{}\": .{}", writer.0, lost[0].join(".")));
        }
        fields.retain(|path| !lost.contains(path));
    }
    if !conflicts.is_empty() && !force {
        return Err(conflicts.join(", "));
    }
    let mut object = live.clone();
    for path in &wanted {
        if let Some(value) = at(config, path) {
            put(&mut object, path, value.clone());
        }
    }
    for path in before.0.difference(&wanted) {
        let is_kept = wanted.iter().any(|mine| related(mine, path))
            || owners.values().any(|(fields, _)| fields.iter().any(|theirs| related(theirs, path)));
        if !is_kept {
            take(&mut object, path);
        }
    }
    let unchanged = before.0 == wanted && without_owners(&object) == without_owners(live);
    let time = if unchanged { before.1 } else { hand.now.to_owned() };
    owners.insert(me, (wanted, time));
    write(&mut object, &owners);
    Ok(object)
}

/// Notes in an object who changed it, after an update or a patch.
pub(crate) fn updated(before: &Value, after: &mut Value, hand: Hand<'_>) {
    let mut owners = read(after);
    let (old, new) = (leaves(before), leaves(after));
    let is_changed = |path: &&Path| at(before, path) != at(after, path);
    let changed: BTreeSet<Path> = new.iter().filter(is_changed).cloned().collect();
    let gone: BTreeSet<Path> =
        old.iter().filter(|path| at(after, path).is_none()).cloned().collect();
    if changed.is_empty() && gone.is_empty() {
        write(after, &owners);
        return;
    }
    for (fields, _) in owners.values_mut() {
        fields.retain(|path| !changed.contains(path) && !gone.contains(path));
    }
    if !changed.is_empty() {
        let mine = owners.entry(hand.writer("Update")).or_default();
        mine.0.extend(changed);
        hand.now.clone_into(&mut mine.1);
    }
    write(after, &owners);
}

fn without_owners(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// Is the one the other, or does one lie within the other?
fn related(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The fields of an object that somebody can own.
fn leaves(object: &Value) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    collect(object, &mut Vec::new(), &mut found);
    found.retain(|path| match path[0].as_str() {
        "apiVersion" | "kind" => false,
        "metadata" => path.get(1).is_some_and(|key| !UNOWNED.contains(&key.as_str())),
        _ => true,
    });
    found
}

fn collect(value: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
    match value.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.clone());
                collect(value, path, found);
                path.pop();
            }
        }
        // A map is owned by what is in it.
        Some(_) => {}
        None if path.is_empty() || value.is_null() => {}
        None => {
            found.insert(path.clone());
        }
    }
}

fn at<'a>(object: &'a Value, path: &Path) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

fn put(object: &mut Value, path: &Path, new: Value) {
    let mut value = object;
    for key in path {
        if !value.is_object() {
            *value = json!({});
        }
        value = &mut value[key.as_str()];
    }
    *value = new;
}

/// Takes a field out, and the maps that it leaves empty.
fn take(object: &mut Value, path: &[String]) {
    let [key, rest @ ..] = path else { return };
    let Some(map) = object.as_object_mut() else { return };
    if rest.is_empty() {
        map.remove(key);
    } else if let Some(inner) = map.get_mut(key) {
        take(inner, rest);
        if inner.as_object().is_some_and(Map::is_empty) {
            map.remove(key);
        }
    }
}

fn read(object: &Value) -> Owners {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut owners = Owners::new();
    for entry in entries.into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let mut fields = BTreeSet::new();
        unfold(&entry["fieldsV1"], &mut Vec::new(), &mut fields);
        let writer = (text("manager"), text("operation"), text("subresource"));
        let owned = owners.entry(writer).or_default();
        owned.0.extend(fields);
        owned.1 = text("time");
    }
    owners
}

fn unfold(fields: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
    let named = fields.as_object().into_iter().flatten();
    let mut is_leaf = true;
    for (key, inner) in named {
        let Some(name) = key.strip_prefix("f:") else { continue };
        is_leaf = false;
        path.push(name.to_owned());
        unfold(inner, path, found);
        path.pop();
    }
    if is_leaf && !path.is_empty() {
        found.insert(path.clone());
    }
}

fn write(object: &mut Value, owners: &Owners) {
    let api_version = object["apiVersion"].clone();
    let entry = |(writer, (fields, time)): (&Writer, &(BTreeSet<Path>, String))| {
        let mut tree = json!({});
        for path in fields {
            let mut at = &mut tree;
            for key in path {
                at = &mut at[format!("f:{key}")];
            }
            if at.is_null() {
                *at = json!({});
            }
        }
        let mut entry = json!({"manager": writer.0, "operation": writer.1, "time": time,
            "apiVersion": api_version, "fieldsType": "FieldsV1", "fieldsV1": tree});
        if !writer.2.is_empty() {
            entry["subresource"] = writer.2.clone().into();
        }
        entry
    };
    let owned = owners.iter().filter(|(_, (fields, _))| !fields.is_empty());
    let entries: Vec<Value> = owned.map(entry).collect();
    object["metadata"]["managedFields"] = entries.into();
}
