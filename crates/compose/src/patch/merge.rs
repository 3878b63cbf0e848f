use serde_json::{Map, Value};

use super::PatchFault;
use crate::go::Go;
use crate::wire::MergeOptions;

/// What `policy.toFieldPath` says in merge options; `None` when the name is unknown.
pub(crate) fn function_merge(name: &str) -> Option<Option<MergeOptions>> {
    let options = |keep, append| {
        Some(MergeOptions { keep_map_values: Some(keep), append_slice: Some(append) })
    };
    match name {
        "" | "Replace" => Some(None),
        "MergeObjects" | "MergeObject" => Some(options(true, false)),
        "MergeObjectsAppendArrays" => Some(options(true, true)),
        "ForceMergeObjects" => Some(options(false, false)),
        "ForceMergeObjectsAppendArrays" | "AppendArray" => Some(options(false, true)),
        _ => None,
    }
}

/// What `there` becomes when `value` is merged into it.
pub(super) fn merged(
    there: Value,
    value: Value,
    options: MergeOptions,
) -> Result<Value, PatchFault> {
    if there.is_null() || value.is_null() {
        return Ok(value);
    }
    let append = options.append_slice == Some(true);
    let value = match (value, &there) {
        (Value::Array(new), Value::Array(old)) if append => {
            Value::Array(new.into_iter().filter(|item| !old.contains(item)).collect())
        }
        (value, _) => value,
    };
    let overwrite = options.keep_map_values != Some(true);
    merge_value(there, value, overwrite, append)
}

/// The rules of Go's mergo: an empty value gives way, maps merge, lists append or are replaced.
fn merge_value(
    there: Value,
    value: Value,
    overwrite: bool,
    append: bool,
) -> Result<Value, PatchFault> {
    match (there, value) {
        (Value::Object(mut old), Value::Object(new)) => {
            merge_map(&mut old, new, overwrite, append)?;
            Ok(Value::Object(old))
        }
        (Value::Array(mut old), Value::Array(new)) if append => {
            old.extend(new);
            Ok(Value::Array(old))
        }
        (old, Value::Array(_)) if append && !is_empty(&old) => Err(PatchFault::Unsupported(
            format!("cannot append a list to a value of type {}", Go::from(&old).kind()),
        )),
        // A map does not replace a scalar: Go leaves what is there.
        (old, Value::Object(_)) if !is_empty(&old) => Ok(old),
        (old, value) if overwrite || is_empty(&old) => Ok(value),
        (old, _) => Ok(old),
    }
}

fn merge_map(
    old: &mut Map<String, Value>,
    new: Map<String, Value>,
    overwrite: bool,
    append: bool,
) -> Result<(), PatchFault> {
    for (key, value) in new {
        let there = old.remove(&key);
        let value = match there {
            None => value,
            Some(there) if value.is_null() => {
                if overwrite {
                    value
                } else {
                    there
                }
            }
            Some(there) => merge_value(there, value, overwrite, append)?,
        };
        old.insert(key, value);
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(m) => m.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::merged;
    use crate::wire::MergeOptions;
    use serde_json::json;

    #[test]
    fn merges_as_the_options_say() {
        let old = json!({"a": 1, "e": "", "l": [1], "m": {"x": 1}});
        let new = json!({"a": 2, "e": "f", "l": [1, 2], "m": {"x": 2, "y": 2}, "n": 3});
        for (keep, append, expected) in [
            (true, false, json!({"a": 1, "e": "f", "l": [1], "m": {"x": 1, "y": 2}, "n": 3})),
            (true, true, json!({"a": 1, "e": "f", "l": [1, 1, 2], "m": {"x": 1, "y": 2}, "n": 3})),
            (false, false, json!({"a": 2, "e": "f", "l": [1, 2], "m": {"x": 2, "y": 2}, "n": 3})),
        ] {
            let options = MergeOptions { keep_map_values: Some(keep), append_slice: Some(append) };
            let result = merged(old.clone(), new.clone(), options).expect("merges");
            assert_eq!(result, expected, "keep {keep} append {append}");
        }
    }

    #[test]
    fn an_appended_list_repeats_nothing() {
        let options = MergeOptions { append_slice: Some(true), ..MergeOptions::default() };
        let result = merged(json!([1, 2]), json!([2, 3]), options).expect("merges");
        assert_eq!(result, json!([1, 2, 3]));
    }
}
