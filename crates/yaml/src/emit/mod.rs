//! Values to text, byte for byte as kustomize prints them.

mod scalar;
pub(crate) mod style;

use std::borrow::Cow;

use serde_json::Number;

use crate::value::{Meaning, Tag, Value};
use crate::{number, order};
use style::Style;

/// Columns by which a level is moved in.
pub(crate) const INDENT: usize = 2;
/// A key longer than this is written with `? `, as libyaml does.
pub(crate) const SIMPLE_KEY: usize = 128;

/// What can be printed.
pub trait Shown: Sized {
    /// What is to be printed of it.
    fn shape(&self) -> Shape<'_, Self>;
}

/// A value for the printer.
#[derive(Clone, Debug)]
pub enum Shape<'a, T> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Cow<'a, Number>),
    /// An integer whose digits are known.
    Digits(&'a str),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(&'a [T]),
    /// A map, in any order.
    Map(Vec<(&'a String, &'a T)>),
}

impl Shown for serde_json::Value {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(flag) => Shape::Bool(*flag),
            Self::Number(number) => Shape::Number(Cow::Borrowed(number)),
            Self::String(text) => Shape::Text(Cow::Borrowed(text)),
            Self::Array(items) => Shape::List(items),
            Self::Object(map) => Shape::Map(map.iter().collect()),
        }
    }
}

/// A value that is settled: what is not of its type is printed as a text.
impl Shown for Value {
    fn shape(&self) -> Shape<'_, Self> {
        let scalar = match self {
            Self::Array(items) => return Shape::List(items),
            Self::Object(map) => return Shape::Map(map.iter().collect()),
            Self::Scalar(scalar) => scalar,
        };
        if scalar.tag == Tag::Int
            && scalar.style == Style::Plain
            && number::is_plain_integer(&scalar.text)
        {
            return Shape::Digits(&scalar.text);
        }
        match scalar.meaning(false) {
            Ok(Meaning::Null) => Shape::Null,
            Ok(Meaning::Bool(flag)) => Shape::Bool(flag),
            Ok(Meaning::Number(number)) => Shape::Number(Cow::Owned(number)),
            Ok(Meaning::Text(text)) => Shape::Text(text),
            Err(_) => Shape::Text(Cow::Borrowed(&scalar.text)),
        }
    }
}

/// One document: sorted keys, two spaces, lists not moved in under their key, multi-line strings
/// as literal blocks, text that YAML 1.1 would take for something else in double quotes.
pub fn emit<T: Shown>(value: &T) -> String {
    let mut out = Writer::default();
    match value.shape() {
        Shape::Map(entries) if !entries.is_empty() => out.mapping(entries, 0, false),
        Shape::List(items) if !items.is_empty() => out.sequence(items, 0, false),
        leaf => out.leaf(leaf, 0),
    }
    out.text
}

/// Several documents, divided by `---`.
pub fn emit_all<'a, T: Shown + 'a>(values: impl IntoIterator<Item = &'a T>) -> String {
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
    fn mapping<T: Shown>(&mut self, mut entries: Vec<(&String, &T)>, indent: usize, inline: bool) {
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

    fn entry<T: Shown>(&mut self, value: &T, indent: usize) {
        match value.shape() {
            Shape::Map(entries) if !entries.is_empty() => {
                self.put('\n');
                self.mapping(entries, indent + INDENT, false);
            }
            Shape::List(items) if !items.is_empty() => {
                self.put('\n');
                self.sequence(items, indent, false);
            }
            leaf => {
                self.put(' ');
                self.leaf(leaf, indent + INDENT);
            }
        }
    }

    fn sequence<T: Shown>(&mut self, items: &[T], indent: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                (0..indent).for_each(|_| self.put(' '));
            }
            self.write("- ");
            self.item(item, indent + INDENT);
        }
    }

    /// A value that begins on the line that is already open.
    fn item<T: Shown>(&mut self, value: &T, indent: usize) {
        match value.shape() {
            Shape::Map(entries) if !entries.is_empty() => self.mapping(entries, indent, true),
            Shape::List(items) if !items.is_empty() => self.sequence(items, indent, true),
            leaf => self.leaf(leaf, indent),
        }
    }

    /// A value on one entry, and the line break after it. `indent` is that of its further lines.
    fn leaf<T: Shown>(&mut self, value: Shape<'_, T>, indent: usize) {
        match value {
            Shape::Null => self.write("null"),
            Shape::Bool(true) => self.write("true"),
            Shape::Bool(false) => self.write("false"),
            Shape::Number(number) => self.write(&number::format(&number)),
            Shape::Digits(digits) => self.write(digits),
            Shape::Text(text) => self.string(&text, indent, false),
            Shape::List(_) => self.write("[]"),
            Shape::Map(_) => self.write("{}"),
        }
        if self.column > 0 {
            self.put('\n');
        }
    }
}

#[cfg(test)]
mod tests;
