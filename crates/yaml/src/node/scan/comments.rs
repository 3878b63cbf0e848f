//! Which comment belongs to which token, as go-yaml decides it: by lines, empty lines and indentation.

use super::{Kind, Scanner};
use crate::node::cursor::{Place, is_blank, is_break, is_end_of_line};

/// So many blanks may stand before a comment.
const REACH: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) enum Side {
    Head,
    Line,
    Foot,
}

/// A comment that waits for its token.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) side: Side,
    pub(super) text: String,
    /// It belongs to the first token that begins here or later.
    pub(super) token: Place,
    /// Where the search for it began.
    scanned: Place,
    start: Place,
    end: Place,
}

impl Scanner<'_> {
    /// Takes the comment behind a token on its line.
    pub(super) fn line_comment(&mut self, token: Place) {
        if self.cursor.newlines > 0 {
            return;
        }
        let Some(ahead) = (0..REACH).find(|at| !is_blank(self.cursor.peek(*at))) else { return };
        if self.cursor.peek(ahead) != '#' {
            return;
        }
        (0..ahead).for_each(|_| self.cursor.step());
        let start = self.cursor.place;
        let mut text = String::new();
        self.cursor.take_line(&mut text);
        let (scanned, end) = (Place::default(), Place::default());
        self.comments.push_back(Comment { side: Side::Line, text, token, scanned, start, end });
    }

    /// `- # text` with something after it on a later line: the text is about what follows.
    pub(super) fn lift_line_comment(&mut self) {
        let at_first_item = self.ends_with(&Kind::BlockSequenceStart, &Kind::BlockEntry)
            && !is_break(self.cursor.peek(0));
        let Some(comment) = self.comments.back_mut().filter(|_| at_first_item) else { return };
        if comment.side == Side::Line {
            comment.side = Side::Head;
            if comment.start.line == self.cursor.place.line - 1 {
                comment.token = self.cursor.place;
            }
        }
    }

    /// Takes the comments that stand alone on their lines, from a `#` on.
    pub(super) fn block_comments(&mut self, scanned: Place) {
        Lines::new(self, scanned).run(self);
    }

    /// Where a block ends: before the comments that stand at its indentation, else before `block`.
    pub(super) fn end_of_block(&self, mut block: Place) -> Place {
        let mut stop = block.index;
        for comment in self.comments.iter().rev() {
            if comment.end.index < stop {
                break;
            }
            if comment.start.column == self.indent + 1 {
                block = comment.start;
            }
            stop = comment.scanned.index;
        }
        block
    }
}

/// The state of a walk over lines of comments.
struct Lines {
    scanned: Place,
    token: Place,
    after_value: bool,
    /// Where a comment must begin to be the foot of what stands before it.
    foot_line: isize,
    start: Place,
    line: isize,
    column: isize,
    text: String,
    recent_empty: bool,
    first_empty: bool,
}

impl Lines {
    fn new(scanner: &Scanner<'_>, scanned: Place) -> Self {
        let (token, after_value) = scanner.token_before_comment();
        let Place { line, column, .. } = scanner.cursor.place;
        let newlines = scanner.cursor.newlines;
        let on_content = newlines == 0 && column > 1;
        let foot_line = match scanned.line {
            1.. => line - newlines + 1 + isize::from(on_content),
            _ => -1,
        };
        Self {
            scanned,
            token,
            after_value,
            foot_line,
            start: Place::default(),
            line,
            column,
            text: String::new(),
            recent_empty: false,
            first_empty: newlines <= 1,
        }
    }

    fn run(mut self, scanner: &mut Scanner<'_>) {
        let indent = scanner.indent.max(0);
        let mut ahead = 0;
        while ahead < REACH {
            self.column += 1;
            let c = scanner.cursor.peek(ahead);
            let closes = scanner.flow > 0 && matches!(c, ']' | '}');
            if is_blank(c) {
                ahead += 1;
            } else if closes || is_end_of_line(c) {
                self.empty_line(scanner, ahead, indent, c);
                if !is_break(c) {
                    break;
                }
                self.first_empty = false;
                self.recent_empty = true;
                self.column = 0;
                self.line += 1;
                ahead += 1;
            } else {
                if self.column - 1 < indent && self.column != self.start.column {
                    // Another indentation: what was read is about what stands before.
                    self.push_foot(scanner, ahead);
                }
                if c != '#' {
                    break;
                }
                self.comment(scanner, ahead);
                // The line break behind the comment is stepped over.
                ahead = 1;
            }
        }
        let end = self.place(scanner, ahead, -1);
        let Self { scanned, start, text, .. } = self;
        if !text.is_empty() {
            let comment = Comment { side: Side::Head, text, token: start, scanned, start, end };
            scanner.comments.push_back(comment);
        }
    }

    fn place(&self, scanner: &Scanner<'_>, ahead: usize, by: isize) -> Place {
        let ahead = isize::try_from(ahead).unwrap_or_default();
        let index = scanner.cursor.place.index + ahead + by;
        Place { index, line: self.line, column: self.column }
    }

    /// An empty line, the end of the text, or the end of a flow collection.
    fn empty_line(&mut self, scanner: &mut Scanner<'_>, ahead: usize, indent: isize, c: char) {
        let closes = !is_end_of_line(c);
        if !closes && self.recent_empty {
            return;
        }
        let is_dedented = self.start.column - 1 < indent;
        let is_foot = self.start.line == self.foot_line && !self.after_value;
        if closes || (self.first_empty && (is_foot || is_dedented)) {
            if is_dedented && !self.text.is_empty() {
                self.token = self.start;
            }
            self.push_foot(scanner, ahead);
        } else if !self.text.is_empty() && c != '\0' {
            self.text.push('\n');
        }
    }

    fn push_foot(&mut self, scanner: &mut Scanner<'_>, ahead: usize) {
        if self.text.is_empty() {
            return;
        }
        let end = self.place(scanner, ahead, 0);
        scanner.comments.push_back(Comment {
            side: Side::Foot,
            text: std::mem::take(&mut self.text),
            token: self.token,
            scanned: self.scanned,
            start: self.start,
            end,
        });
        (self.scanned, self.token) = (end, end);
    }

    /// One line of a comment.
    fn comment(&mut self, scanner: &mut Scanner<'_>, ahead: usize) {
        if self.text.is_empty() {
            self.start = self.place(scanner, ahead, 0);
        } else {
            self.text.push('\n');
        }
        self.recent_empty = false;
        scanner.cursor.step_to(self.place(scanner, ahead, 0).index);
        scanner.cursor.take_line(&mut self.text);
        self.column = 0;
        self.line = scanner.cursor.place.line;
    }
}
