//! A place in a text that moves on character by character.

/// Counts from zero; all in characters. Signed, because go-yaml calculates with places before the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: isize,
    pub(super) line: isize,
    pub(super) column: isize,
}

pub(super) struct Cursor {
    chars: Vec<char>,
    pub(super) place: Place,
    /// Line breaks since the last character that is no blank.
    pub(super) newlines: isize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), place: Place::default(), newlines: 0 }
    }

    /// The character that stands so many characters ahead; NUL behind the end.
    pub(super) fn peek(&self, ahead: usize) -> char {
        let at = usize::try_from(self.place.index).unwrap_or_default() + ahead;
        self.chars.get(at).copied().unwrap_or('\0')
    }

    pub(super) fn step(&mut self) {
        let c = self.peek(0);
        if c == '\0' {
            return;
        }
        let is_pair = c == '\r' && self.peek(1) == '\n';
        self.place.index += if is_pair { 2 } else { 1 };
        if is_break(c) {
            self.place.line += 1;
            self.place.column = 0;
            self.newlines += 1;
        } else {
            self.place.column += 1;
            if !is_blank(c) {
                self.newlines = 0;
            }
        }
    }

    pub(super) fn step_to(&mut self, index: isize) {
        while self.place.index < index && self.peek(0) != '\0' {
            self.step();
        }
    }

    pub(super) fn skip(&mut self, what: impl Fn(char) -> bool) {
        while what(self.peek(0)) {
            self.step();
        }
    }

    /// Takes the rest of the line.
    pub(super) fn take_line(&mut self, into: &mut String) {
        while !is_end_of_line(self.peek(0)) {
            into.push(self.peek(0));
            self.step();
        }
    }
}

pub(super) const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

pub(super) const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

pub(super) const fn is_end_of_line(c: char) -> bool {
    is_break(c) || c == '\0'
}
