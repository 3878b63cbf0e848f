//! A text in parts, as kustomize takes it apart before it reads any of it: at lines that begin with `---`.

use std::borrow::Cow;

use crate::YamlError;

/// One part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) text: &'a str,
    /// How many lines stand before it.
    pub(crate) line: usize,
}

/// The text with the line ends of Unix.
pub(crate) fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    match text.contains("\r\n") {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    }
}

/// The parts between the separators. One at the very start, or right after another, belongs to the part that follows.
///
/// # Errors
/// When a separator is followed by more than a comment on its line.
pub(crate) fn parts<'a>(text: &'a str, file: &str) -> Result<Vec<Part<'a>>, YamlError> {
    let mut parts = Vec::new();
    let (mut part, mut line) = (0, 0);
    while let Some(at) = text[part..].find("\n---").map(|at| part + at) {
        let Some(end) = text[at + 1..].find('\n').map(|end| at + 1 + end) else { break };
        let number = line + text[part..=at].matches('\n').count();
        let rest = text[at + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return Err(YamlError {
                file: file.to_owned(),
                line: number + 1,
                column: 1,
                message: format!("invalid document separator: {}", text[at + 1..end].trim()),
            });
        }
        parts.push(Part { text: &text[part..=at], line });
        (part, line) = (end + 1, number + 1);
    }
    parts.push(Part { text: &text[part..], line });
    Ok(parts)
}

/// Is a text in one part? One that cannot be taken apart is none.
pub fn is_one_part(text: &str) -> bool {
    parts(&with_plain_line_ends(text), "").is_ok_and(|parts| parts.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::{Part, parts};

    fn split(text: &str) -> Vec<(&str, usize)> {
        let parts = parts(text, "f").expect("valid");
        parts.into_iter().map(|Part { text, line }| (text, line)).collect()
    }

    #[test]
    fn separators_stand_between_parts() {
        assert_eq!(split("a\n---\nb\n"), [("a\n", 0), ("b\n", 2)]);
        assert_eq!(split("---\na\n--- # x\nb"), [("---\na\n", 0), ("b", 3)]);
        assert_eq!(split("a\n---\n---\nb"), [("a\n", 0), ("---\nb", 2)]);
        assert_eq!(split("a\n---"), [("a\n---", 0)]);
        assert_eq!(split(""), [("", 0)]);
    }

    #[test]
    fn a_separator_stands_alone() {
        let error = parts("a\n\n--- b\n", "f").expect_err("refused");
        assert_eq!(error.to_string(), "f:3:1: invalid document separator: --- b");
    }
}
