use regex::{Regex, RegexBuilder};

/// Bytes of a compiled pattern.
const MOST_BYTES: usize = 1 << 20;

/// Does a path hold characters that make it a pattern?
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', ']'])
}

/// A pattern over whole paths, in which nothing but `**` crosses a slash.
pub(crate) struct Glob(Regex);

impl Glob {
    /// As Go's `path.Match` reads it: `*`, `?` and classes; `**` is a `*`, and braces stand for themselves.
    pub(crate) fn plain(text: &str) -> Result<Self, String> {
        Self::compile(text, false)
    }

    /// As doublestar reads it: `**` stands for any directories, and `{a,b}` for alternatives.
    pub(crate) fn double(text: &str) -> Result<Self, String> {
        Self::compile(text, true)
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }

    fn compile(text: &str, is_double: bool) -> Result<Self, String> {
        let refused = || format!("invalid glob pattern '{text}'");
        let expression = expression(text, is_double).ok_or_else(refused)?;
        let built = RegexBuilder::new(&expression).size_limit(MOST_BYTES).build();
        built.map(Self).map_err(|_| refused())
    }
}

/// The pattern as a regular expression; nothing when it is malformed.
fn expression(text: &str, is_double: bool) -> Option<String> {
    let mut out = String::from("^");
    let (mut rest, mut depth) = (text, 0usize);
    let mut begins_part = true;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        if is_double && begins_part && depth == 0 && rest.starts_with("**") {
            let after = &rest[2..];
            if let Some(after) = after.strip_prefix('/') {
                out.push_str("(?:[^/]+/)*");
                rest = after;
                continue;
            }
            if after.is_empty() {
                // `a/**` is `a` too.
                if out.ends_with('/') {
                    out.pop();
                    out.push_str("(?:/.*)?");
                } else {
                    out.push_str(".*");
                }
                rest = after;
                continue;
            }
        }
        begins_part = first == '/';
        rest = after;
        match first {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => {
                let escaped = rest.chars().next()?;
                out.push_str(&regex::escape(&escaped.to_string()));
                rest = &rest[escaped.len_utf8()..];
            }
            '[' => {
                let (class, after) = class(rest)?;
                out.push_str(&class);
                rest = after;
            }
            '{' if is_double => {
                depth += 1;
                out.push_str("(?:");
            }
            '}' if is_double => {
                depth = depth.checked_sub(1)?;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    (depth == 0).then_some(out)
}

/// A class behind its `[`, and what follows it. It never matches a slash.
fn class(text: &str) -> Option<(String, &str)> {
    let negated = text.strip_prefix(['^', '!']);
    let mut rest = negated.unwrap_or(text);
    let mut out = String::from(if negated.is_some() { "[^/" } else { "[" });
    let mut is_first = true;
    loop {
        let mut next = rest.chars().next()?;
        rest = &rest[next.len_utf8()..];
        match next {
            ']' if !is_first => break,
            '-' if !is_first && !rest.starts_with(']') => {
                out.push('-');
                continue;
            }
            '\\' => {
                next = rest.chars().next()?;
                rest = &rest[next.len_utf8()..];
            }
            '/' => return None,
            _ => {}
        }
        out.push_str(&format!("\\x{{{:x}}}", u32::from(next)));
        is_first = false;
    }
    out.push(']');
    Some((out, rest))
}

#[cfg(test)]
mod tests {
    use super::Glob;

    fn plain(pattern: &str, path: &str) -> bool {
        Glob::plain(pattern).expect(pattern).matches(path)
    }

    fn double(pattern: &str, path: &str) -> bool {
        Glob::double(pattern).expect(pattern).matches(path)
    }

    #[test]
    fn a_star_stays_in_its_part() {
        assert!(plain("a/*.yaml", "a/x.yaml") && !plain("a/*.yaml", "a/b/x.yaml"));
        assert!(plain("**", "a") && !plain("**", "a/b"));
        assert!(plain("a?[b-d]", "axc") && !plain("a?[b-d]", "axe") && !plain("[^a]", "a"));
        assert!(plain("{a,b}", "{a,b}") && plain(r"\*", "*") && !plain("a.b", "axb"));
        assert!(!plain("[^a]", "/"));
    }

    #[test]
    fn two_stars_cross_directories() {
        assert!(double("**/*.md", "x.md") && double("**/*.md", "a/b/x.md"));
        assert!(double("a/**", "a") && double("a/**", "a/b/c") && !double("a/**", "ab"));
        assert!(double("a/**/c", "a/c") && double("a/**/c", "a/b/b/c"));
        assert!(double("{a,b/*}.md", "a.md") && double("{a,b/*}.md", "b/x.md"));
        assert!(double("a**", "ab") && !double("a**", "a/b"), "two stars in a part are one");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for pattern in ["[", "[a", "\\", "[a/b]", "[z-a]"] {
            assert!(Glob::plain(pattern).is_err(), "{pattern}");
        }
        assert!(Glob::double("{a").is_err() && Glob::double("a}").is_err());
    }
}
