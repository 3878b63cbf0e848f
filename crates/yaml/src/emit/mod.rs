//! Values to text, byte for byte as kustomize prints them.

mod scalar;
pub(crate) mod style;

use serde_json::{Map, Value};

use crate::number;
use crate::order;

/// Columns by which a level is moved in.
pub(crate) const INDENT: usize = 2;
/// A key longer than this is written with `? `, as libyaml does.
pub(crate) const SIMPLE_KEY: usize = 128;

/// One document: sorted keys, two spaces, lists not moved in under their key, multi-line strings
/// as literal blocks, text that YAML 1.1 would take for something else in double quotes.
pub fn emit(value: &Value) -> String {
    let mut out = Writer::default();
    match value {
        Value::Object(map) if !map.is_empty() => out.mapping(map, 0, false),
        Value::Array(items) if !items.is_empty() => out.sequence(items, 0, false),
        leaf => out.leaf(leaf, 0),
    }
    out.text
}

/// Several documents, divided by `---`.
pub fn emit_all<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    values.into_iter().map(emit).collect::<Vec<_>>().join("---\n")
}

#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) text: String,
    pub(crate) column: usize,
}

impl Writer {
    pub(crate) fn put(&mut self, c: char) {
        self.text.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    pub(crate) fn write(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    fn new_line(&mut self, indent: usize) {
        self.put('\n');
        (0..indent).for_each(|_| self.put(' '));
    }

    /// The entries of a map. `inline`: the first one goes on the line that is already open.
    fn mapping(&mut self, map: &Map<String, Value>, indent: usize, inline: bool) {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_by(|(a, _), (b, _)| order::natural(a, b));
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 || !inline {
                (0..indent).for_each(|_| self.put(' '));
            }
            if key.len() > SIMPLE_KEY || key.contains(style::is_break) {
                self.write("? ");
                self.string(key, indent + INDENT, false);
                if self.column > 0 {
                    self.put('\n');
                }
                (0..indent).for_each(|_| self.put(' '));
                self.write(": ");
                self.item(value, indent + INDENT);
            } else {
                self.string(key, indent + INDENT, true);
                self.put(':');
                self.entry(value, indent);
            }
        }
    }

    fn entry(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.put('\n');
                self.mapping(map, indent + INDENT, false);
            }
            Value::Array(items) if !items.is_empty() => {
                self.put('\n');
                self.sequence(items, indent, false);
            }
            leaf => {
                self.put(' ');
                self.leaf(leaf, indent + INDENT);
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                (0..indent).for_each(|_| self.put(' '));
            }
            self.write("- ");
            self.item(item, indent + INDENT);
        }
    }

    /// A value that begins on the line that is already open.
    fn item(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, indent, true),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, true),
            leaf => self.leaf(leaf, indent),
        }
    }

    /// A value on one entry, and the line break after it. `indent` is that of its further lines.
    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.write("null"),
            Value::Bool(true) => self.write("true"),
            Value::Bool(false) => self.write("false"),
            Value::Number(number) => self.write(&number::format(number)),
            Value::String(text) => self.string(text, indent, false),
            Value::Array(_) => self.write("[]"),
            Value::Object(_) => self.write("{}"),
        }
        if self.column > 0 {
            self.put('\n');
        }
    }
}

#[cfg(test)]
mod tests;
