use super::spec::Spec;
use super::text::{pad, quote_char};

/// An integer under a verb; false when the verb is not for integers.
pub(super) fn int(out: &mut String, spec: &Spec, verb: char, value: i64) -> bool {
    let size = value.unsigned_abs();
    let (digits, prefix) = match verb {
        'd' | 'v' => (size.to_string(), ""),
        'b' => (format!("{size:b}"), if spec.sharp { "0b" } else { "" }),
        'o' => (format!("{size:o}"), if spec.sharp { "0" } else { "" }),
        'O' => (format!("{size:o}"), "0o"),
        'x' => (format!("{size:x}"), if spec.sharp { "0x" } else { "" }),
        'X' => (format!("{size:X}"), if spec.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => {
            let c = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            let text = match verb {
                'c' => c.to_string(),
                'q' => quote_char(c),
                _ => format!("U+{value:04X}"),
            };
            pad(out, &Spec { zero: false, ..spec.clone() }, &text);
            return true;
        }
        _ => return false,
    };
    if spec.precision == Some(0) && value == 0 {
        pad(out, &Spec { zero: false, ..spec.clone() }, "");
        return true;
    }
    let sign = sign(spec, value < 0);
    let zeros = match (spec.precision, spec.zero, spec.width) {
        (Some(precision), ..) => precision,
        (None, true, Some(width)) => width.saturating_sub(sign.len()),
        _ => 0,
    };
    let text = format!("{sign}{prefix}{digits:0>zeros$}");
    pad(out, &Spec { zero: false, ..spec.clone() }, &text);
    true
}

/// A float under a verb; false when the verb is not for floats.
pub(super) fn float(out: &mut String, spec: &Spec, verb: char, value: f64) -> bool {
    let size = value.abs();
    let digits = match verb {
        'f' | 'F' => format!("{size:.*}", spec.precision.unwrap_or(6)),
        'e' => exponent(&format!("{size:.*e}", spec.precision.unwrap_or(6))),
        'E' => exponent(&format!("{size:.*e}", spec.precision.unwrap_or(6))).to_uppercase(),
        'g' | 'v' => general(size, spec.precision),
        'G' => general(size, spec.precision).to_uppercase(),
        _ => return false,
    };
    let sign = sign(spec, value.is_sign_negative());
    let text = match (spec.zero, spec.width) {
        (true, Some(width)) => {
            let zeros = width.saturating_sub(sign.len());
            format!("{sign}{digits:0>zeros$}")
        }
        _ => format!("{sign}{digits}"),
    };
    pad(out, &Spec { zero: false, ..spec.clone() }, &text);
    true
}

const fn sign(spec: &Spec, negative: bool) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

/// `1.5e3` with Go's sign and two digits in the exponent.
fn exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `%g`: an exponent where it is below -4 or not below the precision.
fn general(size: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        None => format!("{size:e}"),
        Some(digits) => format!("{size:.*e}", digits.max(1) - 1),
    };
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let limit = match precision.map(|given| i32::try_from(given.max(1)).unwrap_or(i32::MAX)) {
        None => 6,
        Some(given) if given > count && count > power => count,
        Some(given) => given,
    };
    if power < -4 || power >= limit {
        let (head, tail) = digits.split_at(1);
        let point = if tail.is_empty() { "" } else { "." };
        return exponent(&format!("{head}{point}{tail}e{power}"));
    }
    let decimals = usize::try_from((count - power - 1).max(0)).unwrap_or(0);
    format!("{size:.decimals$}")
}
