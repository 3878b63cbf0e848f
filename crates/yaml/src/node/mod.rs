//! YAML as it is spelled: a tree of nodes that keeps styles, order, anchors, tags and comments.
//!
//! It is the tree of go-yaml v3, with which kustomize changes YAML inside of texts: [`Node::read`] attaches a comment
//! where go-yaml does, and [`Node::write`] gives the bytes of kyaml's encoder.

mod cursor;
mod parse;
mod scan;
mod tags;
mod write;

use crate::YamlError;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A whole text; its content is one node.
    Document,
    /// A list.
    Sequence,
    /// A map; its content is key, value, key, value.
    Mapping,
    /// A text, number, boolean or null, all as text.
    Scalar,
    /// `*name`.
    Alias,
}

/// How a node is spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeStyle {
    /// A plain scalar, or a collection in block style.
    #[default]
    Plain,
    /// `"text"`
    Double,
    /// `'text'`
    Single,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// `[a]` and `{a: b}`
    Flow,
}

/// The comments of a node with their `#`, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// What stands on the lines before the node.
    pub head: String,
    /// What stands behind it on its line.
    pub line: String,
    /// What stands on the lines after it, before an empty one.
    pub foot: String,
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// How it is spelled.
    pub style: NodeStyle,
    /// Is the tag written in the text?
    pub is_tagged: bool,
    /// The tag in its short form, such as `!!str`. Without one, it follows from the value.
    pub tag: String,
    /// The text of a scalar, or the anchor that an alias means.
    pub value: String,
    /// The anchor that stands before the node.
    pub anchor: String,
    /// What it holds.
    pub content: Vec<Node>,
    /// Its comments.
    pub comments: Comments,
    /// The line where it begins, from one; 0 when it was made.
    pub line: usize,
    /// The column where it begins, from one and in characters; 0 when it was made.
    pub column: usize,
}

impl Node {
    /// A node that no text has.
    pub fn new(kind: NodeKind) -> Self {
        Self {
            kind,
            style: NodeStyle::Plain,
            is_tagged: false,
            tag: String::new(),
            value: String::new(),
            anchor: String::new(),
            content: Vec::new(),
            comments: Comments::default(),
            line: 0,
            column: 0,
        }
    }

    /// A plain scalar without a tag.
    pub fn scalar(value: &str) -> Self {
        Self { value: value.to_owned(), ..Self::new(NodeKind::Scalar) }
    }

    /// The first document of a text, and nothing for a text without any. `file` names the text in errors.
    ///
    /// # Errors
    /// The first fault of the syntax. What a value means is not looked at: a key may be given twice.
    pub fn read(text: &str, file: &str) -> Result<Option<Self>, YamlError> {
        parse::document(text, file)
    }

    /// All documents of a text.
    ///
    /// # Errors
    /// As [`Node::read`].
    pub fn read_all(text: &str, file: &str) -> Result<Vec<Self>, YamlError> {
        parse::documents(text, file)
    }

    /// The text of the node as kyaml writes it: two spaces, lists not moved in under their key.
    pub fn write(&self) -> String {
        write::text(std::slice::from_ref(self), write::KYAML)
    }

    /// The text of documents as go-yaml v3 writes it with this many spaces a level: lists are moved in under their key.
    pub fn write_all(documents: &[Self], width: usize) -> String {
        write::text(documents, write::Layout { width: width.clamp(2, 9), is_compact: false })
    }
}

#[cfg(test)]
mod tests;
