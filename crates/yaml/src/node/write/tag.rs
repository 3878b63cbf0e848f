//! Tags before nodes.

use super::Emitter;
use crate::node::{Node, NodeKind, tags};

impl Emitter {
    pub(super) fn tag(&mut self, tag: &str) {
        if tag.is_empty() {
            return;
        }
        let (mark, rest, end) = tag_parts(tag);
        self.indicator(mark, true);
        let mut bytes = [0; 4];
        for c in rest.chars() {
            if c.is_ascii_alphanumeric() || "-_;/?:@&=+$,.~*'()[]".contains(c) {
                self.out.put(c);
            } else {
                c.encode_utf8(&mut bytes)
                    .bytes()
                    .for_each(|b| self.out.write(&format!("%{b:02X}")));
            }
        }
        self.out.write(end);
    }
}

/// The tag that is written: one that the text has, or that the value does not say.
pub(super) fn written_tag(node: &Node) -> String {
    let is_said = match node.kind {
        NodeKind::Mapping => node.tag == "!!map",
        NodeKind::Sequence => node.tag == "!!seq",
        _ => node.tag == "!!str" || tags::implied(&node.value) == node.tag,
    };
    if is_said && !node.is_tagged { String::new() } else { node.tag.clone() }
}

/// The handle of a tag, the rest of it, and what stands after it.
pub(super) fn tag_parts(tag: &str) -> (&'static str, String, &'static str) {
    let long = tags::long(tag);
    if let Some(rest) = long.strip_prefix('!') {
        ("!", rest.to_owned(), "")
    } else if let Some(name) = tag.strip_prefix("!!") {
        ("!!", name.to_owned(), "")
    } else {
        ("!<", long, ">")
    }
}
