//! Floats as Go prints them: the shortest text that reads back.

/// `strconv.FormatFloat(value, 'g', -1, 64)`, or `'G'`: an exponent below 1e-4 and from 1e6 on.
pub(crate) fn general(value: f64, mark: char) -> String {
    if is_between(value, 1e-4, 1e6) { plain(value) } else { with_exponent(value, mark, 2) }
}

/// As encoding/json prints it: an exponent below 1e-6 and from 1e21 on.
pub(crate) fn json(value: f64) -> String {
    match is_between(value, 1e-6, 1e21) {
        true => plain(value),
        // Go takes the zero of `e-07` away, and leaves the others.
        false if value.abs() < 1.0 => with_exponent(value, 'e', 1),
        false => with_exponent(value, 'e', 2),
    }
}

/// `strconv.FormatFloat(value, 'f', -1, 64)`: no exponent.
pub(crate) fn plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

fn is_between(value: f64, least: f64, below: f64) -> bool {
    value == 0.0 || !value.is_finite() || (least..below).contains(&value.abs())
}

fn with_exponent(value: f64, mark: char, width: usize) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}{mark}{sign}{digits:0>width$}")
}

#[cfg(test)]
mod tests {
    use super::{general, json};

    #[test]
    fn floats_come_out_as_with_go() {
        for (value, short, of_json) in [
            (0.0, "0", "0"),
            (1.5, "1.5", "1.5"),
            (-2.25, "-2.25", "-2.25"),
            (999_999.5, "999999.5", "999999.5"),
            (1e6, "1e+06", "1000000"),
            (1_234_567.5, "1.2345675e+06", "1234567.5"),
            (1e20, "1e+20", "100000000000000000000"),
            (1.5e21, "1.5e+21", "1.5e+21"),
            (0.0001, "0.0001", "0.0001"),
            (1.25e-5, "1.25e-05", "0.0000125"),
            (1e-7, "1e-07", "1e-7"),
            (5e-324, "5e-324", "5e-324"),
        ] {
            assert_eq!((general(value, 'e').as_str(), json(value).as_str()), (short, of_json));
        }
    }
}
