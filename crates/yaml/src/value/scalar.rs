use std::borrow::Cow;

use base64::Engine as _;
use serde_json::Number;

use crate::emit::style::{self, Style};
use crate::{Node, NodeStyle, folded, number, timestamp};

const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const TRUES: [&str; 3] = ["true", "True", "TRUE"];
const FALSES: [&str; 3] = ["false", "False", "FALSE"];

/// The type that a scalar says to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    /// It says nothing: the type is found in the text when it is written.
    #[default]
    None,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`, and what nobody knows.
    Text,
    /// `!!timestamp`
    Time,
    /// `!!binary`
    Binary,
    /// `!!merge`: a plain `<<` where a value stands.
    Merge,
}

impl Tag {
    /// The type that a plain scalar has by its text.
    pub fn implied(text: &str) -> Self {
        let Some(first) = text.bytes().next() else { return Self::Null };
        match first {
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                if number::is_plain_integer(text) {
                    Self::Int
                } else if timestamp::parse(text).is_some() {
                    Self::Time
                } else if number::is_infinite(text) {
                    Self::Float
                } else {
                    match number::parse(text) {
                        Some(_) if number::is_integer(text) => Self::Int,
                        Some(_) => Self::Float,
                        None => Self::Text,
                    }
                }
            }
            b'~' | b'n' | b'N' if NULLS.contains(&text) => Self::Null,
            b't' | b'T' if TRUES.contains(&text) => Self::Bool,
            b'f' | b'F' if FALSES.contains(&text) => Self::Bool,
            _ => Self::Text,
        }
    }

    /// The tag of a name such as `!!int`; one without a name says nothing.
    pub fn of_name(name: &str) -> Self {
        match name {
            "" => Self::None,
            "!!null" => Self::Null,
            "!!bool" => Self::Bool,
            "!!int" => Self::Int,
            "!!float" => Self::Float,
            "!!timestamp" => Self::Time,
            "!!binary" => Self::Binary,
            "!!merge" => Self::Merge,
            _ => Self::Text,
        }
    }

    /// As YAML writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None | Self::Text => "!!str",
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Time => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
        }
    }
}

/// A single value as it is spelled: a text, the type that it says to have, and the style in which it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    /// The text.
    pub text: String,
    /// The type.
    pub tag: Tag,
    /// The style.
    pub style: Style,
    /// Is the tag written before the text, whatever the text says?
    pub is_tagged: bool,
}

/// What a scalar means to whoever reads what is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
}

impl Scalar {
    /// A text. One of several lines is a block.
    pub fn of_text(text: String) -> Self {
        let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
        Self { text, tag: Tag::Text, style, is_tagged: false }
    }

    /// A scalar that does not say its type.
    pub fn bare(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    /// A plain scalar of a type.
    pub fn typed(text: String, tag: Tag) -> Self {
        Self { text, tag, ..Self::default() }
    }

    /// Is it a text, as far as its tag says?
    pub fn is_text(&self) -> bool {
        matches!(self.tag, Tag::Text | Tag::None)
    }

    /// It as a node.
    pub fn node(&self) -> Node {
        let style = match self.style {
            Style::Plain => NodeStyle::Plain,
            Style::Double => NodeStyle::Double,
            Style::Single => NodeStyle::Single,
            Style::Literal => NodeStyle::Literal,
            Style::Folded => NodeStyle::Folded,
        };
        let tag = if self.tag == Tag::None { "" } else { self.tag.name() };
        let is_tagged = self.is_tagged;
        Node { style, tag: tag.to_owned(), is_tagged, ..Node::scalar(&self.text) }
    }

    /// The text as YAML writes it, without what is blank around it.
    pub fn yaml(&self) -> String {
        self.node().write().trim().to_owned()
    }

    /// Would a reader of YAML 1.1 take the text for something else when it stands unquoted?
    pub(crate) fn is_something_in_1_1(&self) -> bool {
        !self.text.is_empty() && !self.text.contains('\n') && crate::scalar::is_no_text(&self.text)
    }

    /// Is it written in quotes in braces, though it says that it is plain?
    pub(crate) fn is_quoted_in_flow(&self) -> bool {
        self.style == Style::Plain
            && style::allowed(Style::Plain, &self.text, false, true) != Style::Plain
    }

    /// What it means. `in_flow`: it stands in braces.
    ///
    /// # Errors
    /// When the text is not of the type that the tag names, or has no JSON value.
    pub(crate) fn meaning(&self, in_flow: bool) -> Result<Meaning<'_>, String> {
        let text = self.text.as_str();
        if self.tag == Tag::Text && (self.is_tagged || self.style != Style::Folded) {
            return Ok(Meaning::Text(Cow::Borrowed(text)));
        }
        let implied = Tag::implied(text);
        let is_said = self.tag != Tag::None && (self.is_tagged || self.tag != implied);
        if is_said && self.tag != Tag::Text {
            return self.decoded(implied);
        }
        match self.style {
            Style::Plain if !(in_flow && self.is_quoted_in_flow()) => typed(text, implied),
            Style::Folded
                if !in_flow
                    && style::allowed(Style::Folded, text, false, false) == Style::Folded =>
            {
                Ok(Meaning::Text(Cow::Owned(folded::rewritten(text))))
            }
            _ => Ok(Meaning::Text(Cow::Borrowed(text))),
        }
    }

    /// What a text means whose tag is written.
    fn decoded(&self, implied: Tag) -> Result<Meaning<'_>, String> {
        let text = self.text.as_str();
        let fits = match self.tag {
            Tag::Binary => return decode(text).map(|text| Meaning::Text(Cow::Owned(text))),
            Tag::Merge => return Ok(Meaning::Text(Cow::Borrowed(text))),
            Tag::Float => matches!(implied, Tag::Int | Tag::Float),
            tag => tag == implied,
        };
        match fits {
            true => typed(text, implied),
            false => {
                let (was, is) = (implied.name(), self.tag.name());
                Err(format!("cannot decode {was} `{text}` as a {is}"))
            }
        }
    }
}

fn typed(text: &str, tag: Tag) -> Result<Meaning<'_>, String> {
    let number = || match number::parse(text) {
        Some(number) => Ok(Meaning::Number(number)),
        None => Err(format!("`{text}` has no JSON value; quote it to keep the text")),
    };
    match tag {
        Tag::Null => Ok(Meaning::Null),
        Tag::Bool => Ok(Meaning::Bool(TRUES.contains(&text))),
        Tag::Int | Tag::Float => number(),
        Tag::Time => {
            let time = timestamp::parse(text).map_or(Cow::Borrowed(text), Cow::Owned);
            Ok(Meaning::Text(time))
        }
        Tag::None | Tag::Text | Tag::Binary | Tag::Merge => Ok(Meaning::Text(Cow::Borrowed(text))),
    }
}

/// Bytes as a text. As in Go's JSON, each byte that is none of UTF-8 is replaced for itself.
fn lossy(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    while let Some(chunk) = bytes.utf8_chunks().next() {
        text.push_str(chunk.valid());
        bytes = &bytes[chunk.valid().len()..];
        if let [_, rest @ ..] = bytes {
            text.push(char::REPLACEMENT_CHARACTER);
            bytes = rest;
        }
    }
    text
}

/// The text that is packed as base64.
pub(crate) fn decode(text: &str) -> Result<String, String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|error| format!("`!!binary` is not base64: {error}"))?;
    Ok(lossy(&bytes))
}
