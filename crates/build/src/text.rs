//! What printing does to texts: kustomize prints JSON and reads it again as YAML, which some characters do not survive.

use capstan_yaml::{Scalar, Value};

use crate::error::BuildError;
use crate::resources::Resources;

/// Next line: a line break for YAML, and no escape for JSON.
const NEL: char = '\u{85}';

/// Makes of every scalar what it is when it is written, and folds the texts that hold a NEL.
///
/// # Errors
/// When a text is not of the type that its tag names, or holds what YAML cannot read, or a key holds a NEL.
pub(crate) fn check(resources: &mut Resources) -> Result<(), BuildError> {
    for resource in resources.iter_mut() {
        // kustomize removes its notes from the annotations in the end, and writes all others anew.
        if let Some(Value::Object(map)) = resource.value.pointer_mut("/metadata/annotations") {
            map.set_all_bare();
        }
        if let Err(why) = resource.value.settle() {
            let message = format!("{}: {why}", resource.id());
            return Err(BuildError::new(message)
                .at(&resource.place)
                .hint("a replacement or a patch put it where a value of that type was"));
        }
        // Nearly every text is fine, and reading is cheaper than changing.
        let fault = find(&resource.value);
        let message = match fault {
            None => continue,
            Some(Fault::Control) => "control characters are not allowed",
            Some(Fault::Key) => "a key has a line break (U+0085)",
            Some(Fault::Folds) => {
                fold_all(&mut resource.value);
                continue;
            }
        };
        let message = format!("{}: {message}", resource.id());
        return Err(BuildError::new(message).at(&resource.place).hint("YAML cannot hold it"));
    }
    Ok(())
}

/// In the order of their weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Folds,
    Key,
    Control,
}

fn find(value: &Value) -> Option<Fault> {
    match value {
        Value::Scalar(scalar) => find_in(&scalar.text, Fault::Folds),
        Value::Array(items) => items.iter().filter_map(find).max(),
        Value::Object(map) => {
            let entries =
                map.iter().flat_map(|(key, value)| [find_in(key, Fault::Key), find(value)]);
            entries.flatten().max()
        }
    }
}

fn find_in(text: &str, for_nel: Fault) -> Option<Fault> {
    if text.is_ascii() && !text.contains('\u{7f}') {
        return None;
    }
    let is_control =
        |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    match text.contains(is_control) {
        true => Some(Fault::Control),
        false => text.contains(NEL).then_some(for_nel),
    }
}

fn fold_all(value: &mut Value) {
    match value {
        Value::Scalar(Scalar { text, .. }) if text.contains(NEL) => *text = fold(text),
        Value::Array(items) => items.iter_mut().for_each(fold_all),
        Value::Object(map) => map.values_mut().for_each(fold_all),
        Value::Scalar(_) => {}
    }
}

/// As a double-quoted scalar is folded: one break is a space, more are one less, and spaces around them go.
fn fold(text: &str) -> String {
    let lines: Vec<&str> = text.split(NEL).collect();
    let last = lines.len() - 1;
    let mut folded = String::with_capacity(text.len());
    let mut breaks = 0;
    for (at, line) in lines.into_iter().enumerate() {
        let line = if at == 0 { line } else { line.trim_start_matches(' ') };
        let line = if at == last { line } else { line.trim_end_matches(' ') };
        if line.is_empty() && at != 0 && at != last {
            breaks += 1;
            continue;
        }
        match breaks {
            _ if at == 0 => {}
            0 => folded.push(' '),
            breaks => folded.extend(std::iter::repeat_n('\n', breaks)),
        }
        breaks = 0;
        folded.push_str(line);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::{Fault, find, fold};
    use capstan_yaml::Value;
    use serde_json::json;

    fn value(json: serde_json::Value) -> Value {
        json.into()
    }

    #[test]
    fn next_lines_fold() {
        for (text, folded) in [
            ("a\u{85}b", "a b"),
            ("a \u{85}  b", "a b"),
            ("a\u{85}\u{85}b", "a\nb"),
            ("a\u{85} \u{85}\u{85}b", "a\n\nb"),
            ("\u{85}b", " b"),
            ("a\u{85}", "a "),
            ("a\u{85}\u{85}", "a\n"),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn the_worst_fault_is_found() {
        assert_eq!(find(&value(json!({"a": ["é"]}))), None);
        assert_eq!(find(&value(json!({"a": "x\u{85}y"}))), Some(Fault::Folds));
        assert_eq!(find(&value(json!({"a\u{85}": "x\u{85}y"}))), Some(Fault::Key));
        assert_eq!(find(&value(json!({"a\u{85}": "\u{7f}"}))), Some(Fault::Control));
    }
}
