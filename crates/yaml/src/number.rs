//! Numbers as Go's YAML libraries read them and as Go prints them.

use serde_json::Number;

/// Digits that every integer of 64 bits can have.
const SAFE_DIGITS: usize = 18;

/// Above this, a whole float no longer fits the widest integer that a manifest can hold.
const WHOLE_LIMIT: f64 = 18_446_744_073_709_551_616.0;

/// The number that a plain scalar spells, or `None` when it spells none.
///
/// Integers may have a sign, underscores and the prefixes `0x`, `0o`, `0b` and `0` (octal).
pub(crate) fn parse(text: &str) -> Option<Number> {
    let first = text.chars().next()?;
    if is_plain_integer(text) {
        return text.parse::<u64>().ok().map(Number::from);
    }
    // What begins with a dot is read by another function, which knows no underscores.
    if first == '.' {
        return float(text);
    }
    if !(first.is_ascii_digit() || matches!(first, '+' | '-')) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    integer(&plain).or_else(|| float(&plain))
}

/// Is it an integer as every program writes it: digits that do not begin with a zero?
pub(crate) fn is_plain_integer(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits && (1..=SAFE_DIGITS).contains(&text.len()) && (text == "0" || !text.starts_with('0'))
}

/// Is the number written as an integer?
pub(crate) fn is_integer(text: &str) -> bool {
    integer(&text.replace('_', "")).is_some()
}

fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return Some(0_i64.checked_sub_unsigned(size)?.into());
    }
    Some(size.into())
}

fn float(text: &str) -> Option<Number> {
    if !is_float(text) {
        return None;
    }
    whole_or_float(text.parse().ok()?)
}

/// `[-+]? ( .digits | digits [.digits*] ) ( [eE] [-+]? digits )?`
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa_ok && exponent_ok
}

/// A whole float becomes an integer: Go's JSON prints `1.0` as `1`.
fn whole_or_float(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < WHOLE_LIMIT {
        // The shortest digits of the float, and zeros after them.
        let digits = value.to_string();
        if let Ok(unsigned) = digits.parse::<u64>() {
            return Some(unsigned.into());
        }
        if let Ok(signed) = digits.parse::<i64>() {
            return Some(signed.into());
        }
    }
    Number::from_f64(value)
}

/// A number as Go prints it: the shortest form, an exponent below 1e-4 and from 1e6 on.
pub(crate) fn format(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let Some(value) = number.as_f64() else { return number.to_string() };
    match whole_or_float(value).filter(|number| !number.is_f64()) {
        Some(whole) => whole.to_string(),
        None => shortest(value),
    }
}

/// Does the text spell what is no finite number?
pub(crate) fn is_infinite(text: &str) -> bool {
    const NOT_FINITE: [&str; 12] = [
        ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
        ".NaN", ".NAN",
    ];
    NOT_FINITE.contains(&text)
}

/// A number as Go writes it in JSON.
pub(crate) fn in_json(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_in_json(float),
        _ => number.to_string(),
    }
}

/// A float as Go writes it in JSON: with an exponent below 1e-6 and from 1e21 on.
pub fn float_in_json(value: f64) -> String {
    if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        return format!("{value}");
    }
    let scientific = format!("{value:e}");
    if scientific.contains("e-") { scientific } else { scientific.replace('e', "e+") }
}

/// A float in as few digits as one of 32 bits needs, with an exponent as [`shortest`] has it.
pub fn shortest_single(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the digits of the rounded float are wanted"
    )]
    let single = value as f32;
    if single.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // The few digits of a float of 32 bits are those of one of 64, too.
    single.to_string().parse().map(shortest).unwrap_or_default()
}

/// A float in as few digits as it needs, with an exponent below 1e-4 and from 1e6 on.
pub fn shortest(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use serde_json::{Number, json};

    #[test]
    fn reads_the_spellings_of_go() {
        for (text, value) in [
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("08", json!(8)),
            ("1_000", json!(1000)),
            ("0b101", json!(5)),
            ("0x1F", json!(31)),
            ("-0x10", json!(-16)),
            ("+12", json!(12)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("1.10", json!(1.1)),
            (".5", json!(0.5)),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(json!(parse(text)), value, "{text}");
        }
        for text in ["1:30", "1.2.3", "-", "+", ".", "1e", "0x", "--1", "1-2", "0xg", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn prints_like_go() {
        for (value, text) in [(1.5, "1.5"), (1e-7, "1e-07"), (0.25, "0.25"), (1e300, "1e+300")] {
            assert_eq!(format(&Number::from_f64(value).expect("finite")), text);
        }
        assert_eq!(parse("1234567.5").map(|n| format(&n)).as_deref(), Some("1.2345675e+06"));
    }
}
