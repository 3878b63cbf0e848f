//! Metadata in formats without nesting: `age__list_0__map_enc` is `enc` of the first item of `age`.

use std::collections::BTreeMap;

use crate::document::{Branch, Entry, Key, Value};

/// Levels that metadata has at most, and some more.
const MOST_LEVELS: usize = 32;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Default)]
struct Node {
    value: Option<Value>,
    below: BTreeMap<Step, Node>,
}

/// The nested map that the flat entries describe.
///
/// # Errors
/// When two of them contradict each other, or a list has gaps. Values are not told.
pub(crate) fn unflatten(branch: Branch) -> Result<Branch, String> {
    let mut root = Node::default();
    for Entry { key, value } in branch {
        let Key::Text(key) = key else { continue };
        let fault = |why: &str| {
            let shown: String = key.chars().take(100).collect();
            format!("Error while unflattening {shown:?}: {why}")
        };
        let steps = steps(&key).map_err(fault)?;
        let node =
            steps.into_iter().fold(&mut root, |node, step| node.below.entry(step).or_default());
        if node.value.replace(value).is_some() {
            return Err(fault("Duplicate value"));
        }
    }
    match nested(root).map_err(|why| format!("Error while unflattening: {why}"))? {
        Value::Map(branch) => Ok(branch),
        _ => Err("Error while unflattening: the metadata is not a map".to_owned()),
    }
}

fn steps(key: &str) -> Result<Vec<Step>, &'static str> {
    const MAP: &str = "__map_";
    const LIST: &str = "__list_";
    let mut steps = Vec::new();
    let (mut rest, mut is_index) = (key, false);
    loop {
        let next = [rest.find(MAP), rest.find(LIST)].into_iter().flatten().min();
        let part = next.map_or(rest, |at| &rest[..at]);
        steps.push(match is_index {
            true => Step::Index(part.parse().map_err(|_| "the index is no number")?),
            false => Step::Key(part.to_owned()),
        });
        let Some(at) = next else { return Ok(steps) };
        if steps.len() == MOST_LEVELS {
            return Err("too many levels");
        }
        is_index = rest[at..].starts_with(LIST);
        rest = &rest[at + if is_index { LIST.len() } else { MAP.len() }..];
    }
}

fn nested(node: Node) -> Result<Value, &'static str> {
    let Node { value, below } = node;
    match value {
        Some(value) if below.is_empty() => return Ok(value),
        Some(_) => return Err("Type mismatch"),
        None => {}
    }
    let (mut map, mut list) = (Branch::new(), Vec::new());
    for (step, node) in below {
        let value = nested(node)?;
        match step {
            Step::Key(key) => map.push(Entry::new(&key, value)),
            Step::Index(at) if at == list.len() => list.push(value),
            Step::Index(_) => return Err("Incomplete list"),
        }
    }
    match (map.is_empty(), list.is_empty()) {
        (_, true) => Ok(Value::Map(map)),
        (true, false) => Ok(Value::List(list)),
        (false, false) => Err("Type mismatch"),
    }
}

#[cfg(test)]
mod tests {
    use super::unflatten;
    use crate::document::{Entry, Value};

    fn entries(keys: &[&str]) -> Vec<Entry> {
        keys.iter().map(|key| Entry::new(key, Value::text(key))).collect()
    }

    #[test]
    fn steps_become_levels() {
        let branch = unflatten(entries(&["mac", "age__list_1__map_enc", "age__list_0__map_enc"]));
        let value = Value::Map(branch.expect("valid"));
        assert_eq!(value.get("mac"), Some(&Value::text("mac")));
        let age: Vec<_> = value.get("age").expect("a list").items().collect();
        assert_eq!(age[1].get("enc"), Some(&Value::text("age__list_1__map_enc")));
    }

    #[test]
    fn contradictions_are_refused() {
        for (keys, why) in [
            (vec!["a", "a"], "Duplicate value"),
            (vec!["a", "a__map_b"], "Type mismatch"),
            (vec!["a__list_0", "a__map_b"], "Type mismatch"),
            (vec!["a__list_1"], "Incomplete list"),
            (vec!["a__list_18446744073709551616"], "no number"),
            (vec!["a__list_x"], "no number"),
        ] {
            let error = unflatten(entries(&keys)).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
        let deep = "a__map_".repeat(100_000);
        assert!(unflatten(entries(&[&deep])).expect_err("deep").contains("too many levels"));
    }
}
