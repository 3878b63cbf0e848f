use std::cmp::Ordering;
use std::fmt;

/// Bytes that a version may have.
const LONGEST: usize = 256;

/// A semantic version. A leading `v` and leading zeros are fine; build metadata does not count when versions are compared.
#[derive(Clone, Debug)]
pub struct Version {
    pub(super) numbers: [u64; 3],
    pub(super) pre: Pre,
    text: String,
}

/// A pre-release, such as `rc.1`; empty for a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pre(Vec<Part>);

/// Numbers come before names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Name(String),
}

impl Version {
    /// Reads a version with its three numbers. A text that is none is no error: most tags of a repository may be others.
    pub fn parse(text: &str) -> Option<Self> {
        let version = Self::lenient(text)?;
        (text.splitn(3, '.').count() == 3).then_some(version)
    }

    /// Reads a version whose last numbers may be left out.
    pub(super) fn lenient(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (rest, metadata) = cut(text.strip_prefix('v').unwrap_or(text), '+');
        let (core, pre) = cut(rest, '-');
        if metadata.is_some_and(|metadata| !metadata.split('.').all(is_word)) {
            return None;
        }
        let mut numbers = [0; 3];
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() > numbers.len() {
            return None;
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = digits(part)?;
        }
        let pre = pre.map_or(Some(Pre::default()), Pre::parse)?;
        Some(Self { numbers, pre, text: text.to_owned() })
    }

    /// The text that was read.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) const fn is_release(&self) -> bool {
        self.pre.0.is_empty()
    }
}

impl Pre {
    fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| match digits(part) {
            _ if !is_word(part) => None,
            Some(_) if part.len() > 1 && part.starts_with('0') => None,
            Some(number) => Some(Part::Number(number)),
            None => Some(Part::Name(part.to_owned())),
        };
        text.split('.').map(part).collect::<Option<_>>().map(Self)
    }
}

impl Ord for Pre {
    fn cmp(&self, other: &Self) -> Ordering {
        // A release comes after its pre-releases.
        self.0.is_empty().cmp(&other.0.is_empty()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Pre {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| self.pre.cmp(&other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_have_an_order() {
        let ordered = [
            "0.0.1",
            "0.1.0",
            "v1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-rc.1",
            "v1.0.0",
            "1.0.1",
            "v1.2.0",
            "1.10.0",
            "2025.02.03",
        ];
        let read = |text: &&str| Version::parse(text).expect("a version");
        let versions: Vec<_> = ordered.iter().map(read).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        assert_eq!(Version::parse("v1.2.3+a"), Version::parse("1.2.3+b"));
        assert_eq!(versions[10].as_str(), "v1.0.0");
    }

    #[test]
    fn other_tags_are_no_versions() {
        let long = format!("1.2.3-{}", "a".repeat(256));
        for text in [
            "",
            "v",
            "1",
            "v1.2",
            "main",
            "1.2.3.4",
            "vv1.2.3",
            "1.2.x",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3_4",
            " 1.2.3",
            "99999999999999999999.0.0",
            &long,
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
