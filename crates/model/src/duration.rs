use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration in the form that Flux's CRDs accept: decimal numbers with the units `ms`, `s`, `m`, `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FluxDuration(pub Duration);

/// Why a duration could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write numbers with the units ms, s, m or h, for example 1m30s")]
pub struct DurationError(String);

impl FromStr for FluxDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let error = || DurationError(text.to_owned());
        let mut rest = text;
        let mut total = Duration::ZERO;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
            let number: f64 = rest[..end].parse().map_err(|_| error())?;
            rest = &rest[end..];
            let (unit, seconds) = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]
                .into_iter()
                .find(|(unit, _)| rest.starts_with(unit))
                .ok_or_else(error)?;
            rest = &rest[unit.len()..];
            total += Duration::try_from_secs_f64(number * seconds).map_err(|_| error())?;
        }
        if text.is_empty() { Err(error()) } else { Ok(Self(total)) }
    }
}

/// Go's form: `1m0s`, `1h30m0s`, `1.5s`, `250ms`.
impl fmt::Display for FluxDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Duration { .. } = self.0;
        let (whole, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        if whole == 0 && nanos > 0 {
            return write!(f, "{}ms", f64::from(nanos) / 1e6);
        }
        let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if nanos == 0 {
            write!(f, "{seconds}s")
        } else {
            let text = format!("{nanos:09}");
            write!(f, "{seconds}.{}s", text.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FluxDuration;

    #[test]
    fn reads_and_prints_as_go_does() {
        for (text, printed) in [
            ("1m", "1m0s"),
            ("90s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("250ms", "250ms"),
            ("1m500ms", "1m0.5s"),
        ] {
            let read: FluxDuration = text.parse().expect("a valid duration");
            assert_eq!(read.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_what_the_crd_refuses() {
        for text in ["", "1", "1d", "m", "-1m", "1m x"] {
            assert!(text.parse::<FluxDuration>().is_err(), "{text}");
        }
    }
}
