/// A Kubernetes quantity (`1500m`, `2Gi`, `1e3`) as a float; `None` when the text is not one.
pub(crate) fn to_float(text: &str) -> Option<f64> {
    let in_number = |c: char| matches!(c, '0'..='9' | '.' | '+' | '-');
    let (number, suffix) = text.split_at(text.find(|c| !in_number(c)).unwrap_or(text.len()));
    decimal(number)?;
    match unit(suffix)? {
        // Read as one number, so that it is the nearest float and not a product of two.
        Unit::Ten(exponent) => format!("{number}e{exponent}").parse().ok(),
        Unit::Two(exponent) => Some(decimal(number)? * 2f64.powi(exponent)),
    }
}

fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let any_digit = unsigned.bytes().any(|b| b.is_ascii_digit());
    if plain && any_digit { text.parse().ok() } else { None }
}

enum Unit {
    Ten(i32),
    Two(i32),
}

fn unit(suffix: &str) -> Option<Unit> {
    let unit = match suffix {
        "n" => Unit::Ten(-9),
        "u" => Unit::Ten(-6),
        "m" => Unit::Ten(-3),
        "" => Unit::Ten(0),
        "k" => Unit::Ten(3),
        "M" => Unit::Ten(6),
        "G" => Unit::Ten(9),
        "T" => Unit::Ten(12),
        "P" => Unit::Ten(15),
        "E" => Unit::Ten(18),
        "Ki" => Unit::Two(10),
        "Mi" => Unit::Two(20),
        "Gi" => Unit::Two(30),
        "Ti" => Unit::Two(40),
        "Pi" => Unit::Two(50),
        "Ei" => Unit::Two(60),
        _ => Unit::Ten(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::to_float;

    #[test]
    fn reads_suffixes() {
        for (text, value) in [
            ("1000m", 1.0),
            ("100m", 0.1),
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
