use super::style::{self, Style, is_break, is_printable};
use super::{INDENT, Writer};

/// The column after which a line is folded at the next space.
const WIDTH: usize = 80;

impl Writer {
    /// A string in the style that fits it. A key is never folded.
    pub(super) fn string(&mut self, text: &str, indent: usize, key: bool) {
        let fold = !key;
        match style::of(text, key) {
            Style::Plain => self.plain(text, indent, fold),
            Style::Single => self.single(text, indent, fold),
            Style::Double => self.double(text, indent, fold),
            Style::Literal => self.literal(text, indent),
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
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            let inner = before.is_some_and(|b| b != ' ') && next.is_some();
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
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

    fn literal(&mut self, text: &str, indent: usize) {
        self.put('|');
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.write(&INDENT.to_string());
        }
        let mut ending = text.chars().rev();
        match (ending.next().is_some_and(is_break), ending.next().is_none_or(is_break)) {
            (false, _) => self.put('-'),
            (true, true) => self.put('+'),
            (true, false) => {}
        }
        let mut at_start = true;
        self.put('\n');
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
}
