use std::fmt::Write;

use serde_json::{Map, Value};

/// One step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The places in a value that a pattern such as `routes[*].natGatewayId` names, without the last key.
pub(crate) fn containers(value: &Value, pattern: &str) -> Vec<Vec<Step>> {
    let mut places = vec![Vec::new()];
    let Some((parents, _)) = pattern.rsplit_once('.') else { return places };
    for segment in parents.split('.') {
        let (key, each) = match segment.strip_suffix("[*]") {
            Some(key) => (key, true),
            None => (segment, false),
        };
        for place in &mut places {
            place.push(Step::Key(key.to_owned()));
        }
        if each {
            places = places.into_iter().flat_map(|place| elements(value, &place)).collect();
        }
    }
    places.retain(|place| get(value, place).is_some_and(Value::is_object));
    places
}

fn elements(value: &Value, place: &[Step]) -> Vec<Vec<Step>> {
    let length = get(value, place).and_then(Value::as_array).map_or(0, Vec::len);
    let element = |index| place.iter().cloned().chain([Step::Index(index)]).collect();
    (0..length).map(element).collect()
}

/// The last key of a pattern.
pub(crate) fn last_key(pattern: &str) -> &str {
    pattern.rsplit('.').next().unwrap_or(pattern)
}

pub(crate) fn get<'v>(value: &'v Value, place: &[Step]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

/// Sets a key of the object at a place; a place that is no object is left alone.
pub(crate) fn set(value: &mut Value, place: &[Step], key: &str, new: Value) {
    let mut at = value;
    for step in place {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Index(index) => at.get_mut(index),
        };
        match next {
            Some(next) => at = next,
            None => return,
        }
    }
    if let Value::Object(map) = at {
        let map: &mut Map<String, Value> = map;
        map.insert(key.to_owned(), new);
    }
}

/// A place and a key as text: `routes[0].natGatewayId`.
pub(crate) fn text(place: &[Step], key: &str) -> String {
    let mut text = String::new();
    for step in place {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
        }
    }
    if !text.is_empty() {
        text.push('.');
    }
    text + key
}

/// A dotted path below a value.
pub(crate) fn dotted<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::{containers, last_key, set, text};
    use serde_json::json;

    #[test]
    fn walks_arrays() {
        let mut value = json!({"routes": [{"a": 1}, {"a": 2}], "config": {}});
        let places = containers(&value, "routes[*].natGatewayId");
        let texts: Vec<_> = places.iter().map(|place| text(place, "natGatewayId")).collect();
        assert_eq!(texts, ["routes[0].natGatewayId", "routes[1].natGatewayId"]);
        set(&mut value, &places[1], "natGatewayId", json!("nat-1"));
        assert_eq!(value["routes"], json!([{"a": 1}, {"a": 2, "natGatewayId": "nat-1"}]));
        assert_eq!(containers(&value, "config.subnetIds").len(), 1);
        assert_eq!(containers(&value, "absent[*].x").len(), 0);
        assert_eq!(containers(&value, "vpcId"), [vec![]]);
        assert_eq!(last_key("config.subnetIds"), "subnetIds");
    }
}
