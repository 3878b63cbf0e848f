//! The operations of a JSON 6902 patch, as the library does them that kustomize uses.
//!
//! Beyond RFC 6902: `replace` of a missing key adds it, `copy` of a missing key is a null, a negative position counts from the
//! end of a list, and what stands before the first slash of a path does not count.

use serde_json::Value;

/// Applies one operation.
pub(super) fn apply(root: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |field: &str| {
        let text = operation.get(field).and_then(Value::as_str);
        text.ok_or_else(|| format!("the operation has no `{field}`"))
    };
    let value = || operation.get("value").cloned().unwrap_or_default();
    match operation.get("op").and_then(Value::as_str).unwrap_or("unknown") {
        "add" => add(root, text("path")?, value()),
        "remove" => remove(root, text("path")?),
        "replace" => replace(root, text("path")?, operation.get("value")),
        "test" => test(root, text("path")?, &value()),
        "move" => {
            let moved = get(root, text("from")?)?.unwrap_or_default();
            remove(root, text("from")?)?;
            add(root, text("path")?, moved)
        }
        "copy" => {
            let copied = get(root, text("from")?)?.unwrap_or_default();
            add(root, text("path")?, copied)
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// The map or list that a path leads into, and the last step.
fn enter<'a>(root: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let missing = || format!("doc is missing path: \"{path}\"");
    let (_, steps) = path.split_once('/').ok_or_else(missing)?;
    let (parents, last) = steps.rsplit_once('/').map_or((None, steps), |(p, last)| (Some(p), last));
    let mut at = root;
    for step in parents.into_iter().flat_map(|parents| parents.split('/')) {
        at = match at {
            Value::Object(map) => map.get_mut(&unescape(step)),
            Value::Array(items) => {
                let index = position(step, items.len()).ok();
                index.and_then(|index| items.get_mut(index))
            }
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match at {
        Value::Object(_) | Value::Array(_) => Ok((at, unescape(last))),
        _ => Err(missing()),
    }
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// The position that a step means in a list of this length; it may lie behind the end.
fn position(step: &str, length: usize) -> Result<usize, String> {
    let bad = || format!("Unable to access invalid index: {step}");
    let number: i64 = step.parse().map_err(|_| bad())?;
    match usize::try_from(number) {
        Ok(index) => Ok(index),
        Err(_) => {
            let back = usize::try_from(number.unsigned_abs()).map_err(|_| bad())?;
            length.checked_sub(back).ok_or_else(bad)
        }
    }
}

fn out_of_bounds(step: &str) -> String {
    format!("Unable to access invalid index: {step}")
}

fn get(root: &mut Value, path: &str) -> Result<Option<Value>, String> {
    let (parent, step) = enter(root, path)?;
    match parent {
        Value::Array(items) => {
            let index = position(&step, items.len())?;
            items.get(index).cloned().map(Some).ok_or_else(|| out_of_bounds(&step))
        }
        map => Ok(map.get(&step).cloned()),
    }
}

fn add(root: &mut Value, path: &str, value: Value) -> Result<(), String> {
    match enter(root, path)? {
        (Value::Array(items), step) if step == "-" => items.push(value),
        (Value::Array(items), step) => {
            let index = position(&step, items.len() + 1)?;
            if index > items.len() {
                return Err(out_of_bounds(&step));
            }
            items.insert(index, value);
        }
        (map, step) => map[step] = value,
    }
    Ok(())
}

fn remove(root: &mut Value, path: &str) -> Result<(), String> {
    let (parent, step) = enter(root, path)?;
    let removed = match parent {
        Value::Array(items) => {
            let index = position(&step, items.len())?;
            (index < items.len()).then(|| items.remove(index))
        }
        Value::Object(map) => map.remove(&step),
        _ => None,
    };
    removed.map(drop).ok_or_else(|| format!("Unable to remove nonexistent key: {step}"))
}

fn replace(root: &mut Value, path: &str, value: Option<&Value>) -> Result<(), String> {
    if path.is_empty() {
        return match value {
            Some(whole @ (Value::Object(_) | Value::Array(_))) => {
                root.clone_from(whole);
                Ok(())
            }
            _ => Err("replace operation value must be object or array".to_owned()),
        };
    }
    let value = value.cloned().unwrap_or_default();
    match enter(root, path)? {
        (Value::Array(items), step) => {
            let index = position(&step, items.len())?;
            let item = items.get_mut(index).ok_or_else(|| out_of_bounds(&step))?;
            *item = value;
        }
        (map, step) => map[step] = value,
    }
    Ok(())
}

fn test(root: &mut Value, path: &str, value: &Value) -> Result<(), String> {
    let found = if path.is_empty() { root.clone() } else { get(root, path)?.unwrap_or_default() };
    if is_same(&found, value) { Ok(()) } else { Err(format!("testing value {path} failed")) }
}

/// Equal, with one number for every spelling of it.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use serde_json::json;

    #[test]
    fn goes_beyond_the_rfc_as_kustomize_does() {
        let mut value = json!({"a": [1, 2], "m": {}, "x": {}});
        for operation in [
            json!({"op": "add", "path": "/x/y~1z", "value": 1}),
            json!({"op": "replace", "path": "/m/k", "value": 2}),
            json!({"op": "replace", "path": "/a/-1", "value": 3}),
            json!({"op": "add", "path": "/a/-", "value": 4}),
            json!({"op": "copy", "from": "/m/none", "path": "/m/null"}),
            json!({"op": "move", "from": "/a/0", "path": "/a/-1"}),
            json!({"op": "test", "path": "/m/k", "value": 2.0}),
        ] {
            apply(&mut value, &operation).expect("applies");
        }
        assert_eq!(value, json!({"a": [3, 4, 1], "m": {"k": 2, "null": null}, "x": {"y/z": 1}}));
    }

    #[test]
    fn what_is_not_there_is_not_made() {
        let mut value = json!({"a": [1, 2], "m": null});
        for operation in [
            json!({"op": "remove", "path": "/gone"}),
            json!({"op": "add", "path": "/gone/key", "value": 1}),
            json!({"op": "add", "path": "/m/key", "value": 1}),
            json!({"op": "add", "path": "//", "value": 1}),
            json!({"op": "add", "path": "/gone/-", "value": 1}),
            json!({"op": "add", "path": "/a/3", "value": 1}),
            json!({"op": "move", "from": "/none", "path": "/b"}),
            json!({"op": "bogus", "path": "/a"}),
            json!({"op": "add", "value": 1}),
        ] {
            assert!(apply(&mut value, &operation).is_err(), "{operation}");
        }
    }
}
