//! What becomes of a folded text (`>`) when kustomize writes it and reads it again, as it does with every object.
//!
//! Its writer puts a second line break behind every line that does not begin with a blank, so that reading gives the first one
//! back. Before a line that begins with a blank, and at the end of a text that keeps its line breaks, that is one too many.

/// A folded text after kustomize wrote it and read it again.
pub(crate) fn rewritten(text: &str) -> String {
    read(&written(text), text)
}

/// The lines of the block.
fn written(text: &str) -> String {
    // The writer looks at the first character of the text that is no line break where it should look at the next one.
    let doubles = text.trim_start_matches('\n').starts_with(|c| !matches!(c, ' ' | '\t'));
    let mut out = String::new();
    let (mut after_break, mut leading) = (true, true);
    for c in text.chars() {
        if c == '\n' {
            if !after_break && !leading && doubles {
                out.push('\n');
            }
            after_break = true;
        } else {
            if after_break {
                leading = matches!(c, ' ' | '\t');
            }
            after_break = false;
        }
        out.push(c);
    }
    out
}

/// The text that the lines of a block stand for; `hint` is the text by whose end the writer chose how the block ends.
fn read(block: &str, hint: &str) -> String {
    let is_blank = |line: &str| line.starts_with([' ', '\t']);
    let body = block.trim_end_matches('\n');
    let breaks = block.len() - body.len();
    let mut out = String::new();
    let mut lines = body.split('\n').peekable();
    let mut before: Option<&str> = None;
    let mut empty = 0;
    while let Some(line) = lines.next() {
        if line.is_empty() && lines.peek().is_some() {
            empty += 1;
            continue;
        }
        match before {
            Some(last) if is_blank(last) || is_blank(line) => out.push('\n'),
            Some(_) if empty == 0 => out.push(' '),
            _ => {}
        }
        out.push_str(&"\n".repeat(empty));
        out.push_str(line);
        (before, empty) = (Some(line), 0);
    }
    let kept = match hint.len() - hint.trim_end_matches('\n').len() {
        0 => 0,
        1 => 1,
        _ => breaks,
    };
    out.push_str(&"\n".repeat(kept));
    out
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn most_texts_stay() {
        for text in ["", "one line", "one line\n", "a\n\nb\nc\n", "  lead\n", "a\n\n\nb"] {
            assert_eq!(rewritten(text), text);
        }
    }

    #[test]
    fn lines_that_begin_with_a_blank_and_kept_ends_grow() {
        assert_eq!(rewritten("a\nb\n  more\n\nc\n"), "a\nb\n\n  more\n\nc\n");
        assert_eq!(rewritten("x\n\n"), "x\n\n\n");
    }
}
