//! Which style a string may take: the questions that libyaml asks of its text.

use crate::scalar::needs_quotes;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// `'text'`
    Single,
    /// `"text"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// The style of a string; `key` when it stands before a colon.
pub(super) fn of(text: &str, key: bool) -> Style {
    let wish = if text.contains('\n') && !text.contains('\t') {
        Style::Literal
    } else if text.contains('\n') || needs_quotes(text) {
        Style::Double
    } else {
        Style::Plain
    };
    allowed(wish, text, key, false)
}

/// The style that a string may take when one is wished for: before a colon, and in a flow collection.
pub(crate) fn allowed(wish: Style, text: &str, key: bool, flow: bool) -> Style {
    let shape = Shape::of(text);
    let plain = shape.plain() && !(flow && shape.flow_indicators);
    match wish {
        _ if key && shape.breaks => Style::Double,
        Style::Plain if plain && !((key || flow) && text.is_empty()) => Style::Plain,
        Style::Plain | Style::Single if shape.single() => Style::Single,
        Style::Literal | Style::Folded if shape.block() && !key && !flow => wish,
        _ => Style::Double,
    }
}

/// Can the character stand for itself? Tabs and everything beyond the basic plane cannot.
pub(crate) const fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}')
}

/// A line break for libyaml, which knows more of them than other readers.
pub(crate) const fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "ten independent findings about one text")]
struct Shape {
    empty: bool,
    indicators: bool,
    flow_indicators: bool,
    breaks: bool,
    special: bool,
    tabs: bool,
    leading: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let indicators = text.starts_with("---") || text.starts_with("...");
        let mut shape = Self {
            empty: text.is_empty(),
            indicators,
            flow_indicators: indicators,
            ..Self::default()
        };
        let last = chars.len().saturating_sub(1);
        for (at, c) in chars.iter().copied().enumerate() {
            let before = at.checked_sub(1).map(|i| chars[i]);
            shape.indicators |= is_indicator(c, before, chars.get(at + 1).copied());
            shape.flow_indicators |= matches!(c, ',' | '?' | '[' | ']' | '{' | '}' | ':');
            shape.tabs |= c == '\t';
            shape.special |= !is_printable(c) && c != '\t';
            shape.breaks |= is_break(c);
            if c == ' ' {
                shape.leading |= at == 0;
                shape.trailing_space |= at == last;
                shape.break_space |= before.is_some_and(is_break);
            } else if is_break(c) {
                shape.leading |= at == 0;
                shape.trailing_break |= at == last;
                shape.space_break |= before == Some(' ');
            }
        }
        shape
    }

    const fn plain(&self) -> bool {
        !(self.indicators
            || self.breaks
            || self.special
            || self.tabs
            || self.leading
            || self.trailing_space
            || self.trailing_break)
    }

    const fn single(&self) -> bool {
        !(self.break_space || self.space_break || self.special || self.tabs)
    }

    const fn block(&self) -> bool {
        !(self.empty || self.trailing_space || self.space_break || self.special)
    }
}

/// Would the character mean something to YAML at this place of a plain scalar?
fn is_indicator(c: char, before: Option<char>, after: Option<char>) -> bool {
    let blank = |c: Option<char>| c.is_none_or(|c| matches!(c, ' ' | '\t'));
    match (before, c) {
        (
            None,
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`',
        ) => true,
        (None, '?' | '-') | (_, ':') => blank(after),
        (Some(before), '#') => matches!(before, ' ' | '\t') || is_break(before),
        _ => false,
    }
}
