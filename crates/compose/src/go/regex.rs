//! Go's regular expressions by way of `regex`: the same engine family (RE2), but `\d`, `\w`, `\s`
//! and `\b` are ASCII, brackets inside a class mean themselves, and faults read as Go's do.

use regex::Regex;
use regex_syntax::ast::{self, ErrorKind};

/// Compiles an expression in Go's syntax; the error is Go's sentence.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    if let Some(fault) = nested_repetition(pattern) {
        return Err(format!("error parsing regexp: invalid nested repetition operator: `{fault}`"));
    }
    let translated = translate(pattern);
    if let Err(error) = ast::parse::Parser::new().parse(&translated) {
        return Err(format!("error parsing regexp: {}", go_message(&error, pattern)));
    }
    Regex::new(&translated).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!(
                "error parsing regexp: expression nests too deeply or is too large: `{pattern}`"
            )
        }
        other => format!("error parsing regexp: {other}"),
    })
}

/// `a**` is an error in Go and fine in Rust.
fn nested_repetition(pattern: &str) -> Option<String> {
    let mut in_class = false;
    let mut chars = pattern.char_indices().peekable();
    let mut previous: Option<usize> = None;
    while let Some((at, c)) = chars.next() {
        let repeats = !in_class && matches!(c, '*' | '+' | '?');
        match c {
            '\\' => {
                chars.next();
            }
            '[' if !in_class => {
                in_class = true;
                // A bracket right after the opening one is a member.
                if chars.peek().is_some_and(|(_, c)| *c == '^') {
                    chars.next();
                }
                if chars.peek().is_some_and(|(_, c)| *c == ']') {
                    chars.next();
                }
            }
            ']' => in_class = false,
            _ => {}
        }
        if let (Some(start), true) = (previous, repeats) {
            return Some(pattern[start..=at].to_owned());
        }
        previous = None;
        if repeats {
            previous = Some(at);
            // One `?` after an operator makes it lazy.
            if chars.peek().is_some_and(|(_, c)| *c == '?') {
                chars.next();
            }
        }
    }
    None
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(escaped) => out.push_str(&escape(escaped, in_class)),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if rest.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            // `[:alpha:]` is the same in both; any other bracket in a class is a member.
            '[' if rest.peek() == Some(&':') => out.push('['),
            '[' => out.push_str("\\["),
            ']' if in_class && out.ends_with(':') && posix_is_open(&out) => out.push(']'),
            ']' => {
                in_class = false;
                out.push(']');
            }
            // Rust reads doubled ones as operators on classes.
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn posix_is_open(out: &str) -> bool {
    out.rfind("[:").is_some_and(|at| !out[at..].contains(']') && out.len() > at + 2)
}

fn escape(c: char, in_class: bool) -> String {
    let set = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        'D' => "^0-9",
        'W' => "^0-9A-Za-z_",
        'S' => "^\\t\\n\\f\\r ",
        'b' if !in_class => return "(?-u:\\b)".to_owned(),
        'B' if !in_class => return "(?-u:\\B)".to_owned(),
        c => return format!("\\{c}"),
    };
    format!("[{set}]")
}

fn go_message(error: &ast::Error, pattern: &str) -> String {
    let span = error.span();
    let source = error.pattern();
    let part = &source[span.start.offset..span.end.offset];
    match error.kind() {
        ErrorKind::RepetitionMissing => {
            let at = span.start.offset.min(source.len());
            let operator: String = source[at..].chars().take(1).collect();
            let operator = if operator.is_empty() { part.to_owned() } else { operator };
            format!("missing argument to repetition operator: `{operator}`")
        }
        ErrorKind::ClassUnclosed => {
            let from = pattern.rfind('[').map_or(pattern, |at| &pattern[at..]);
            format!("missing closing ]: `{from}`")
        }
        ErrorKind::GroupUnclosed => format!("missing closing ): `{pattern}`"),
        ErrorKind::GroupUnopened => format!("unexpected ): `{pattern}`"),
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression: ``".to_owned(),
        ErrorKind::EscapeUnrecognized | ErrorKind::ClassEscapeInvalid => {
            format!("invalid escape sequence: `{part}`")
        }
        ErrorKind::ClassRangeInvalid => format!("invalid character class range: `{part}`"),
        ErrorKind::RepetitionCountInvalid => format!("invalid repeat count: `{part}`"),
        ErrorKind::UnsupportedLookAround
        | ErrorKind::FlagUnrecognized
        | ErrorKind::FlagUnexpectedEof => {
            format!("invalid or unsupported Perl syntax: `{part}`")
        }
        ErrorKind::GroupNameInvalid | ErrorKind::GroupNameEmpty => {
            format!("invalid named capture: `{pattern}`")
        }
        ErrorKind::GroupNameDuplicate { .. } => format!("duplicate capture group name: `{part}`"),
        other => format!("{other}: `{part}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn faults_read_as_in_go() {
        for (pattern, message) in [
            ("?=", "missing argument to repetition operator: `?`"),
            ("[a-z", "missing closing ]: `[a-z`"),
            ("a(b", "missing closing ): `a(b`"),
            ("a)b", "unexpected ): `a)b`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("[z-a]", "invalid character class range: `z-a`"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert_eq!(error, format!("error parsing regexp: {message}"));
        }
    }

    #[test]
    fn classes_are_ascii_and_brackets_are_members() {
        for (pattern, text, found) in [
            (r"\d+", "٣4", Some("4")),
            (r"\w+", "éa_1", Some("a_1")),
            (r"[\d.]+", "v1.2", Some("1.2")),
            (r"[^\s]+", " ab ", Some("ab")),
            (r"[[]x[]]", "a[x]", Some("[x]")),
            (r"[[:alpha:]]+", "12ab", Some("ab")),
            (r"[[:alpha:]&&]+", "1&a", Some("&a")),
            (r"a*?b", "aab", Some("aab")),
            (r"^([^-])+", "commercial-prod", Some("commercial")),
            (r"(?i)PROD$", "a-prod", Some("prod")),
            (r"\bx", "ax", None),
        ] {
            let regex = compile(pattern).expect(pattern);
            assert_eq!(regex.find(text).map(|m| m.as_str()), found, "{pattern}");
        }
    }
}
