use std::sync::LazyLock;

use regex::Regex;

use super::Version;

/// Bytes that a range may have.
const LONGEST: usize = 512;
/// Alternatives that a range may have.
const MOST: usize = 32;

/// A range of versions: comparisons that all must hold, separated by spaces or commas, and alternatives of those, separated
/// by `||`. `1.2 - 1.4`, `~1.2`, `^1.2`, `1.x` and `*` are shorthands.
///
/// Pre-releases are in a range only when one of the comparisons names one.
#[derive(Clone, Debug)]
pub struct VersionRange(Vec<Vec<Comparison>>);

/// Why a range could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionRangeError {
    /// A part is no comparison.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// The text is too long.
    #[error("constraint string is too long (max {LONGEST} bytes)")]
    TooLong,
    /// There are too many alternatives.
    #[error("too many constraint groups (max {MOST})")]
    TooMany,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// How many of the three numbers were written.
    written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Tilde,
    Caret,
}

impl VersionRange {
    /// Reads a range.
    ///
    /// # Errors
    /// When a part of the text is no comparison, or there is too much of it.
    pub fn parse(text: &str) -> Result<Self, VersionRangeError> {
        if text.len() > LONGEST {
            return Err(VersionRangeError::TooLong);
        }
        let text = HYPHEN.replace_all(text, ">= ${from}, <= ${to} ");
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MOST {
            return Err(VersionRangeError::TooMany);
        }
        groups.into_iter().map(group).collect::<Result<_, _>>().map(Self)
    }

    /// Is a version in the range?
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let is_fitting =
                version.is_release() || all.iter().any(|one| !one.version.is_release());
            is_fitting && all.iter().all(|one| one.holds(version))
        })
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        match self.operator {
            Operator::NotEqual => !self.is_same(version),
            Operator::Less => *version < self.version,
            Operator::GreaterEqual => *version >= self.version,
            // What was not written is neither above nor below: `> 11` is beyond all of 11.
            Operator::Greater => {
                *version > self.version && (self.is_exact() || !self.begins(version))
            }
            Operator::LessEqual => {
                *version <= self.version || (self.written < 3 && self.begins(version))
            }
            Operator::Equal if self.written == 3 => *version == self.version,
            Operator::Equal | Operator::Tilde => *version >= self.version && self.is_near(version),
            Operator::Caret => *version >= self.version && self.is_compatible(version),
        }
    }

    /// A `*` stands for 0.0.0 where a shorthand does not say otherwise.
    const fn is_exact(&self) -> bool {
        matches!(self.written, 0 | 3)
    }

    /// Equal in what was written, the pre-release among it.
    fn is_same(&self, version: &Version) -> bool {
        match self.written {
            1 => self.begins(version),
            2 => self.begins(version) && version.pre == self.version.pre,
            _ => *version == self.version,
        }
    }

    /// Do the written numbers stand at the front?
    fn begins(&self, version: &Version) -> bool {
        let kept = if self.written == 1 { 1 } else { 2 };
        version.numbers[..kept] == self.version.numbers[..kept]
    }

    /// `~1.2.3` and `~1.2` stay in 1.2, `~1` in 1, and `~0.0.0` and `~*` hold for all.
    fn is_near(&self, version: &Version) -> bool {
        (self.is_exact() && self.version.numbers == [0; 3]) || self.begins(version)
    }

    /// `^` keeps the first number that is not zero, or the last that was written.
    fn is_compatible(&self, version: &Version) -> bool {
        let [major, minor, _] = self.version.numbers;
        let kept = match self.written {
            1 => 1,
            _ if major > 0 => 1,
            2 => 2,
            _ if minor > 0 => 2,
            _ => 3,
        };
        version.numbers[..kept] == self.version.numbers[..kept]
    }
}

/// A version in a range: numbers may be left out or be `x`, `X`, `*`.
const PARTIAL: &str = r"v?[0-9xX*]+(?:\.[0-9xX*]+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";

static HYPHEN: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"\s*(?<from>{PARTIAL})\s+-\s+(?<to>{PARTIAL})\s*")));

/// One comparison at the front of a text, with what separates it from the one before.
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    compiled(&format!(r"^\s*(?<operator>[=!<>~^]*)\s*(?<version>{PARTIAL})(?<after>\s*,\s*|\s+|$)"))
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is constant")
}

fn group(text: &str) -> Result<Vec<Comparison>, VersionRangeError> {
    let improper = || VersionRangeError::Improper(text.to_owned());
    let mut comparisons = Vec::new();
    let mut rest = text;
    loop {
        let found = FIRST.captures(rest).ok_or_else(improper)?;
        comparisons.push(comparison(&found["operator"], &found["version"]).ok_or_else(improper)?);
        let is_last = !found["after"].contains(',');
        rest = &rest[found[0].len()..];
        if rest.is_empty() && is_last {
            return Ok(comparisons);
        }
    }
}

fn comparison(operator: &str, text: &str) -> Option<Comparison> {
    let operator = match operator {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" | "=>" => Operator::GreaterEqual,
        "<" => Operator::Less,
        "<=" | "=<" => Operator::LessEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return None,
    };
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, extra) = text.split_at(end);
    let (core, extra) = (core.strip_prefix('v').unwrap_or(core), extra.split('+').next()?);
    let is_number = |part: &&str| !matches!(*part, "x" | "X" | "*");
    let numbers: Vec<&str> = core.split('.').take_while(is_number).collect();
    let written = numbers.len();
    let filled: Vec<&str> = numbers.into_iter().chain(["0", "0", "0"]).take(3).collect();
    let version = Version::lenient(&format!("{}{extra}", filled.join(".")))?;
    Some(Comparison { operator, version, written })
}

#[cfg(test)]
mod tests;
