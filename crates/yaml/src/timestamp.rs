//! Plain dates: Go's YAML reads them as times, and JSON prints them as RFC 3339.

/// The RFC 3339 spelling of a plain scalar that is a date, or `None`.
///
/// Accepted are `Y-M-D`, `Y-M-D h:m:s[.f]` and `Y-M-DTh:m:s[.f](Z|±hh:mm)`.
pub(crate) fn parse(text: &str) -> Option<String> {
    let year = text.get(..4).filter(|y| y.bytes().all(|b| b.is_ascii_digit()))?;
    let (month, rest) = field(text[4..].strip_prefix('-')?, 2)?;
    let (day, rest) = field(rest.strip_prefix('-')?, 2)?;
    let leap = |y: u32| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap(year.parse().ok()?)),
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=days).contains(&day) {
        return None;
    }
    let date = format!("{year}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = match rest.as_bytes()[0] {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    let (time, zone) = clock(&rest[1..])?;
    match (zoned, zone) {
        (true, "") => None,
        (true, zone) => Some(format!("{date}T{time}{}", offset(zone)?)),
        (false, "") => Some(format!("{date}T{time}Z")),
        (false, _) => None,
    }
}

/// Up to `width` digits at the start.
fn field(text: &str, width: usize) -> Option<(u32, &str)> {
    let end = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn clock(text: &str) -> Option<(String, &str)> {
    let (hour, rest) = field(text, 2)?;
    let (minute, rest) = field(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = field(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut time = format!("{hour:02}:{minute:02}:{second:02}");
    let Some(fraction) = rest.strip_prefix('.') else { return Some((time, rest)) };
    let end = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let digits = fraction[..end].trim_end_matches('0');
    if !digits.is_empty() {
        time = format!("{time}.{digits}");
    }
    Some((time, &fraction[end..]))
}

fn offset(zone: &str) -> Option<&str> {
    if zone == "Z" {
        return Some(zone);
    }
    let (hour, minute) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let two = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
    if !two(hour) || !two(minute) {
        return None;
    }
    Some(if &zone[1..] == "00:00" { "Z" } else { zone })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_become_times() {
        assert_eq!(parse("2024-01-01").as_deref(), Some("2024-01-01T00:00:00Z"));
        assert_eq!(parse("2024-1-2 3:4:5").as_deref(), Some("2024-01-02T03:04:05Z"));
        assert_eq!(
            parse("2001-12-14t21:59:43.10-05:00").as_deref(),
            Some("2001-12-14T21:59:43.1-05:00")
        );
        for text in ["2024-13-01", "2023-02-29", "2024-01-01x", "20240101", "2012-10-17T1:2:3"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
