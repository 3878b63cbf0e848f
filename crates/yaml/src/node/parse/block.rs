//! Lists and maps in block style.

use super::{Kind, Parser, Place, Result, nothing};
use crate::node::{Comments, Node, NodeStyle};

impl Parser<'_> {
    /// The items of a list in block style; `ends`: its end is marked.
    pub(super) fn items(&mut self, mut list: Node, ends: bool) -> Result<Node> {
        loop {
            let token = self.peek()?;
            match token.kind {
                Kind::BlockEntry => {
                    let stem = self.waiting.head.len();
                    self.skip();
                    self.split_stem(stem)?;
                    let item = self.peek()?;
                    let is_missing = match item.kind {
                        Kind::BlockEntry | Kind::BlockEnd => true,
                        Kind::Key | Kind::Value => !ends,
                        _ => false,
                    };
                    list.content.push(match is_missing {
                        true => nothing(token.end),
                        false => self.node(true, false)?,
                    });
                }
                Kind::BlockEnd if ends => {
                    self.skip();
                    return Ok(list);
                }
                _ if !ends => return Ok(list),
                _ => return self.refuse(&token, "did not find expected '-' indicator"),
            }
        }
    }

    /// When a collection follows in an item of a list, the comment before the item is about the whole of it.
    fn split_stem(&mut self, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let next = self.peek()?.kind;
        if matches!(next, Kind::BlockSequenceStart | Kind::BlockMappingStart) {
            let rest = self.waiting.head.split_off(length);
            let rest = rest.strip_prefix('\n').unwrap_or(&rest).to_owned();
            self.stem = std::mem::replace(&mut self.waiting.head, rest);
        }
        Ok(())
    }

    /// The entries of a map in block style.
    pub(super) fn entries(&mut self, mut map: Node) -> Result<Node> {
        loop {
            let token = self.peek()?;
            match token.kind {
                Kind::Key => {
                    let key = self.entry_part(token.end)?;
                    let token = self.peek()?;
                    let push = add_key(&mut map, key);
                    let value = match token.kind {
                        Kind::Value => self.entry_part(token.end)?,
                        _ => nothing(token.start),
                    };
                    push_value(&mut map, push, value);
                }
                Kind::BlockEnd => {
                    let Comments { line, foot, .. } = self.comments();
                    self.skip();
                    map.comments.line = line;
                    match map.content.len().checked_sub(2) {
                        Some(last) if !foot.is_empty() => map.content[last].comments.foot = foot,
                        _ => map.comments.foot = foot,
                    }
                    return Ok(map);
                }
                _ => return self.refuse(&token, "did not find expected key"),
            }
        }
    }

    /// What stands behind `?` or `:`; nothing when the next entry or the end does.
    fn entry_part(&mut self, end: Place) -> Result<Node> {
        match self.advance()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => Ok(nothing(end)),
            _ => self.node(true, true),
        }
    }
}

/// Adds a key. A foot comment that it has in block style is that of the entry before it.
pub(super) fn add_key(map: &mut Node, mut key: Node) -> usize {
    let at = map.content.len();
    if map.style != NodeStyle::Flow && at >= 2 && !key.comments.foot.is_empty() {
        map.content[at - 2].comments.foot = std::mem::take(&mut key.comments.foot);
    }
    map.content.push(key);
    at
}

/// Adds the value of the key at a place. The foot comment of an entry is kept with its key.
pub(super) fn push_value(map: &mut Node, key: usize, mut value: Node) {
    let comments = &mut map.content[key].comments;
    if comments.foot.is_empty() {
        comments.foot = std::mem::take(&mut value.comments.foot);
    }
    map.content.push(value);
}
