use super::style::{self, Style, is_break, is_printable};
use super::{INDENT, Writer};

/// The column after which a line is folded at the next space.
const WIDTH: usize = 80;

impl Writer {
    /// A string in the style that fits it. A key is never folded.
    pub(super) fn string(&mut self, text: &str, indent: usize, key: bool) {
        match style::of(text, key) {
            Style::Literal => {
                self.block_header('|', text, INDENT);
                self.put('\n');
                self.literal(text, indent);
            }
            style => self.flow_scalar(text, style, indent, !key),
        }
    }

    /// A scalar without a header.
    pub(crate) fn flow_scalar(&mut self, text: &str, style: Style, indent: usize, fold: bool) {
        match style {
            Style::Single => self.single(text, indent, fold),
            Style::Double => self.double(text, indent, fold),
            _ => self.plain(text, indent, fold),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let lone = c == ' ' && !after_space && chars.peek().is_some_and(|next| *next != ' ');
            if lone && fold && self.column > WIDTH {
                self.new_line(indent);
            } else {
                self.put(c);
            }
            after_space = c == ' ';
        }
    }

    fn single(&mut self, text: &str, indent: usize, fold: bool) {
        self.put('\'');
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let inner =
                before.is_some_and(|b| b != ' ') && chars.peek().is_some_and(|next| *next != ' ');
            if c == ' ' && inner && fold && self.column > WIDTH {
                self.new_line(indent);
            } else if is_break(c) {
                if before != Some('\n') && c == '\n' {
                    self.put('\n');
                }
                self.put(c);
            } else {
                if before.is_some_and(is_break) {
                    (0..indent).for_each(|_| self.put(' '));
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
            }
            before = Some(c);
        }
        self.put('\'');
    }

    fn double(&mut self, text: &str, indent: usize, fold: bool) {
        self.put('"');
        let mut before = None;
        // libyaml looks for a byte order mark at the start of the text, whichever character it writes.
        let is_marked = text.starts_with('\u{feff}');
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            let inner = before.is_some_and(|b| b != ' ') && next.is_some();
            if is_marked || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
            } else if c == ' ' && inner && fold && self.column > WIDTH {
                self.new_line(indent);
                if next == Some(' ') {
                    self.put('\\');
                }
            } else {
                self.put(c);
            }
            before = Some(c);
        }
        self.put('"');
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' | '\\' => c,
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let hex = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.write(&hex);
            }
        };
        self.put('\\');
        self.put(short);
    }

    /// The mark of a block scalar, and what it says about indentation and the last line break.
    pub(crate) fn block_header(&mut self, mark: char, text: &str, width: usize) {
        self.put(mark);
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.write(&width.to_string());
        }
        let mut ending = text.chars().rev();
        match (ending.next().is_some_and(is_break), ending.next().is_none_or(is_break)) {
            (false, _) => self.put('-'),
            (true, true) => self.put('+'),
            (true, false) => {}
        }
    }

    /// The lines of a literal block.
    pub(crate) fn literal(&mut self, text: &str, indent: usize) {
        let mut at_start = true;
        for c in text.chars() {
            if is_break(c) {
                at_start = true;
            } else if at_start {
                (0..indent).for_each(|_| self.put(' '));
                at_start = false;
            }
            self.put(c);
        }
    }

    /// The lines of a folded block, of which none is folded that was not.
    pub(crate) fn folded(&mut self, text: &str, indent: usize) {
        let blank = |c: char| matches!(c, ' ' | '\t');
        // libyaml looks at the first line to see whether the next one is moved in.
        let begins_with_blank = text.trim_start_matches(is_break).chars().next().is_none_or(blank);
        let (mut at_start, mut is_moved_in) = (true, true);
        for c in text.chars() {
            if is_break(c) {
                if c == '\n' && !at_start && !is_moved_in && !begins_with_blank {
                    self.put('\n');
                }
                at_start = true;
            } else if at_start {
                (0..indent).for_each(|_| self.put(' '));
                is_moved_in = blank(c);
                at_start = false;
            }
            self.put(c);
        }
    }
}
