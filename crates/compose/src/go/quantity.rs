/// A Kubernetes quantity (`1500m`, `2Gi`, `1e3`) as a float; `None` when the text is not one.
fn parse(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))?;
    let (number, suffix) = text.split_at(digits);
    Some(decimal(number)? * factor(suffix)?)
}

/// [`parse`] of a text without suffix has no place to split.
pub(crate) fn to_float(text: &str) -> Option<f64> {
    parse(text).or_else(|| decimal(text))
}

fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let any_digit = unsigned.bytes().any(|b| b.is_ascii_digit());
    if plain && any_digit { text.parse().ok() } else { None }
}

fn factor(suffix: &str) -> Option<f64> {
    let power = |base: f64, exponent: i32| Some(base.powi(exponent));
    match suffix {
        "n" => Some(1e-9),
        "u" => Some(1e-6),
        "m" => Some(1e-3),
        "k" => Some(1e3),
        "M" => Some(1e6),
        "G" => Some(1e9),
        "T" => Some(1e12),
        "P" => Some(1e15),
        "E" => Some(1e18),
        "Ki" => power(1024.0, 1),
        "Mi" => power(1024.0, 2),
        "Gi" => power(1024.0, 3),
        "Ti" => power(1024.0, 4),
        "Pi" => power(1024.0, 5),
        "Ei" => power(1024.0, 6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            format!("1e{exponent}").parse().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::to_float;

    #[test]
    fn reads_suffixes() {
        for (text, value) in [
            ("1000m", 1.0),
            ("2", 2.0),
            ("-1.5k", -1500.0),
            ("1Gi", 1_073_741_824.0),
            ("1e3", 1000.0),
            ("12E-1", 1.2),
            ("3E", 3e18),
        ] {
            assert_eq!(to_float(text), Some(value), "{text}");
        }
        for text in ["", "m", "1000 blabla", "1.2.3", "1KiB", "abc", "--1", "e3"] {
            assert_eq!(to_float(text), None, "{text}");
        }
    }
}
