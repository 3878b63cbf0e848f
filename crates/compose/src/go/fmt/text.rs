use super::spec::Spec;

/// Writes a text padded to the width.
pub(super) fn pad(out: &mut String, spec: &Spec, text: &str) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    let fill = if spec.zero { '0' } else { ' ' };
    if !spec.minus {
        out.extend(std::iter::repeat_n(fill, missing));
    }
    out.push_str(text);
    if spec.minus {
        out.extend(std::iter::repeat_n(' ', missing));
    }
}

/// A string under a verb; false when the verb is not for strings.
pub(super) fn string(out: &mut String, spec: &Spec, verb: char, text: &str) -> bool {
    let cut: String = match spec.precision {
        Some(runes) => text.chars().take(runes).collect(),
        None => text.to_owned(),
    };
    match verb {
        'v' if spec.sharp => pad(out, spec, &quote(&cut)),
        's' | 'v' => pad(out, spec, &cut),
        'q' if spec.sharp && !cut.contains('`') && !cut.chars().any(char::is_control) => {
            pad(out, spec, &format!("`{cut}`"));
        }
        'q' => pad(out, spec, &quote(&cut)),
        'x' | 'X' => {
            let bytes = text.as_bytes();
            let bytes = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
            pad(out, spec, &digits(bytes, spec, verb == 'X'));
        }
        _ => return false,
    }
    true
}

fn digits(bytes: &[u8], spec: &Spec, upper: bool) -> String {
    let prefix = match (spec.sharp, upper) {
        (true, false) => "0x",
        (true, true) => "0X",
        _ => "",
    };
    let hex = |bytes: &[u8]| if upper { hex::encode_upper(bytes) } else { hex::encode(bytes) };
    if spec.space {
        let each: Vec<String> = bytes.iter().map(|b| format!("{prefix}{}", hex(&[*b]))).collect();
        return each.join(" ");
    }
    if bytes.is_empty() { String::new() } else { format!("{prefix}{}", hex(bytes)) }
}

/// Go's double-quoted form.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if c == '"' {
            out.push('\\');
            out.push('"');
        } else {
            out.push_str(&escaped(c));
        }
    }
    out.push('"');
    out
}

/// Go's single-quoted form of one character.
pub(super) fn quote_char(c: char) -> String {
    if c == '\'' { "'\\''".to_owned() } else { format!("'{}'", escaped(c)) }
}

fn escaped(c: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}
