use json_patch::PatchOperation;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::error::BuildError;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;

/// Applies the operations to every object that the target selects.
///
/// Beyond RFC 6902, as kustomize does: `add` makes missing parents that are maps, `replace` of a missing key adds
/// it, and a negative position counts from the end of a list.
pub(super) fn apply(
    operations: &[Value],
    matcher: &Matcher,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    for resource in resources.iter_mut().filter(|r| matcher.matches(r)) {
        for (index, operation) in operations.iter().enumerate() {
            one(&mut resource.value, operation).map_err(|message| {
                let id = resource.id();
                BuildError::new(format!("{id}: operation {}: {message}", index + 1))
                    .hint("an operation has `op`, `path` and, for some, `value` or `from`; what it names must exist")
            })?;
        }
        check(resource)?;
    }
    Ok(())
}

/// What is left must still be an object.
fn check(resource: &Resource) -> Result<(), BuildError> {
    let message = if !resource.value.get("metadata").is_some_and(Value::is_object) {
        "missing Resource metadata"
    } else if resource.text("/kind").is_empty() {
        "missing kind in object"
    } else {
        return Ok(());
    };
    Err(BuildError::new(format!("{message} after a JSON 6902 patch")))
}

fn one(root: &mut Value, operation: &Value) -> Result<(), String> {
    let mut operation = operation.clone();
    let op = operation.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    for field in ["path", "from"] {
        if let Some(Value::String(path)) = operation.get_mut(field) {
            // What stands before the first slash does not count.
            if let Some(start) = path.find('/') {
                path.drain(..start);
            }
            *path = from_end(root, path);
        }
    }
    if let Some(path) = operation.get("path").and_then(Value::as_str)
        && matches!(op.as_str(), "add" | "replace")
    {
        prepare(root, path, op == "replace");
    }
    let decoded = PatchOperation::deserialize(&operation).map_err(|error| error.to_string())?;
    json_patch::patch(root, &[decoded]).map_err(|error| error.to_string())
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The path with negative list positions counted from the end.
fn from_end(root: &Value, path: &str) -> String {
    let mut at = Some(root);
    let mut spelt = String::new();
    for token in path.split('/').skip(usize::from(path.starts_with('/'))) {
        let mut token = token.to_owned();
        if let Some(Value::Array(items)) = at
            && let Ok(back) = token.parse::<i64>()
            && back < 0
            && let Some(position) =
                items.len().checked_add_signed(isize::try_from(back).unwrap_or(isize::MIN))
        {
            token = position.to_string();
        }
        at = at.and_then(|value| match value {
            Value::Array(items) => items.get(token.parse::<usize>().ok()?),
            other => other.get(unescape(&token)),
        });
        spelt.push('/');
        spelt.push_str(&token);
    }
    if path.starts_with('/') { spelt } else { path.to_owned() }
}

/// Makes the maps above a path; with `itself`, also the key that is to be replaced.
fn prepare(root: &mut Value, path: &str, itself: bool) {
    let tokens: Vec<String> = path.split('/').skip(1).map(unescape).collect();
    let Some((last, parents)) = tokens.split_last() else { return };
    let mut at = root;
    for (token, next) in parents.iter().zip(&tokens[1..]) {
        at = match at {
            Value::Object(map) => {
                if !map.contains_key(token) && (itself || is_position(next)) {
                    return;
                }
                map.entry(token.as_str()).or_insert_with(|| Value::Object(Map::new()))
            }
            Value::Array(items) => {
                match token.parse::<usize>().ok().and_then(|position| items.get_mut(position)) {
                    Some(item) => item,
                    None => return,
                }
            }
            _ => return,
        };
    }
    if let (true, Value::Object(map)) = (itself, at) {
        map.entry(last.as_str()).or_insert(Value::Null);
    }
}

/// Would it be a list that has such a token? Missing lists are not made.
fn is_position(token: &str) -> bool {
    token == "-" || token.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::one;
    use serde_json::json;

    #[test]
    fn goes_beyond_the_rfc_as_kustomize_does() {
        let mut value = json!({"a": [1, 2], "m": {}});
        for operation in [
            json!({"op": "add", "path": "/x/y~1z", "value": 1}),
            json!({"op": "replace", "path": "/m/k", "value": 2}),
            json!({"op": "replace", "path": "/a/-1", "value": 3}),
            json!({"op": "add", "path": "/a/-", "value": 4}),
        ] {
            one(&mut value, &operation).expect("applies");
        }
        assert_eq!(value, json!({"a": [1, 3, 4], "m": {"k": 2}, "x": {"y/z": 1}}));
        assert!(one(&mut value, &json!({"op": "remove", "path": "/gone"})).is_err());
        assert!(one(&mut value, &json!({"op": "add", "path": "/gone/-", "value": 1})).is_err());
        assert!(one(&mut value, &json!({"op": "add", "path": "/gone/0/a", "value": 1})).is_err());
        assert!(one(&mut value, &json!({"op": "bogus", "path": "/a"})).is_err());
    }
}
