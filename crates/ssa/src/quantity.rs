//! Kubernetes quantities (`resource.Quantity`) in the form that Go prints them.

use num_bigint::BigUint;
use serde_json::Value;

/// A text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity such as 500m, 1.5 or 2Gi")]
pub struct NoQuantity;

/// How a quantity was written, and so how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `12M`.
    Decimal,
    /// `12Mi`.
    Binary,
    /// `12e6`.
    Exponent,
}

/// The suffixes of powers of ten, from 10⁻⁹ on, every third power.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// The suffixes of powers of 1024, from the first on.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// Digits that surely fit an int64.
const SHORT: usize = 18;
/// The smallest power of ten that is kept; what is finer is rounded up.
const FINEST: i64 = -9;
/// More digits or powers of ten than this are refused, not computed.
const LIMIT: usize = 10_000;

/// The parts of a text that looks like a quantity.
struct Written<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: &'a str,
    /// Digits after the point.
    fraction: &'a str,
    /// Is there a digit before the suffix?
    digits: bool,
    suffix: &'a str,
}

/// A number: its digits times ten to a power.
struct Amount {
    digits: BigUint,
    power: i64,
}

/// The canonical form of what JSON gives: a string with spaces around it, or a number.
///
/// # Errors
/// When it is neither, or no quantity.
pub(crate) fn of_value(value: &Value) -> Result<String, NoQuantity> {
    match value {
        Value::String(text) => {
            canonical(text.trim_matches(|c: char| c.is_whitespace() && !c.is_control()))
        }
        Value::Number(number) => canonical(&go_number(number)),
        _ => Err(NoQuantity),
    }
}

/// A number as Go's JSON prints it: floats get an exponent below 1e-6 and from 1e21 on, of two digits at least.
fn go_number(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| !number.is_i64() && !number.is_u64()) else {
        return number.to_string();
    };
    if float != 0.0 && !(1e-6..1e21).contains(&float.abs()) {
        let text = format!("{float:e}");
        return match text.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
            _ => text,
        };
    }
    format!("{float}")
}

/// The form in which Go prints a quantity: the largest suffix without a fraction, `0.5` is `500m` and `1024Mi` is `1Gi`.
///
/// # Errors
/// When the text is no quantity.
///
/// # Examples
/// ```
/// assert_eq!(capstan_ssa::quantity("0.5").as_deref(), Ok("500m"));
/// assert_eq!(capstan_ssa::quantity("1024Mi").as_deref(), Ok("1Gi"));
/// assert!(capstan_ssa::quantity("1 Gi").is_err());
/// ```
pub fn canonical(text: &str) -> Result<String, NoQuantity> {
    if text.is_empty() || text.len() > LIMIT {
        return Err(NoQuantity);
    }
    let written = split(text)?;
    let (format, power) = interpret(written.suffix).ok_or(NoQuantity)?;
    if format == Format::Binary {
        binary(text, &written, power)
    } else {
        decimal(text, &written, format, power)
    }
}

fn split(text: &str) -> Result<Written<'_>, NoQuantity> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let trimmed = unsigned.trim_start_matches('0');
    let (whole, rest) = digits(trimmed);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let power = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    if !power.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NoQuantity);
    }
    let digits = trimmed.len() < unsigned.len() || !whole.is_empty() || !fraction.is_empty();
    Ok(Written { negative: text.starts_with('-'), whole, fraction, digits, suffix })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The format of a suffix, and its power: of ten, or of two.
fn interpret(suffix: &str) -> Option<(Format, i64)> {
    let place = |table: &[&str]| {
        table.iter().position(|s| *s == suffix).and_then(|at| i64::try_from(at).ok())
    };
    if let Some(at) = place(&DECIMAL) {
        return Some((Format::Decimal, at * 3 + FINEST));
    }
    if let Some(at) = place(&BINARY) {
        return Some((Format::Binary, (at + 1) * 10));
    }
    let power: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Go keeps an int32 of it.
    #[expect(clippy::cast_possible_truncation, reason = "Go's conversion wraps, too")]
    let power = power as i32;
    Some((Format::Exponent, power.into()))
}

fn decimal(
    text: &str,
    written: &Written<'_>,
    format: Format,
    power: i64,
) -> Result<String, NoQuantity> {
    let whole = if written.whole.is_empty() { "0" } else { written.whole };
    let shifted = format!("{whole}{}", written.fraction);
    let scale = power - i64::try_from(written.fraction.len()).map_err(|_| NoQuantity)?;
    if shifted.len() <= SHORT && scale >= FINEST {
        // What is canonical, or nearly so, keeps the spelling that it has.
        if scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0') {
            return Ok(text.to_owned());
        }
        return Ok(print_decimal(written.negative, amount(&shifted, scale)?, format));
    }
    if !written.digits {
        return Err(NoQuantity);
    }
    let amount = rounded(amount(&shifted, scale)?, FINEST)?;
    Ok(print_decimal(written.negative, amount, format))
}

fn binary(text: &str, written: &Written<'_>, power: i64) -> Result<String, NoQuantity> {
    let whole = if written.whole.is_empty() { "0" } else { written.whole };
    let shift = u32::try_from(power).map_err(|_| NoQuantity)?;
    let factor = BigUint::from(1_u8) << shift;
    let largest = BigUint::from(i64::MAX.unsigned_abs());
    let room = 14_usize.saturating_sub(usize::try_from(power * 3 / 10).map_err(|_| NoQuantity)?);
    if written.fraction.is_empty() && whole.len() <= room {
        let digits = amount(whole, 0)?.digits;
        let total = &digits * &factor;
        if total <= largest {
            let last_bits = &digits % 8_u8;
            if last_bits != BigUint::ZERO {
                return Ok(text.to_owned());
            }
            return Ok(print_binary(written.negative, Amount { digits: total, power: 0 }));
        }
    }
    if !written.digits {
        return Err(NoQuantity);
    }
    let scale = -i64::try_from(written.fraction.len()).map_err(|_| NoQuantity)?;
    let mut amount = amount(&format!("{whole}{}", written.fraction), scale)?;
    amount.digits *= factor;
    let amount = rounded(amount, FINEST)?;
    let cap = Amount { digits: largest, power: 0 };
    let amount = if amount.integer().0 > cap.digits { cap } else { amount };
    Ok(print_binary(written.negative, amount))
}

fn amount(digits: &str, power: i64) -> Result<Amount, NoQuantity> {
    let digits = digits.parse().map_err(|_| NoQuantity)?;
    Ok(Amount { digits, power })
}

/// Rounds up to a power of ten, so that what is not nothing stays so.
fn rounded(amount: Amount, finest: i64) -> Result<Amount, NoQuantity> {
    if amount.power >= finest {
        let bounded = usize::try_from(amount.power).is_ok_and(|power| power > LIMIT);
        return if bounded { Err(NoQuantity) } else { Ok(amount) };
    }
    let places =
        u32::try_from(finest - amount.power).ok().filter(|places| *places as usize <= LIMIT);
    let Some(places) = places else {
        let digits = if amount.digits == BigUint::ZERO { 0_u8 } else { 1 };
        return Ok(Amount { digits: digits.into(), power: finest });
    };
    let factor = BigUint::from(10_u8).pow(places);
    let up = &factor - 1_u8;
    Ok(Amount { digits: (amount.digits + up) / factor, power: finest })
}

impl Amount {
    /// The integer above it, and whether that is the same number.
    fn integer(&self) -> (BigUint, bool) {
        let Ok(power) = u32::try_from(self.power.unsigned_abs()) else {
            return (BigUint::ZERO, false);
        };
        let factor = BigUint::from(10_u8).pow(power);
        if self.power >= 0 {
            return (&self.digits * factor, true);
        }
        let whole = &self.digits / &factor;
        let exact = &whole * &factor == self.digits;
        (if exact { whole } else { whole + 1_u8 }, exact)
    }
}

fn print_decimal(negative: bool, amount: Amount, format: Format) -> String {
    let Amount { mut digits, mut power } = amount;
    if digits == BigUint::ZERO {
        return "0".to_owned();
    }
    while &digits % 10_u8 == BigUint::ZERO {
        digits /= 10_u8;
        power += 1;
    }
    while power % 3 != 0 {
        digits *= 10_u8;
        power -= 1;
    }
    let suffix = match format {
        Format::Exponent if power == 0 => String::new(),
        Format::Exponent => format!("e{power}"),
        // Go has no suffix beyond the table, and prints none.
        _ => usize::try_from((power - FINEST) / 3)
            .ok()
            .and_then(|at| DECIMAL.get(at))
            .copied()
            .unwrap_or_default()
            .to_owned(),
    };
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}{suffix}")
}

/// What has a fraction, or is smaller than 1024, is printed as a decimal.
fn print_binary(negative: bool, amount: Amount) -> String {
    let (mut digits, exact) = amount.integer();
    let small =
        if exact { digits < BigUint::from(1024_u16) } else { digits <= BigUint::from(1024_u16) };
    if small || !exact {
        return print_decimal(negative, amount, Format::Decimal);
    }
    let mut steps = 0_usize;
    while &digits % 1024_u16 == BigUint::ZERO {
        digits /= 1024_u16;
        steps += 1;
    }
    let suffix = steps.checked_sub(1).and_then(|at| BINARY.get(at)).copied().unwrap_or_default();
    let sign = if negative { "-" } else { "" };
    format!("{sign}{digits}{suffix}")
}

#[cfg(test)]
mod tests;
