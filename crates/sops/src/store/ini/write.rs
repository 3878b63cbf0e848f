use std::collections::HashMap;

use super::{DEFAULT, DELIMITERS};
use crate::document::{Branch, Entry, Key, Value};
use crate::store::flat;

/// A key as it is written.
struct Line<'a> {
    name: &'a str,
    value: Vec<u8>,
    comment: Option<&'a [u8]>,
}

pub(in crate::store) fn emit(documents: &[Branch]) -> Result<Vec<u8>, String> {
    let sections: Vec<_> = documents.iter().flatten().filter_map(Entry::pair).collect();
    let mut out = Vec::new();
    for (at, (name, section)) in sections.iter().enumerate() {
        let Value::Map(branch) = section else {
            return Err(
                "Error encoding section: Section values should always be TreeBranches".to_owned()
            );
        };
        if name.is_empty() {
            return Err("Error encoding section: empty section name".to_owned());
        }
        let lines = lines(branch)?;
        if let Some(Key::Comment(comment)) = branch.first().map(|entry| &entry.key) {
            write_comment(&comment.text, &mut out);
        }
        if at > 0 || !name.eq_ignore_ascii_case(DEFAULT) {
            out.extend_from_slice(format!("[{name}]\n").as_bytes());
        } else if lines.is_empty() {
            continue;
        }
        write(&lines, &mut out);
        if at + 1 < sections.len() {
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// The keys of a section. A comment follows the key that it is about.
fn lines(branch: &Branch) -> Result<Vec<Line<'_>>, String> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut places = HashMap::new();
    let mut last = None;
    for Entry { key, value } in branch {
        match key {
            Key::Comment(comment) => {
                if let Some(line) = last.and_then(|at: usize| lines.get_mut(at)) {
                    line.comment = Some(&comment.text);
                }
            }
            Key::Text(name) if name.is_empty() => {
                return Err("Error encoding key: error creating new key: empty key name".to_owned());
            }
            Key::Text(name) => {
                let at = *places.entry(name).or_insert_with(|| {
                    lines.push(Line { name, value: Vec::new(), comment: None });
                    lines.len() - 1
                });
                lines[at].value = flat(value);
                last = Some(at);
            }
        }
    }
    Ok(lines)
}

fn write(lines: &[Line<'_>], out: &mut Vec<u8>) {
    let quoted = |name: &str| name.contains('"') || name.contains(DELIMITERS);
    let width = |line: &Line<'_>| match line.name {
        name if quoted(name) => name.len() + 2,
        name if name.contains('`') => name.len() + 6,
        name => name.len(),
    };
    let widest = lines.iter().map(width).max().unwrap_or_default();
    for line in lines {
        if let Some(comment) = line.comment {
            write_comment(comment, out);
        }
        let name = match line.name {
            name if quoted(name) => format!("`{name}`"),
            name if name.contains('`') => format!("\"\"\"{name}\"\"\""),
            name => name.to_owned(),
        };
        out.extend_from_slice(name.as_bytes());
        out.extend(std::iter::repeat_n(b' ', widest.saturating_sub(name.len())));
        out.extend_from_slice(b" = ");
        let has = |marks: &[u8]| line.value.iter().any(|byte| marks.contains(byte));
        let quote: &[u8] = if has(b"\n`") {
            b"\"\"\""
        } else if has(b"#;") {
            b"`"
        } else if trimmed(&line.value).len() != line.value.len() {
            b"\""
        } else {
            b""
        };
        for part in [quote, line.value.as_slice(), quote, b"\n"] {
            out.extend_from_slice(part);
        }
    }
}

fn write_comment(comment: &[u8], out: &mut Vec<u8>) {
    if comment.is_empty() {
        return;
    }
    for line in comment.split(|byte| *byte == b'\n') {
        match line {
            [mark @ (b'#' | b';'), rest @ ..] => {
                out.extend_from_slice(&[*mark, b' ']);
                out.extend_from_slice(trimmed(rest));
            }
            line => {
                out.extend_from_slice(b"; ");
                out.extend_from_slice(trimmed(line));
            }
        }
        out.push(b'\n');
    }
}

/// Without white space around it, also that of Unicode.
fn trimmed(text: &[u8]) -> &[u8] {
    str::from_utf8(text).map_or_else(|_| text.trim_ascii(), |text| text.trim().as_bytes())
}
