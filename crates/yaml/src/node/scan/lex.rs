//! The tokens that are written, as granit-parser tells them.

use granit_parser::{ScalarStyle, ScanError, TokenType};

use super::Scanner;
use crate::YamlError;
use crate::node::NodeStyle;
use crate::node::cursor::Place;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum Kind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    /// `%TAG` with its handle and prefix; empty for other directives.
    Directive(String, String),
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// Handle and rest.
    Tag(String, String),
    Scalar(NodeStyle, String),
}

#[derive(Clone, Debug)]
pub(in crate::node) struct Token {
    pub(in crate::node) kind: Kind,
    pub(in crate::node) start: Place,
    pub(in crate::node) end: Place,
}

impl Scanner<'_> {
    /// The next token that is written: what it is and the index of its end.
    pub(super) fn next_physical(&mut self) -> Result<(Kind, isize), YamlError> {
        loop {
            let (span, token) = match self.lexer.next() {
                None => return Ok((Kind::StreamEnd, self.cursor.place.index)),
                Some(Err(error)) => return Err(self.scan_error(&error)),
                Some(Ok(token)) => token.into_parts(),
            };
            let is_written = !span.is_empty();
            let kind = match token {
                TokenType::StreamEnd => Kind::StreamEnd,
                TokenType::DocumentStart => Kind::DocumentStart,
                TokenType::DocumentEnd => Kind::DocumentEnd,
                TokenType::TagDirective(handle, prefix) => {
                    Kind::Directive(handle.into_owned(), prefix.into_owned())
                }
                TokenType::VersionDirective(..) | TokenType::ReservedDirective(..) => {
                    Kind::Directive(String::new(), String::new())
                }
                TokenType::FlowSequenceStart => Kind::FlowSequenceStart,
                TokenType::FlowSequenceEnd => Kind::FlowSequenceEnd,
                TokenType::FlowMappingStart if is_written => Kind::FlowMappingStart,
                TokenType::FlowMappingEnd if is_written => Kind::FlowMappingEnd,
                TokenType::BlockEntry => Kind::BlockEntry,
                TokenType::FlowEntry => Kind::FlowEntry,
                TokenType::Key if is_written => Kind::Key,
                TokenType::Value => Kind::Value,
                TokenType::Alias(name) => Kind::Alias(name.into_owned()),
                TokenType::Anchor(name) => Kind::Anchor(name.into_owned()),
                TokenType::Tag(handle, rest) => Kind::Tag(handle.into_owned(), rest.into_owned()),
                TokenType::Scalar(style, text) => Kind::Scalar(style_of(style), text.into_owned()),
                _ => continue,
            };
            let end = match kind {
                Kind::BlockEntry | Kind::Value => self.cursor.place.index + 1,
                _ => isize::try_from(span.end.index()).unwrap_or(isize::MAX),
            };
            if end < self.cursor.place.index {
                return Err(self.error(self.cursor.place, "the tokens overlap"));
            }
            return Ok((kind, end));
        }
    }

    fn scan_error(&self, error: &ScanError) -> YamlError {
        let at = error.marker();
        YamlError {
            file: self.file.to_owned(),
            line: at.line(),
            column: at.col() + 1,
            message: error.info(),
        }
    }
}

const fn style_of(style: ScalarStyle) -> NodeStyle {
    match style {
        ScalarStyle::Plain => NodeStyle::Plain,
        ScalarStyle::SingleQuoted => NodeStyle::Single,
        ScalarStyle::DoubleQuoted => NodeStyle::Double,
        ScalarStyle::Literal => NodeStyle::Literal,
        ScalarStyle::Folded => NodeStyle::Folded,
    }
}
