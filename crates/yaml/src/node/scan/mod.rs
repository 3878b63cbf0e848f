//! Tokens in libyaml's order, with the comments between them.
//!
//! granit-parser says what the tokens are and where they end; what is derived from indentation (where blocks begin and
//! end, what is a key) is derived here again, because the place of a comment depends on when each of it is known.

mod comments;
mod keys;
mod lex;

use std::collections::{HashMap, VecDeque};

use granit_parser::{Options, StrInput};

use self::comments::Comment;
pub(super) use self::comments::Side;
use self::keys::SimpleKey;
pub(super) use self::lex::{Kind, Token};

use super::NodeStyle;
use super::cursor::{Cursor, Place, is_blank, is_break, is_end_of_line};
use crate::YamlError;

/// So many tokens are known before one is read, for the comments behind it.
const AHEAD: usize = 3;

pub(super) struct Scanner<'a> {
    lexer: granit_parser::Scanner<'a, StrInput<'a>>,
    file: &'a str,
    cursor: Cursor,
    queue: VecDeque<Token>,
    /// How many tokens were taken from the queue.
    taken: usize,
    /// The two newest tokens, taken or not.
    newest: [Option<(Kind, Place)>; 2],
    comments: VecDeque<Comment>,
    indent: isize,
    indents: Vec<isize>,
    flow: usize,
    keys: Vec<SimpleKey>,
    /// The level of the possible key that begins with a token.
    key_levels: HashMap<usize, usize>,
    key_allowed: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let mut scanner = Self {
            lexer: granit_parser::Scanner::with_options(StrInput::new(text), options),
            file,
            cursor: Cursor::new(text),
            queue: VecDeque::new(),
            taken: 0,
            newest: [None, None],
            comments: VecDeque::new(),
            indent: -1,
            indents: Vec::new(),
            flow: 0,
            keys: vec![SimpleKey::default()],
            key_levels: HashMap::new(),
            key_allowed: true,
        };
        scanner.push(Kind::StreamStart, Place::default(), Place::default());
        scanner
    }

    pub(super) fn error(&self, at: Place, message: &str) -> YamlError {
        let count = |n: isize| usize::try_from(n + 1).unwrap_or(1);
        YamlError {
            file: self.file.to_owned(),
            line: count(at.line),
            column: count(at.column),
            message: message.to_owned(),
        }
    }

    /// The next token.
    pub(super) fn peek(&mut self) -> Result<&Token, YamlError> {
        while self.queue.len() < AHEAD || self.head_may_be_key() {
            self.fetch()?;
        }
        Ok(&self.queue[0])
    }

    /// Takes the first comment that belongs to a token or to one before it.
    pub(super) fn take_comment(&mut self, token: &Token) -> Option<(Side, String)> {
        let is_end = token.kind == Kind::BlockEnd;
        let comment = self.comments.pop_front_if(|comment| {
            comment.token.index <= token.start.index && !(is_end && comment.side == Side::Head)
        })?;
        Some((comment.side, comment.text))
    }

    /// Takes the token that was looked at.
    pub(super) fn take(&mut self) -> Option<Token> {
        self.taken += 1;
        self.queue.pop_front()
    }

    fn push(&mut self, kind: Kind, start: Place, end: Place) {
        self.newest.swap(0, 1);
        self.newest[1] = Some((kind.clone(), start));
        self.queue.push_back(Token { kind, start, end });
    }

    /// Are these the newest tokens?
    fn ends_with(&self, first: &Kind, second: &Kind) -> bool {
        let is = |at: usize, kind| self.newest[at].as_ref().is_some_and(|(found, _)| found == kind);
        is(0, first) && is(1, second)
    }

    /// The token that a comment may be about, and whether it is a colon.
    fn token_before_comment(&self) -> (Place, bool) {
        let [before, last] = &self.newest;
        let is_comma = last.as_ref().is_some_and(|(kind, _)| *kind == Kind::FlowEntry);
        let token = if is_comma { before } else { last };
        token
            .as_ref()
            .map_or((Place::default(), false), |(kind, start)| (*start, *kind == Kind::Value))
    }

    fn fetch(&mut self) -> Result<(), YamlError> {
        let from = self.cursor.place;
        self.pass_blanks(from)?;
        let start = self.cursor.place;
        self.unroll(start.column, from);
        let (kind, end) = self.next_physical()?;
        match kind {
            Kind::StreamEnd => self.end_of_stream(),
            Kind::DocumentStart | Kind::DocumentEnd | Kind::Directive(..) => {
                self.unroll(-1, start);
                self.remove_key();
                self.key_allowed = false;
                self.cursor.step_to(end);
                if matches!(kind, Kind::Directive(..)) {
                    self.cursor.skip(|c| !is_end_of_line(c));
                    self.cursor.step();
                }
                self.push(kind, start, self.cursor.place);
            }
            kind => {
                let about_last = (self.flow == 0 && kind == Kind::Value)
                    || (self.flow > 0 && kind == Kind::FlowEntry);
                let last = self.newest[1].as_ref().map(|(_, start)| *start);
                let token = last.filter(|_| about_last).unwrap_or(start);
                let is_entry = kind == Kind::BlockEntry;
                self.content(kind, start, end)?;
                if !is_entry {
                    self.line_comment(token);
                }
            }
        }
        Ok(())
    }

    /// Steps over blanks, line breaks and comments.
    fn pass_blanks(&mut self, from: Place) -> Result<(), YamlError> {
        loop {
            let tabs = self.flow > 0 || !self.key_allowed;
            self.cursor.skip(|c| c == ' ' || (tabs && c == '\t'));
            self.lift_line_comment();
            if self.cursor.peek(0) == '#' {
                self.block_comments(from);
            }
            if self.cursor.peek(0) == '\t' {
                let message = "found character that cannot start any token";
                return Err(self.error(self.cursor.place, message));
            }
            if !is_break(self.cursor.peek(0)) {
                return Ok(());
            }
            self.cursor.step();
            self.key_allowed |= self.flow == 0;
        }
    }

    fn end_of_stream(&mut self) {
        if self.cursor.place.column != 0 {
            self.cursor.place.column = 0;
            self.cursor.place.line += 1;
        }
        let end = self.cursor.place;
        self.unroll(-1, end);
        self.remove_key();
        self.key_allowed = false;
        self.push(Kind::StreamEnd, end, end);
    }

    fn content(&mut self, kind: Kind, start: Place, end: isize) -> Result<(), YamlError> {
        let in_block = self.flow == 0;
        match &kind {
            Kind::FlowSequenceStart | Kind::FlowMappingStart => {
                self.save_key(start);
                let number = self.taken + self.queue.len();
                self.keys.push(SimpleKey { is_possible: false, number, start });
                self.flow += 1;
                self.key_allowed = true;
            }
            Kind::FlowSequenceEnd | Kind::FlowMappingEnd => {
                self.remove_key();
                if let Some(key) = self.keys.pop_if(|_| self.flow > 0) {
                    self.key_levels.remove(&key.number);
                    self.flow -= 1;
                }
                self.key_allowed = false;
            }
            Kind::FlowEntry => {
                self.remove_key();
                self.key_allowed = true;
            }
            Kind::BlockEntry => {
                self.roll(start.column, None, Kind::BlockSequenceStart, start);
                self.remove_key();
                self.key_allowed = true;
            }
            Kind::Key => {
                self.roll(start.column, None, Kind::BlockMappingStart, start);
                self.remove_key();
                self.key_allowed = in_block;
            }
            Kind::Value => self.colon(start),
            Kind::Scalar(style @ (NodeStyle::Literal | NodeStyle::Folded), _) => {
                let style = *style;
                self.remove_key();
                self.key_allowed = true;
                return self.block_scalar(style, kind, start, end);
            }
            Kind::Scalar(style, _) => {
                let is_plain = *style == NodeStyle::Plain;
                self.save_key(start);
                self.key_allowed = false;
                self.cursor.step_to(end);
                let end = self.cursor.place;
                if is_plain {
                    self.cursor.skip(|c| is_blank(c) || is_break(c));
                    self.key_allowed = self.cursor.place.line > end.line;
                }
                self.push(kind, start, end);
                return Ok(());
            }
            _ => {
                self.save_key(start);
                self.key_allowed = false;
            }
        }
        self.cursor.step_to(end);
        self.push(kind, start, self.cursor.place);
        Ok(())
    }

    fn block_scalar(
        &mut self,
        style: NodeStyle,
        kind: Kind,
        start: Place,
        end: isize,
    ) -> Result<(), YamlError> {
        let mark = if style == NodeStyle::Literal { '|' } else { '>' };
        if self.cursor.peek(0) != mark {
            return Err(self.error(start, "a block scalar was expected here"));
        }
        let mut is_moved_in_by = false;
        while !is_blank(self.cursor.peek(0)) && !is_end_of_line(self.cursor.peek(0)) {
            is_moved_in_by |= self.cursor.peek(0).is_ascii_digit();
            self.cursor.step();
        }
        self.line_comment(start);
        self.cursor.skip(|c| !is_end_of_line(c));
        self.cursor.skip(|c| matches!(c, ' ' | '\n' | '\r'));
        let column = self.cursor.place.column;
        if self.cursor.peek(0) == '\t' && !is_moved_in_by && self.cursor.place.index < end {
            let message = "found a tab character where an indentation space is expected";
            return Err(self.error(self.cursor.place, message));
        }
        self.cursor.step_to(end);
        let end = self.cursor.place;
        self.cursor.skip(|c| is_blank(c) || is_break(c));
        self.push(self.without_missing_break(kind, column), start, end);
        Ok(())
    }

    /// The last line of a block scalar has a break only where the text has one. `column` is that of its lines.
    fn without_missing_break(&self, kind: Kind, column: isize) -> Kind {
        let is_missing = self.cursor.newlines == 0
            || (self.cursor.peek(0) == '\0' && self.cursor.place.column > column);
        match kind {
            Kind::Scalar(style, mut text) if is_missing => {
                text.truncate(text.strip_suffix('\n').map_or(text.len(), str::len));
                Kind::Scalar(style, text)
            }
            kind => kind,
        }
    }
}
