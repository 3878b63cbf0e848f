//! Does a live object have everything that a manifest asks for?

use serde_json::Value;

/// The first place, dotted, where a live value lacks or contradicts the wanted one. What only the live one has is the
/// server's or somebody else's.
pub(super) fn difference(wanted: &Value, live: &Value) -> Option<String> {
    walk(wanted, live, &mut String::new())
}

fn walk(wanted: &Value, live: &Value, path: &mut String) -> Option<String> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().find_map(|(key, value)| {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            let found = walk(value, live.get(key).unwrap_or(&Value::Null), path);
            path.truncate(length);
            found
        }),
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            wanted.iter().zip(live).enumerate().find_map(|(index, (wanted, live))| {
                let length = path.len();
                path.push_str(&format!("[{index}]"));
                let found = walk(wanted, live, path);
                path.truncate(length);
                found
            })
        }
        (Value::Number(wanted), Value::Number(live)) if wanted.as_f64() == live.as_f64() => None,
        // Empty and absent are the same to the API server.
        (Value::Object(map), Value::Null) if map.is_empty() => None,
        (Value::Array(list), Value::Null) if list.is_empty() => None,
        (wanted, live) if wanted == live => None,
        _ => Some(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::json;

    #[test]
    fn only_what_is_asked_for_counts() {
        let live = json!({"metadata": {"name": "a", "uid": "u"}, "data": {"k": "v"}, "spec": {"ports": [{"port": 80, "x": 1}]}});
        for wanted in [
            json!({"metadata": {"name": "a"}}),
            json!({"spec": {"ports": [{"port": 80.0}]}, "extra": {}}),
            json!({"data": {"gone": null}}),
        ] {
            assert_eq!(difference(&wanted, &live), None, "{wanted}");
        }
        for (wanted, place) in [
            (json!({"data": {"k": "w"}}), "data.k"),
            (json!({"data": {"new": "w"}}), "data.new"),
            (json!({"spec": {"ports": [{"port": 81}]}}), "spec.ports[0].port"),
            (json!({"spec": {"ports": []}}), "spec.ports"),
        ] {
            assert_eq!(difference(&wanted, &live).as_deref(), Some(place), "{wanted}");
        }
    }
}
