//! How a value is shown in an error: as kustomize would print it, where a text that was empty keeps its quotes.

use capstan_yaml::Value;

/// The value as YAML. `before`: what stood there when the file was read.
pub(super) fn contents(now: &Value, before: &Value) -> String {
    let mut emptied = now.clone();
    empty(&mut emptied, before);
    let (shown, emptied) = (capstan_yaml::emit(now), capstan_yaml::emit(&emptied));
    let lines = shown.lines().zip(emptied.lines()).map(|(line, emptied)| {
        match emptied.strip_suffix("\"\"").and_then(|start| line.strip_prefix(start)) {
            Some(text) if !text.starts_with('"') => {
                format!("{}\"{text}\"\n", &line[..line.len() - text.len()])
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// Empties the texts that were empty before.
fn empty(now: &mut Value, before: &Value) {
    match (now, before) {
        (Value::Scalar(now), before) if before.as_str() == Some("") => now.text.clear(),
        (Value::Array(now), Value::Array(before)) => {
            now.iter_mut().zip(before).for_each(|(now, before)| empty(now, before));
        }
        (Value::Object(now), Value::Object(before)) => {
            for (key, now) in &mut **now {
                before.get(key).into_iter().for_each(|before| empty(now, before));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::contents;
    use capstan_yaml::Value;
    use serde_json::json;

    #[test]
    fn what_was_empty_keeps_its_quotes() {
        let before = Value::from(json!([{"a": "", "b": "x"}, {"a": ""}]));
        let now = Value::from(json!([{"a": "ns", "b": "ns", "c": "n"}, {"a": ""}]));
        assert_eq!(contents(&now, &before), "- a: \"ns\"\n  b: ns\n  c: \"n\"\n- a: \"\"\n");
    }
}
