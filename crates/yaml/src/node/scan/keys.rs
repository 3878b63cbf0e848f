//! What follows from colons and indentation: keys, and where blocks begin and end.

use super::{Kind, Scanner, Token};
use crate::node::cursor::Place;

/// What may turn out to be a key when a colon follows.
#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) is_possible: bool,
    /// Which token of the text it begins with.
    pub(super) number: usize,
    pub(super) start: Place,
}

/// A key ends within so many characters.
const KEY_REACH: isize = 1024;

impl Scanner<'_> {
    pub(super) fn head_may_be_key(&mut self) -> bool {
        let level = self.key_levels.get(&self.taken);
        level.copied().is_some_and(|level| self.is_valid_key(level))
    }

    fn is_valid_key(&mut self, level: usize) -> bool {
        let now = self.cursor.place;
        let Some(key) = self.keys.get_mut(level) else { return false };
        key.is_possible &= key.start.line == now.line && key.start.index + KEY_REACH >= now.index;
        key.is_possible
    }

    /// A colon makes a key of what stands before it.
    pub(super) fn colon(&mut self, start: Place) {
        let level = self.keys.len().saturating_sub(1);
        if self.is_valid_key(level) {
            let key = self.keys[level];
            let token = Token { kind: Kind::Key, start: key.start, end: key.start };
            self.queue.insert(key.number.saturating_sub(self.taken).min(self.queue.len()), token);
            self.roll(key.start.column, Some(key.number), Kind::BlockMappingStart, key.start);
            self.keys[level].is_possible = false;
            self.key_levels.remove(&key.number);
            self.key_allowed = false;
        } else {
            self.roll(start.column, None, Kind::BlockMappingStart, start);
            self.key_allowed = self.flow == 0;
        }
    }

    pub(super) fn save_key(&mut self, start: Place) {
        if !self.key_allowed {
            return;
        }
        self.remove_key();
        let number = self.taken + self.queue.len();
        let level = self.keys.len().saturating_sub(1);
        if let Some(key) = self.keys.last_mut() {
            *key = SimpleKey { is_possible: true, number, start };
            self.key_levels.insert(number, level);
        }
    }

    pub(super) fn remove_key(&mut self) {
        if let Some(key) = self.keys.last_mut().filter(|key| key.is_possible) {
            key.is_possible = false;
            self.key_levels.remove(&key.number);
        }
    }

    /// Begins a block at a column that lies further in; `number` is the token before which it begins.
    pub(super) fn roll(&mut self, column: isize, number: Option<usize>, kind: Kind, at: Place) {
        if self.flow > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        match number {
            Some(number) => {
                let index = number.saturating_sub(self.taken).min(self.queue.len());
                self.queue.insert(index, Token { kind, start: at, end: at });
            }
            None => self.push(kind, at, at),
        }
    }

    /// Ends the blocks that lie further in than a column.
    pub(super) fn unroll(&mut self, column: isize, from: Place) {
        let mut at = Place { index: from.index - 1, ..from };
        while self.flow == 0 && self.indent > column {
            at = self.end_of_block(at);
            self.push(Kind::BlockEnd, at, at);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
