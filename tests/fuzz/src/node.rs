//! YAML as it is spelled: what is made small after a difference was found, without losing how it was written.

use serde_json::Value;

/// A part of a document with its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A scalar of one line, as it is spelled.
    Scalar(String),
    /// A block scalar: its header, and its lines from the left edge of the block.
    Block { header: String, lines: Vec<String> },
    /// A text that is a document itself, as a literal block.
    Text(Box<Node>),
    /// Keys, as they are spelled, and values.
    Map { entries: Vec<(String, Node)>, flow: bool },
    /// A list.
    Seq { items: Vec<Node>, flow: bool },
    /// An anchor or a tag, and what it stands before.
    Marked(String, Box<Node>),
}

/// The key of an object that stands for [`Node::Text`] in a value.
pub(crate) const TEXT: &str = "@text";
/// The key of an object that stands for a [`Node::Scalar`] spelled as given.
pub(crate) const SPELLED: &str = "@spelled";

impl Node {
    /// A value in block style, with plain scalars where they are safe.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Scalar(spelled(text)),
            Value::Array(items) => {
                Self::Seq { items: items.iter().map(Self::of).collect(), flow: items.is_empty() }
            }
            Value::Object(map) => match map.iter().next() {
                Some((key, inner)) if key == TEXT => Self::Text(Box::new(Self::of(inner))),
                Some((key, Value::String(inner))) if key == SPELLED => Self::Scalar(inner.clone()),
                _ => Self::Map {
                    entries: map.iter().map(|(k, v)| (spelled(k), Self::of(v))).collect(),
                    flow: map.is_empty(),
                },
            },
            other => Self::Scalar(other.to_string()),
        }
    }

    /// The parts directly below.
    pub(crate) fn children(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Scalar(_) | Self::Block { .. } => Vec::new(),
            Self::Text(inner) | Self::Marked(_, inner) => vec![inner],
            Self::Map { entries, .. } => entries.iter_mut().map(|(_, value)| value).collect(),
            Self::Seq { items, .. } => items.iter_mut().collect(),
        }
    }
}

/// A text as a scalar of one line that every reader takes for this text.
pub(crate) fn spelled(text: &str) -> String {
    let mut chars = text.chars();
    let is_safe = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !capstan_yaml::needs_quotes(text);
    if is_safe { text.to_owned() } else { double(text) }
}

/// A text in double quotes.
pub(crate) fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || c == '\u{feff}' => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text in single quotes, which only a text of one line can be in.
pub(crate) fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as a literal block.
pub(crate) fn literal(text: &str) -> Node {
    let body = text.trim_end_matches('\n');
    let breaks = text.len() - body.len();
    let mut header = String::from("|");
    if text.starts_with([' ', '\n', '\t']) || body.is_empty() {
        header.push('2');
    }
    header.push_str(match (breaks, body.is_empty()) {
        (0, _) => "-",
        (1, false) => "",
        _ => "+",
    });
    let mut lines: Vec<String> = body.split('\n').map(str::to_owned).collect();
    lines.extend((1..breaks).map(|_| String::new()));
    Node::Block { header, lines }
}
