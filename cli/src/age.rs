//! Ages as kubectl prints them: two units while the second still matters.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The age of something that began at `since`, RFC 3339; `<unknown>` when that is no time.
pub(crate) fn since(since: &str, now: Timestamp) -> String {
    match since.parse::<Timestamp>() {
        Ok(since) => seconds(now.as_second() - since.as_second()),
        Err(_) => "<unknown>".to_owned(),
    }
}

fn seconds(age: i64) -> String {
    // A clock that is a little behind is no reason to print nonsense.
    let age = age.max(0);
    match age {
        _ if age < 2 * MINUTE => format!("{age}s"),
        _ if age < 10 * MINUTE => two(age, MINUTE, "m", 1, "s"),
        _ if age < 3 * HOUR => format!("{}m", age / MINUTE),
        _ if age < 8 * HOUR => two(age, HOUR, "h", MINUTE, "m"),
        _ if age < 2 * DAY => format!("{}h", age / HOUR),
        _ if age < 8 * DAY => two(age, DAY, "d", HOUR, "h"),
        _ if age < 2 * YEAR => format!("{}d", age / DAY),
        _ if age < 8 * YEAR => two(age, YEAR, "y", DAY, "d"),
        _ => format!("{}y", age / YEAR),
    }
}

fn two(age: i64, large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    let (whole, rest) = (age / large, age % large / small);
    if rest == 0 {
        format!("{whole}{large_unit}")
    } else {
        format!("{whole}{large_unit}{rest}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, MINUTE, YEAR, seconds, since};

    #[test]
    fn ages_shrink_to_what_matters() {
        for (age, text) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (11 * MINUTE + 5, "11m"),
            (3 * HOUR + 5 * MINUTE, "3h5m"),
            (30 * HOUR, "30h"),
            (3 * DAY + 2 * HOUR, "3d2h"),
            (40 * DAY, "40d"),
            (3 * YEAR + 4 * DAY, "3y4d"),
            (9 * YEAR, "9y"),
        ] {
            assert_eq!(seconds(age), text);
        }
    }

    #[test]
    fn no_time_has_no_age() {
        let now = "2024-01-01T00:01:00Z".parse().expect("a time");
        assert_eq!(since("2024-01-01T00:00:00Z", now), "60s");
        assert_eq!(since("", now), "<unknown>");
    }
}
