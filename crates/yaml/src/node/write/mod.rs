//! Nodes to text, as the encoders of go-yaml v3 write them.
//!
//! A comment does not stand where its node does: it waits until the emitter reaches a place where one may stand. That
//! is how libyaml got comments in Go, and what its bytes depend on.

mod block;
mod flow;
mod scalar;
mod tag;

use self::tag::{tag_parts, written_tag};
use super::{Node, NodeKind, NodeStyle};
use crate::emit::style::is_break;
use crate::emit::{INDENT, SIMPLE_KEY, Writer};

/// How far an encoder moves blocks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Columns of a level.
    pub(super) width: usize,
    /// Does a list stand below its key without being moved in?
    pub(super) is_compact: bool,
}

/// That of kyaml.
pub(super) const KYAML: Layout = Layout { width: INDENT, is_compact: true };

/// One document after another.
pub(super) fn text(documents: &[Node], layout: Layout) -> String {
    let mut emitter = Emitter {
        layout,
        out: Writer::default(),
        indent: None,
        foot_indent: None,
        flow: 0,
        whitespace: true,
        indention: true,
        waiting: Waiting::default(),
    };
    for (at, document) in documents.iter().enumerate() {
        if at > 0 {
            emitter.write_indent();
            emitter.indicator("---", true);
            emitter.write_indent();
        }
        emitter.document(document);
    }
    emitter.out.text
}

/// Comments that wait for their place.
#[derive(Default)]
struct Waiting {
    head: String,
    line: String,
    foot: String,
    /// The foot of the entry before.
    tail: String,
    /// The line comment of a key, which is written behind its value.
    key: String,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Root,
    Item,
    Key,
    /// A value, or a key behind `?`.
    Value,
}

struct Emitter {
    layout: Layout,
    out: Writer,
    indent: Option<usize>,
    /// The indentation of a foot comment that was just written: an empty line parts it from what follows there.
    foot_indent: Option<usize>,
    flow: usize,
    whitespace: bool,
    indention: bool,
    waiting: Waiting,
}

impl Emitter {
    fn document(&mut self, node: &Node) {
        let (content, comments) = match node.kind {
            NodeKind::Document => (node.content.first(), Some(&node.comments)),
            _ => (Some(node), None),
        };
        if let Some(comments) = comments {
            self.waiting.head.clone_from(&comments.head);
        }
        if !self.waiting.head.is_empty() {
            self.write_head();
            self.new_line();
        }
        if let Some(content) = content {
            self.wait_for(content, "");
            self.write_head();
            self.begin(content, Position::Root);
            self.write_line();
            self.write_foot();
            self.body(content, Position::Root);
        }
        if let Some(comments) = comments.filter(|comments| !comments.foot.is_empty()) {
            self.waiting.foot.clone_from(&comments.foot);
        }
        self.foot_indent = Some(0);
        self.write_foot();
        self.foot_indent = None;
        self.write_indent();
    }

    /// Puts the comments of a node that begins in the line; `tail` is the foot of the entry before it.
    fn wait_for(&mut self, node: &Node, tail: &str) {
        let is_leaf = matches!(node.kind, NodeKind::Scalar | NodeKind::Alias);
        let has_tail = matches!(node.kind, NodeKind::Scalar | NodeKind::Mapping);
        let own = &node.comments;
        replace(&mut self.waiting.head, &own.head);
        if is_leaf {
            replace(&mut self.waiting.line, &own.line);
            replace(&mut self.waiting.foot, &own.foot);
        }
        if has_tail {
            replace(&mut self.waiting.tail, tail);
        }
    }

    /// The same for the end of a collection.
    fn wait_for_end(&mut self, node: &Node, tail: &str) {
        replace(&mut self.waiting.line, &node.comments.line);
        replace(&mut self.waiting.foot, &node.comments.foot);
        replace(&mut self.waiting.tail, tail);
    }

    /// Writes a leaf, or what stands before a collection.
    fn begin(&mut self, node: &Node, position: Position) {
        match node.kind {
            NodeKind::Alias => self.anchor('*', &node.value),
            NodeKind::Scalar => self.scalar(node, position),
            NodeKind::Sequence | NodeKind::Mapping | NodeKind::Document => {
                self.anchor('&', &node.anchor);
                self.tag(&written_tag(node));
            }
        }
    }

    /// Writes what a collection holds.
    fn body(&mut self, node: &Node, position: Position) {
        let in_flow = self.flow > 0 || node.style == NodeStyle::Flow || node.content.is_empty();
        match (node.kind, in_flow) {
            (NodeKind::Sequence, true) => self.flow_sequence(node, position),
            (NodeKind::Sequence, false) => self.block_sequence(node, position),
            (NodeKind::Mapping, true) => self.flow_mapping(node, position),
            (NodeKind::Mapping, false) => self.block_mapping(node, position),
            _ => {}
        }
    }

    fn anchor(&mut self, mark: char, name: &str) {
        if !name.is_empty() {
            self.indicator(&mark.to_string(), true);
            self.out.write(name);
        }
    }

    /// Further in than where a collection or scalar stands.
    fn deeper(&self, flow: bool, position: Position) -> usize {
        let width = self.layout.width;
        match self.indent {
            None if flow => width,
            None => 0,
            // Behind `- `.
            Some(indent) if position == Position::Item && self.flow == 0 => indent + 2,
            Some(indent) => (indent / width + 1) * width,
        }
    }

    fn new_line(&mut self) {
        self.out.put('\n');
        self.indention = true;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        let column = self.out.column;
        if !self.indention || column > indent || (column == indent && !self.whitespace) {
            self.new_line();
        }
        if self.foot_indent == Some(indent) {
            self.new_line();
        }
        while self.out.column < indent {
            self.out.put(' ');
        }
        self.whitespace = true;
        self.foot_indent = None;
    }

    /// Writes a mark, with a space before it if it needs one.
    fn indicator(&mut self, mark: &str, spaced: bool) {
        if spaced && !self.whitespace {
            self.out.put(' ');
        }
        self.out.write(mark);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes `-`, `?` or `:`, behind which a block may begin on the same line.
    fn block_indicator(&mut self, mark: &str) {
        let indention = self.indention;
        self.indicator(mark, true);
        self.indention = indention;
    }

    fn write_head(&mut self) {
        let tail = std::mem::take(&mut self.waiting.tail);
        if !tail.is_empty() {
            self.write_indent();
            self.comment(&tail);
            self.foot_indent = Some(self.indent.unwrap_or(0));
        }
        let head = std::mem::take(&mut self.waiting.head);
        if !head.is_empty() {
            self.write_indent();
            self.comment(&head);
        }
    }

    fn write_line(&mut self) {
        let line = std::mem::take(&mut self.waiting.line);
        if !line.is_empty() {
            if !self.whitespace {
                self.out.put(' ');
            }
            self.comment(&line);
        }
    }

    fn write_foot(&mut self) {
        let foot = std::mem::take(&mut self.waiting.foot);
        if !foot.is_empty() {
            self.write_indent();
            self.comment(&foot);
            self.foot_indent = Some(self.indent.unwrap_or(0));
        }
    }

    /// Do comments wait that end a line?
    const fn has_comments(&self) -> bool {
        let Waiting { line, foot, tail, .. } = &self.waiting;
        !(line.is_empty() && foot.is_empty() && tail.is_empty())
    }

    fn comment(&mut self, text: &str) {
        let (mut after_break, mut is_marked) = (false, false);
        for c in text.chars() {
            if is_break(c) {
                self.new_line();
                (after_break, is_marked) = (true, false);
                continue;
            }
            if after_break {
                self.write_indent();
            }
            if !is_marked && c != '#' {
                self.out.write("# ");
            }
            self.out.put(c);
            self.indention = false;
            (after_break, is_marked) = (false, true);
        }
        if !after_break {
            self.new_line();
        }
        self.whitespace = true;
    }
}

fn replace(waiting: &mut String, comment: &str) {
    if !comment.is_empty() {
        comment.clone_into(waiting);
    }
}

/// Can the node stand before a colon without `?`?
fn is_simple_key(node: &Node) -> bool {
    let tag = match tag_parts(&written_tag(node)) {
        ("!<", rest, _) => rest.len(),
        (mark, rest, _) => mark.len() + rest.len(),
    };
    let length = match node.kind {
        NodeKind::Alias => node.value.len(),
        NodeKind::Scalar if node.value.contains(is_break) => return false,
        _ if !node.content.is_empty() => return false,
        _ => node.anchor.len() + tag + node.value.len(),
    };
    length <= SIMPLE_KEY
}
