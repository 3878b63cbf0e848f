//! The grammar: a text as literal parts and expansions.

use crate::error::{SubstError, Syntax};

/// Nested substitutions deeper than this are refused.
const DEPTH: usize = 100;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Expansion(Expansion),
}

/// `${name}`, or `${name` operator operands `}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) name: String,
    pub(crate) operator: Operator,
    pub(crate) operands: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Value,
    Length,
    /// `=`, `:=`, `:-`, and `:?`, `:+`, which Flux reads as the same.
    Default,
    Slice,
    UpperFirst,
    UpperAll,
    LowerFirst,
    LowerAll,
    /// `^,` and `,^`: read and ignored.
    NoCase,
    TrimShortestPrefix,
    TrimLongestPrefix,
    TrimShortestSuffix,
    TrimLongestSuffix,
    ReplaceFirst,
    ReplaceAll,
    ReplacePrefix,
    ReplaceSuffix,
}

impl Operator {
    /// Does it take a pattern away at an end of the value?
    pub(crate) const fn trims(self) -> bool {
        matches!(
            self,
            Self::TrimShortestPrefix
                | Self::TrimLongestPrefix
                | Self::TrimShortestSuffix
                | Self::TrimLongestSuffix
        )
    }
}

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, SubstError> {
    let mut parser = Parser { text, at: 0, start: 0, depth: 0 };
    parser.top().map_err(|what| SubstError::Syntax {
        what,
        name: parser.name_at_start(),
        line: 1 + text[..parser.start].matches('\n').count(),
    })
}

/// Which characters a backslash or dollar may stand in front of, to be taken as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Dollar,
    All,
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what comes next.
    at: usize,
    /// Byte offset behind the last `${`, for errors.
    start: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next_but_one(&self) -> Option<char> {
        self.text[self.at..].chars().nth(1)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn opens(&self) -> bool {
        self.text[self.at..].starts_with("${")
    }

    fn top(&mut self) -> Result<Vec<Part>, Syntax> {
        let mut parts = Vec::new();
        while self.peek().is_some() {
            let part = if self.opens() {
                Part::Expansion(self.expansion()?)
            } else {
                Part::Text(self.literal(Escapes::Dollar, |_| true))
            };
            parts.push(part);
        }
        Ok(parts)
    }

    /// Text up to a `${`, the end, or a character that is not accepted.
    fn literal(&mut self, escapes: Escapes, accepts: impl Fn(char) -> bool) -> String {
        let mut literal = String::new();
        while let Some(next) = self.peek() {
            if self.opens() {
                break;
            }
            let following = self.next_but_one();
            let escaped = match next {
                '$' => escapes != Escapes::None && following == Some('$'),
                '\\' => escapes == Escapes::All && matches!(following, Some('/' | '\\')),
                _ => false,
            };
            if escaped {
                self.at += 1;
                literal.extend(following);
                self.at += 1;
            } else if accepts(next) {
                literal.push(next);
                self.at += next.len_utf8();
            } else {
                break;
            }
        }
        literal
    }

    fn expansion(&mut self) -> Result<Expansion, Syntax> {
        self.at += "${".len();
        self.start = self.at;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Syntax::Depth);
        }
        let expansion = if self.take('#') { self.length() } else { self.named() };
        self.depth -= 1;
        expansion
    }

    fn length(&mut self) -> Result<Expansion, Syntax> {
        let name = self.name();
        if name.is_empty() {
            return Err(Syntax::Bad);
        }
        self.close()?;
        Ok(Expansion { name, operator: Operator::Length, operands: Vec::new() })
    }

    fn named(&mut self) -> Result<Expansion, Syntax> {
        let name = self.name();
        if name.is_empty() {
            return Err(Syntax::Name);
        }
        let (operator, operands) = match self.peek() {
            Some(':') => self.after_colon()?,
            Some('=') => self.default(1)?,
            Some(',' | '^') => self.casing()?,
            Some('/') => self.replacement()?,
            Some('#' | '%') => self.removal()?,
            Some('}') => {
                self.close()?;
                (Operator::Value, Vec::new())
            }
            _ => return Err(Syntax::ClosingBrace),
        };
        Ok(Expansion { name, operator, operands })
    }

    fn name(&mut self) -> String {
        let is_part = |c: char| c.is_alphabetic() || c.is_numeric() || c == '_';
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    fn name_at_start(&self) -> String {
        Parser { text: self.text, at: self.start, start: 0, depth: 0 }.name()
    }

    fn close(&mut self) -> Result<(), Syntax> {
        if self.take('}') { Ok(()) } else { Err(Syntax::Bad) }
    }

    /// One operand: an expansion, or text of at least one character.
    fn operand(
        &mut self,
        escapes: Escapes,
        accepts: impl Fn(char) -> bool,
    ) -> Result<Part, Syntax> {
        if self.opens() {
            return Ok(Part::Expansion(self.expansion()?));
        }
        let literal = self.literal(escapes, accepts);
        if literal.is_empty() { Err(Syntax::Operand) } else { Ok(Part::Text(literal)) }
    }

    fn after_colon(&mut self) -> Result<(Operator, Vec<Part>), Syntax> {
        match self.next_but_one() {
            Some('=' | '-' | '?' | '+') => self.default(2),
            // The reference loses its place when the text ends here.
            None => Err(Syntax::Bad),
            Some(_) => self.slice(),
        }
    }

    fn default(&mut self, operator: usize) -> Result<(Operator, Vec<Part>), Syntax> {
        self.at += operator;
        let mut operands = Vec::new();
        while !self.take('}') {
            operands.push(self.operand(Escapes::None, |c| c != '}')?);
        }
        Ok((Operator::Default, operands))
    }

    fn slice(&mut self) -> Result<(Operator, Vec<Part>), Syntax> {
        self.take(':');
        let mut operands = vec![self.operand(Escapes::None, |c| c != ':' && c != '}')?];
        if self.take('}') {
            return Ok((Operator::Slice, operands));
        }
        self.at_least_one(':')?;
        operands.push(self.operand(Escapes::None, |c| c != '}')?);
        self.close()?;
        Ok((Operator::Slice, operands))
    }

    /// A delimiter, however often it is repeated.
    fn at_least_one(&mut self, delimiter: char) -> Result<(), Syntax> {
        let start = self.at;
        while self.take(delimiter) {}
        if self.at > start { Ok(()) } else { Err(Syntax::Bad) }
    }

    fn casing(&mut self) -> Result<(Operator, Vec<Part>), Syntax> {
        let operator = match (self.peek(), self.next_but_one()) {
            (Some('^'), Some('^')) => Operator::UpperAll,
            (Some(','), Some(',')) => Operator::LowerAll,
            (_, Some('^' | ',')) => Operator::NoCase,
            (Some('^'), _) => Operator::UpperFirst,
            _ => Operator::LowerFirst,
        };
        let single = matches!(operator, Operator::UpperFirst | Operator::LowerFirst);
        self.at += if single { 1 } else { 2 };
        self.close()?;
        Ok((operator, Vec::new()))
    }

    fn removal(&mut self) -> Result<(Operator, Vec<Part>), Syntax> {
        let sign = self.peek().unwrap_or_default();
        self.take(sign);
        let operator = match (sign, self.take(sign)) {
            ('#', false) => Operator::TrimShortestPrefix,
            ('#', true) => Operator::TrimLongestPrefix,
            (_, false) => Operator::TrimShortestSuffix,
            (_, true) => Operator::TrimLongestSuffix,
        };
        let pattern = self.operand(Escapes::None, |c| c != '}')?;
        self.close()?;
        Ok((operator, vec![pattern]))
    }

    fn replacement(&mut self) -> Result<(Operator, Vec<Part>), Syntax> {
        self.take('/');
        let operator = if self.take('/') {
            Operator::ReplaceAll
        } else if self.take('#') {
            Operator::ReplacePrefix
        } else if self.take('%') {
            Operator::ReplaceSuffix
        } else {
            Operator::ReplaceFirst
        };
        let mut operands = vec![self.operand(Escapes::All, |c| c != '/')?];
        self.at_least_one('/')?;
        if !self.take('}') {
            operands.push(self.operand(Escapes::All, |c| c != '}')?);
            self.close()?;
        }
        Ok((operator, operands))
    }
}
