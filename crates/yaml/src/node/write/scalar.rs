use super::tag::written_tag;
use super::{Emitter, Position};
use crate::emit::style::{self, Style};
use crate::node::{Node, NodeStyle, tags};

impl Emitter {
    pub(super) fn scalar(&mut self, node: &Node, position: Position) {
        let (text, is_key) = (node.value.as_str(), position == Position::Key);
        let style = style::allowed(wish(node), text, is_key, self.flow > 0);
        self.anchor('&', &node.anchor);
        self.tag(&written_tag(node));
        let indent = self.deeper(true, position);
        match style {
            Style::Literal | Style::Folded => self.block_scalar(text, style, indent),
            Style::Plain if text.is_empty() => self.indention = false,
            style => {
                self.indicator("", true);
                self.out.flow_scalar(text, style, indent, false);
            }
        }
    }

    fn block_scalar(&mut self, text: &str, style: Style, indent: usize) {
        self.indicator("", true);
        let mark = if style == Style::Literal { '|' } else { '>' };
        self.out.block_header(mark, text, self.layout.width);
        match self.waiting.line.is_empty() {
            true => self.new_line(),
            false => {
                // Further lines of a comment stand where the text does.
                let before = self.indent.replace(indent);
                self.write_line();
                self.indent = before;
            }
        }
        match style {
            Style::Literal => self.out.literal(text, indent),
            _ => self.out.folded(text, indent),
        }
        self.whitespace = true;
        self.indention = self.out.column == 0;
    }
}

/// The style that a scalar asks for.
fn wish(node: &Node) -> Style {
    let is_text = node.tag == "!!str" && !node.is_tagged;
    match node.style {
        NodeStyle::Double => Style::Double,
        NodeStyle::Single => Style::Single,
        NodeStyle::Literal => Style::Literal,
        NodeStyle::Folded => Style::Folded,
        NodeStyle::Plain | NodeStyle::Flow if node.value.contains('\n') => Style::Literal,
        // What was a text must not become something else.
        _ if is_text && tags::implied(&node.value) != "!!str" => Style::Double,
        _ => Style::Plain,
    }
}
