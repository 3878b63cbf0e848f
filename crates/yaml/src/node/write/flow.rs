use super::block::without_foot;
use super::{Emitter, Position, is_simple_key};
use crate::node::Node;

impl Emitter {
    fn open(&mut self, mark: &str, position: Position) -> Option<usize> {
        self.indicator(mark, true);
        self.whitespace = true;
        let before = self.indent;
        self.indent = Some(self.deeper(true, position));
        self.flow += 1;
        before
    }

    fn close(&mut self, mark: &str) {
        self.indicator(mark, false);
        self.write_line();
        self.write_foot();
    }

    /// A new line where a comment ended the last one. No line is too long.
    fn break_line(&mut self) {
        if self.out.column == 0 {
            self.write_indent();
        }
    }

    /// Comments end the line, so the comma stands before them. Says whether it was written.
    fn end_with_comments(&mut self, announced: bool) -> bool {
        if self.has_comments() {
            self.indicator(",", false);
        }
        self.write_line();
        self.write_foot();
        announced
    }

    pub(super) fn flow_sequence(&mut self, node: &Node, position: Position) {
        let before = self.open("[", position);
        let mut has_comma = true;
        for item in &node.content {
            self.wait_for(item, "");
            if !has_comma {
                self.indicator(",", false);
            }
            self.write_head();
            self.break_line();
            let announced = self.has_comments();
            self.begin(item, Position::Item);
            has_comma = self.end_with_comments(announced);
            self.body(item, Position::Item);
        }
        self.wait_for_end(node, "");
        self.flow -= 1;
        self.indent = before;
        self.break_line();
        self.close("]");
    }

    pub(super) fn flow_mapping(&mut self, node: &Node, position: Position) {
        let before = self.open("{", position);
        let (mut has_comma, mut tail) = (true, "");
        for entry in node.content.chunks_exact(2) {
            let (key, value) = (&entry[0], &entry[1]);
            let written = &*without_foot(key);
            self.wait_for(written, tail);
            if !has_comma {
                self.indicator(",", false);
            }
            tail = &key.comments.foot;
            self.write_head();
            self.break_line();
            self.flow_key(written);
            self.wait_for(value, "");
            let announced = self.has_comments();
            self.begin(value, Position::Value);
            has_comma = self.end_with_comments(announced);
            self.body(value, Position::Value);
        }
        self.wait_for_end(node, tail);
        let waits = !self.waiting.head.is_empty()
            || !self.waiting.foot.is_empty()
            || !self.waiting.tail.is_empty();
        if waits && !has_comma {
            self.indicator(",", false);
        }
        self.write_head();
        self.flow -= 1;
        self.indent = before;
        self.close("}");
    }

    fn flow_key(&mut self, key: &Node) {
        if is_simple_key(key) {
            self.begin(key, Position::Key);
            self.body(key, Position::Key);
            self.indicator(":", false);
        } else {
            self.indicator("?", true);
            self.begin(key, Position::Value);
            self.body(key, Position::Value);
            self.indicator(":", true);
        }
    }
}
