use std::borrow::Cow;

use super::{Emitter, Position, is_simple_key};
use crate::node::{Node, NodeKind, NodeStyle};

impl Emitter {
    pub(super) fn block_sequence(&mut self, node: &Node, position: Position) {
        let before = self.indent;
        let in_mapping = matches!(position, Position::Key | Position::Value);
        let is_compact = in_mapping && (self.out.column == 0 || !self.indention);
        let deeper = self.deeper(false, position);
        self.indent = match is_compact && before.is_some() && self.layout.is_compact {
            true => Some(deeper.saturating_sub(2)),
            false => Some(deeper),
        };
        for item in &node.content {
            self.wait_for(item, "");
            self.write_head();
            self.write_indent();
            self.block_indicator("-");
            self.begin(item, Position::Item);
            self.write_line();
            self.write_foot();
            self.body(item, Position::Item);
        }
        self.wait_for_end(node, "");
        self.indent = before;
    }

    pub(super) fn block_mapping(&mut self, node: &Node, position: Position) {
        let before = self.indent;
        self.indent = Some(self.deeper(false, position));
        let mut tail = "";
        for entry in node.content.chunks_exact(2) {
            let (key, value) = (&entry[0], &entry[1]);
            self.block_key(key, tail);
            tail = &key.comments.foot;
            self.wait_for(value, "");
            self.key_comment(value);
            self.begin(value, Position::Value);
            self.write_line();
            self.write_foot();
            self.body(value, Position::Value);
        }
        self.wait_for_end(node, tail);
        self.write_head();
        self.indent = before;
    }

    /// A key and its colon.
    fn block_key(&mut self, key: &Node, tail: &str) {
        let key = &*without_foot(key);
        self.wait_for(key, tail);
        self.write_head();
        self.write_indent();
        if !self.waiting.line.is_empty() {
            self.waiting.key = std::mem::take(&mut self.waiting.line);
        }
        if is_simple_key(key) {
            self.begin(key, Position::Key);
            self.body(key, Position::Key);
            self.indicator(":", false);
        } else {
            self.block_indicator("?");
            self.begin(key, Position::Value);
            self.body(key, Position::Value);
            self.write_indent();
            self.block_indicator(":");
        }
    }

    /// The comment behind `key:` stands there before a block, and else behind the value.
    fn key_comment(&mut self, value: &Node) {
        if self.waiting.key.is_empty() {
            return;
        }
        match value.kind {
            NodeKind::Scalar if self.waiting.line.is_empty() => {
                self.waiting.line = std::mem::take(&mut self.waiting.key);
            }
            NodeKind::Mapping | NodeKind::Sequence if value.style != NodeStyle::Flow => {
                std::mem::swap(&mut self.waiting.line, &mut self.waiting.key);
                self.write_line();
                std::mem::swap(&mut self.waiting.line, &mut self.waiting.key);
            }
            _ => {}
        }
    }
}

/// A key as it is written before its value: its foot comment comes after that.
pub(super) fn without_foot(key: &Node) -> Cow<'_, Node> {
    if key.comments.foot.is_empty() {
        return Cow::Borrowed(key);
    }
    let mut key = key.clone();
    key.comments.foot.clear();
    Cow::Owned(key)
}
