use serde_json::{Map, Value};

/// Lays one YAML file over another, as Helm lays values over values: maps are merged, everything else is replaced. Documents
/// of one file are merged first. Keys come out sorted.
pub(crate) fn merged(below: &[u8], above: &[u8], path: &str) -> Result<Vec<u8>, String> {
    let merged = merge(load(below, path)?, load(above, path)?);
    Ok(capstan_yaml::emit(&sorted(Value::Object(merged))).into_bytes())
}

fn load(bytes: &[u8], path: &str) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("'{path}' is no text"))?;
    let documents = capstan_yaml::read(text, path).map_err(|error| error.to_string())?;
    let mut all = Map::new();
    for document in documents {
        match document {
            Value::Object(map) => all = merge(all, map),
            Value::Null => {}
            _ => return Err(format!("cannot merge '{path}': it holds a document that is no map")),
        }
    }
    Ok(all)
}

fn merge(mut below: Map<String, Value>, above: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in above {
        let merged = match (below.remove(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(merge(old, new)),
            (_, value) => value,
        };
        below.insert(key, merged);
    }
    below
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn maps_are_merged_and_the_rest_is_replaced() {
        let below = b"b: {x: 1, z: [1, 2]}\na: 1\n---\nc: 3\n";
        let above = b"b: {z: [3]}\nd: null\n";
        let text = String::from_utf8(merged(below, above, "f").expect("maps")).expect("text");
        assert_eq!(text, "a: 1\nb:\n  x: 1\n  z:\n  - 3\nc: 3\nd: null\n");
        assert!(merged(b"[1]", above, "f").is_err() && merged(b"\xff", above, "f").is_err());
    }
}
