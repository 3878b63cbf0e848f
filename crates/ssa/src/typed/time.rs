use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::Mismatch;

/// Go's zero time, which is printed as null.
const ZERO: &str = "0001-01-01T00:00:00Z";

/// `metav1.Time`: RFC 3339, printed in UTC without fractions of a second.
pub(super) fn seconds(value: &Value) -> Result<Value, Mismatch> {
    let time = value.as_str().and_then(|text| parse(text, None)).ok_or_else(fault)?;
    let time = floor(time, 1_000_000_000).ok_or_else(fault)?;
    Ok(printed(format!("{time:.0}")))
}

/// `metav1.MicroTime`: RFC 3339 with exactly six digits of a second.
pub(super) fn micros(value: &Value) -> Result<Value, Mismatch> {
    let time = value.as_str().and_then(|text| parse(text, Some(6))).ok_or_else(fault)?;
    Ok(printed(format!("{time:.6}")))
}

fn fault() -> Mismatch {
    Mismatch::new("a time as RFC 3339 writes it")
}

fn printed(text: String) -> Value {
    let zero = text == ZERO || text.strip_suffix(".000000Z").is_some_and(|t| ZERO.starts_with(t));
    if zero { Value::Null } else { text.into() }
}

fn floor(time: Timestamp, unit: i32) -> Option<Timestamp> {
    let past = time.subsec_nanosecond().rem_euclid(unit);
    time.checked_sub(i64::from(past).nanoseconds()).ok()
}

/// `2006-01-02T15:04:05[.fraction](Z|±hh:mm)`, nothing more and nothing less.
fn parse(text: &str, digits: Option<usize>) -> Option<Timestamp> {
    let (civil, rest) = text.split_at_checked(19)?;
    let shape = civil.bytes().zip("0000-00-00T00:00:00".bytes());
    if !shape
        .into_iter()
        .all(|(byte, like)| byte == like || (like == b'0' && byte.is_ascii_digit()))
    {
        return None;
    }
    let number = |from: usize, to: usize| civil.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize, to: usize| i8::try_from(number(from, to)?).ok();
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    let has_dot = rest.starts_with('.');
    if (has_dot && fraction.is_empty()) || digits.is_some_and(|digits| digits != fraction.len()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let (hour, minute, second) = (small(11, 13)?, small(14, 16)?, small(17, 19)?);
    // jiff has a leap second, Go has none.
    if second > 59 {
        return None;
    }
    let civil =
        DateTime::new(number(0, 4)?, small(5, 7)?, small(8, 10)?, hour, minute, second, nanos)
            .ok()?;
    offset(zone)?.to_timestamp(civil).ok()
}

fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').filter(|_| rest.len() == 5)?;
    let number = |text: &str, limit: i32| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i32>().ok())?.filter(|number| *number < limit)
    };
    Offset::from_seconds(sign * (number(hours, 24)? * 3600 + number(minutes, 60)? * 60)).ok()
}
