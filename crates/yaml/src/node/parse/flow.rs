//! Lists and maps in flow style.

use super::block::{add_key, push_value};
use super::{Kind, Parser, Result, Token, node, nothing};
use crate::node::{Comments, Node, NodeKind, NodeStyle};

impl Parser<'_> {
    pub(super) fn flow_items(&mut self, mut list: Node) -> Result<Node> {
        let mut token = self.advance()?;
        while token.kind != Kind::FlowSequenceEnd {
            if !list.content.is_empty() {
                if token.kind != Kind::FlowEntry {
                    return self.refuse(&token, "did not find expected ',' or ']'");
                }
                token = self.advance()?;
                if token.kind == Kind::FlowSequenceEnd {
                    break;
                }
            }
            let item = match token.kind {
                Kind::Key => self.pair(&token)?,
                _ => self.node(false, false)?,
            };
            list.content.push(item);
            token = self.peek()?;
        }
        self.end_of_flow(&mut list);
        Ok(list)
    }

    /// `[key: value]`: a map of one entry in a list.
    fn pair(&mut self, token: &Token) -> Result<Node> {
        let mut map = node(NodeKind::Mapping, token);
        (map.style, map.tag) = (NodeStyle::Flow, "!!map".to_owned());
        let is_end = |kind: &Kind| matches!(kind, Kind::FlowEntry | Kind::FlowSequenceEnd);
        let next = self.advance()?;
        if next.kind == Kind::Value || is_end(&next.kind) {
            return self.refuse(&next, "did not find expected node content");
        }
        let key = self.node(false, false)?;
        let moved = add_key(&mut map, key);
        // go-yaml gives an empty value the place of its colon here.
        let Token { start, .. } = self.peek()?;
        let mut value = self.flow_value(is_end)?;
        if value.tag == "!!null"
            && value.value.is_empty()
            && value.anchor.is_empty()
            && !value.is_tagged
        {
            value = nothing(start);
        }
        push_value(&mut map, moved, value);
        self.peek()?;
        Ok(map)
    }

    fn flow_value(&mut self, is_end: impl Fn(&Kind) -> bool) -> Result<Node> {
        let mut token = self.peek()?;
        if token.kind == Kind::Value {
            token = self.advance()?;
            if !is_end(&token.kind) {
                return self.node(false, false);
            }
        }
        Ok(nothing(token.start))
    }

    pub(super) fn flow_entries(&mut self, mut map: Node) -> Result<Node> {
        let is_end = |kind: &Kind| matches!(kind, Kind::FlowEntry | Kind::FlowMappingEnd);
        let mut token = self.advance()?;
        while token.kind != Kind::FlowMappingEnd {
            if !map.content.is_empty() {
                if token.kind != Kind::FlowEntry {
                    return self.refuse(&token, "did not find expected ',' or '}'");
                }
                token = self.advance()?;
                if token.kind == Kind::FlowMappingEnd {
                    break;
                }
            }
            let is_marked = token.kind == Kind::Key;
            let key = if is_marked {
                let next = self.advance()?;
                match next.kind == Kind::Value || is_end(&next.kind) {
                    true => nothing(next.start),
                    false => self.node(false, false)?,
                }
            } else {
                self.node(false, false)?
            };
            let moved = add_key(&mut map, key);
            let value = match is_marked {
                true => self.flow_value(is_end)?,
                false => nothing(self.peek()?.start),
            };
            push_value(&mut map, moved, value);
            token = self.peek()?;
        }
        self.end_of_flow(&mut map);
        Ok(map)
    }

    fn end_of_flow(&mut self, node: &mut Node) {
        let Comments { line, foot, .. } = self.comments();
        (node.comments.line, node.comments.foot) = (line, foot);
        self.skip();
    }
}
