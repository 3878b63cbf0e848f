//! Go's path patterns (`path.Match`) over bytes. `*` and `?` match slashes too: callers that take a path apart at its
//! slashes ask for one part at a time.

/// Does the pattern match the whole text? `None` when the pattern is malformed.
pub fn glob(pattern: &[u8], text: &[u8]) -> Option<bool> {
    is_sound(pattern).then(|| matches(pattern, text))
}

/// Can the whole pattern be read, whatever the text?
fn is_sound(mut pattern: &[u8]) -> bool {
    while let Some((first, rest)) = pattern.split_first() {
        pattern = match first {
            b'[' => match class(rest, ' ') {
                Some((_, rest)) => rest,
                None => return false,
            },
            b'\\' if rest.is_empty() => return false,
            b'\\' => &rest[1..],
            _ => rest,
        };
    }
    true
}

/// Linear in the text for each star: only the last star is ever tried again.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to resume when a literal fails after the last star: one more byte for the star.
    let mut resume: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            resume = Some((rest, text));
            pattern = rest;
            continue;
        }
        if pattern.is_empty() && text.is_empty() {
            return true;
        }
        if let Some((rest_pattern, rest_text)) = step(pattern, text) {
            (pattern, text) = (rest_pattern, rest_text);
            continue;
        }
        let Some((after_star, [_, rest @ ..])) = resume else { return false };
        resume = Some((after_star, rest));
        (pattern, text) = (after_star, rest);
    }
}

/// Matches one character, or `None`.
fn step<'a>(pattern: &'a [u8], text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (wanted, rest) = pattern.split_first()?;
    match wanted {
        b'?' => Some((rest, first_char(text)?.1)),
        b'[' => {
            let (found, rest_text) = first_char(text)?;
            let (inside, rest) = class(rest, found)?;
            inside.then_some((rest, rest_text))
        }
        b'\\' => {
            let (escaped, rest) = rest.split_first()?;
            (text.first() == Some(escaped)).then(|| (rest, &text[1..]))
        }
        byte => (text.first() == Some(byte)).then(|| (rest, &text[1..])),
    }
}

/// Reads a class behind its bracket: is the character in it, and what follows? `None`: malformed.
fn class(pattern: &[u8], found: char) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let (mut inside, mut ranges) = (false, 0);
    loop {
        if let [b']', after @ ..] = rest
            && ranges > 0
        {
            return Some((inside != negated, after));
        }
        let low;
        (low, rest) = member(rest)?;
        let mut high = low;
        if let [b'-', after @ ..] = rest {
            (high, rest) = member(after)?;
        }
        inside |= (low..=high).contains(&found);
        ranges += 1;
    }
}

/// One character of a class; something must follow it.
fn member(pattern: &[u8]) -> Option<(char, &[u8])> {
    let pattern = match pattern {
        [b'-' | b']', ..] => return None,
        [b'\\', rest @ ..] => rest,
        _ => pattern,
    };
    let (found, rest) = first_char(pattern)?;
    (!rest.is_empty()).then_some((found, rest))
}

/// The first character; a byte that is not UTF-8 counts as one.
fn first_char(text: &[u8]) -> Option<(char, &[u8])> {
    let head = &text[..text.len().min(4)];
    let chunk = head.utf8_chunks().next()?;
    match chunk.valid().chars().next() {
        Some(found) => Some((found, &text[found.len_utf8()..])),
        None => Some((char::REPLACEMENT_CHARACTER, &text[1..])),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("*.gz", "a.tar.gz", true),
            ("?", "é", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[a]]", "a]", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*.yaml", "a.yaml", true),
            ("a*b*c", "aXbYc", true),
            ("v[uo]l?ano", "volcano", true),
            ("[^a-c]x", "dx", true),
        ] {
            let found = glob(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, Some(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn a_malformed_pattern_is_told_from_one_that_does_not_match() {
        for pattern in ["[", "[a", "[]a]", "[-a]", "[a-]", "\\", "a[^", "b*["] {
            assert_eq!(glob(pattern.as_bytes(), b"a"), None, "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let (pattern, text) = ("*a".repeat(1_000) + "b", "a".repeat(10_000));
        assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), Some(false));
        let (pattern, text) = ("[a-z]*".repeat(1_000) + "!", "a".repeat(10_000));
        assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), Some(false));
    }
}
