//! `KEY=value`, a line each.

use super::{flat, replace};
use crate::document::{Branch, Entry, Key, Value};

/// What the keys of the metadata begin with.
pub(super) const PREFIX: &str = "sops_";

pub(super) fn load(text: &str) -> Result<Branch, String> {
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(at, line)| match (line.strip_prefix('#'), line.split_once('=')) {
            (Some(comment), _) => Ok(Entry::comment(comment, false)),
            (None, Some((key, value))) => {
                Ok(Entry::new(key, Value::text(&value.replace("\\n", "\n"))))
            }
            (None, None) => Err(format!("invalid dotenv input line: line {} has no `=`", at + 1)),
        })
        .collect()
}

pub(super) fn emit(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for Entry { key, value } in branch {
        match key {
            Key::Comment(comment) => {
                out.push(b'#');
                out.extend_from_slice(&comment.text);
            }
            Key::Text(key) => {
                if matches!(value, Value::Map(_) | Value::List(_) | Value::Comment(_)) {
                    return Err(format!(
                        "cannot use complex value in dotenv file; offending key {key}"
                    ));
                }
                out.extend_from_slice(key.as_bytes());
                out.push(b'=');
                out.extend(replace(&flat(value), b"\n", b"\\n"));
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}
