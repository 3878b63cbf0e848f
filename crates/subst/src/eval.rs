//! The meaning of each operator. Bytes are counted and cut, as in the reference; what is no longer
//! UTF-8 at the end is replaced.

use capstan_model::glob;

use crate::error::SubstError;
use crate::parse::{Expansion, Operator, Part, parse};

/// Bytes that a text may expand to: far above any object, and far below what would hurt.
const MOST_BYTES: usize = 256 << 20;
/// Bytes of a value that a pattern with wildcards is tried on, once for each of its ends.
const MOST_TRIED: usize = 8 << 10;

/// Expands every `${…}` of a text.
///
/// `lookup` gives a variable's value; `None` means that it is not set. Strict mode refuses a
/// variable that is not set and has no default; otherwise it is empty.
///
/// # Errors
/// A text outside the grammar, an unset variable in strict mode, a substring of negative length; a result of more than
/// 256 MiB, and wildcards on a value of more than 8 KiB.
pub fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    strict: bool,
) -> Result<String, SubstError> {
    let mut out = Vec::with_capacity(text.len());
    for part in parse(text)? {
        out.extend(value(&part, lookup, strict)?);
        if out.len() > MOST_BYTES {
            return Err(SubstError::TooLarge);
        }
    }
    Ok(lossy(out))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn value(
    part: &Part,
    lookup: &dyn Fn(&str) -> Option<String>,
    strict: bool,
) -> Result<Vec<u8>, SubstError> {
    let Expansion { name, operator, operands } = match part {
        Part::Text(text) => return Ok(text.clone().into_bytes()),
        Part::Expansion(expansion) => expansion,
    };
    let operands: Vec<Vec<u8>> =
        operands.iter().map(|part| value(part, lookup, strict)).collect::<Result<_, _>>()?;
    let found = lookup(name);
    if found.is_none() && strict && *operator != Operator::Default {
        return Err(SubstError::Unset(name.clone()));
    }
    let found = found.unwrap_or_default().into_bytes();
    let is_wild = operator.trims()
        && operands.first().is_some_and(|pattern| pattern.iter().any(|b| b"*?[\\".contains(b)));
    if is_wild && found.len() > MOST_TRIED {
        return Err(SubstError::TooLong(name.clone()));
    }
    if size(*operator, &found, &operands) > MOST_BYTES {
        return Err(SubstError::TooLarge);
    }
    apply(*operator, found, &operands).ok_or_else(|| SubstError::NegativeLength(name.clone()))
}

/// No result is larger.
fn size(operator: Operator, value: &[u8], operands: &[Vec<u8>]) -> usize {
    let given: usize = operands.iter().map(Vec::len).sum();
    let each = match (operator, operands) {
        (Operator::ReplaceAll, [pattern, new]) => {
            let places = value.len() / pattern.len().max(1) + 1;
            // A byte that is not UTF-8 becomes three.
            places.saturating_mul(new.len()).saturating_mul(3)
        }
        _ => 0,
    };
    value.len().saturating_add(given).saturating_add(each)
}

/// `None` only for a substring of negative length.
fn apply(operator: Operator, value: Vec<u8>, operands: &[Vec<u8>]) -> Option<Vec<u8>> {
    let first = operands.first().map(Vec::as_slice).unwrap_or_default();
    Some(match operator {
        Operator::Value | Operator::NoCase => value,
        Operator::Length => value.len().to_string().into_bytes(),
        Operator::Default if value.is_empty() => operands.concat(),
        Operator::Default => value,
        Operator::Slice => return slice(value, operands),
        Operator::UpperFirst => first_mapped(value, upper),
        Operator::UpperAll => lossy(value).chars().map(upper).collect::<String>().into_bytes(),
        Operator::LowerFirst => first_mapped(value, lower),
        Operator::LowerAll => lossy(value).chars().map(lower).collect::<String>().into_bytes(),
        Operator::TrimShortestPrefix => without_prefix(&value, first, Length::Shortest),
        Operator::TrimLongestPrefix => without_prefix(&value, first, Length::Longest),
        Operator::TrimShortestSuffix => without_suffix(&value, first, Length::Shortest),
        Operator::TrimLongestSuffix => without_suffix(&value, first, Length::Longest),
        Operator::ReplaceFirst => replaced(value, operands, 1),
        Operator::ReplaceAll => replaced(value, operands, usize::MAX),
        Operator::ReplacePrefix => prefix_replaced(value, operands),
        Operator::ReplaceSuffix => suffix_replaced(value, operands),
    })
}

/// Upper case where it is one character, so `ß` stays.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn first_mapped(value: Vec<u8>, map: impl Fn(char) -> char) -> Vec<u8> {
    let text = lossy(value);
    let mut chars = text.chars();
    let first: Option<char> = chars.next().map(map);
    first.into_iter().chain(chars).collect::<String>().into_bytes()
}

/// A position that is no number gives the whole value; one beyond the end gives nothing.
fn slice(value: Vec<u8>, operands: &[Vec<u8>]) -> Option<Vec<u8>> {
    let numbers: Option<Vec<i64>> = operands.iter().map(|operand| number(operand)).collect();
    let Some(numbers) = numbers else { return Some(value) };
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let start = match numbers.first().copied().unwrap_or_default() {
        position if position < 0 => size.saturating_add(position).max(0),
        position => position,
    };
    let end = match numbers.get(1) {
        None => size,
        Some(length) => start.saturating_add(*length).min(size),
    };
    let range = usize::try_from(start.min(size)).ok()?..usize::try_from(end).ok()?;
    if start >= size && end >= size {
        Some(Vec::new())
    } else {
        value.get(range).map(<[u8]>::to_vec)
    }
}

fn number(operand: &[u8]) -> Option<i64> {
    std::str::from_utf8(operand).ok()?.parse().ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Shortest,
    Longest,
}

/// Length of the prefix that the pattern matches. It is never empty, unlike in a shell.
fn matched(value: &[u8], pattern: &[u8], length: Length) -> usize {
    let fits = |end: &usize| glob(pattern, &value[..*end]) == Some(true);
    let mut ends = 1..=value.len();
    let found = match length {
        Length::Shortest => ends.find(fits),
        Length::Longest => ends.rev().find(fits),
    };
    found.unwrap_or(0)
}

fn without_prefix(value: &[u8], pattern: &[u8], length: Length) -> Vec<u8> {
    value[matched(value, pattern, length)..].to_vec()
}

/// Value and pattern are reversed, which turns brackets and escapes in a pattern into nonsense.
fn without_suffix(value: &[u8], pattern: &[u8], length: Length) -> Vec<u8> {
    reversed(&without_prefix(&reversed(value), &reversed(pattern), length))
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).chars().rev().collect::<String>().into_bytes()
}

/// With one operand the pattern is removed.
fn replaced(value: Vec<u8>, operands: &[Vec<u8>], limit: usize) -> Vec<u8> {
    let text = |index: usize| operands.get(index).map(|o| String::from_utf8_lossy(o).into_owned());
    let (pattern, new) = (text(0).unwrap_or_default(), text(1).unwrap_or_default());
    lossy(value).replacen(&pattern, &new, limit).into_bytes()
}

/// With one operand nothing happens.
fn prefix_replaced(value: Vec<u8>, operands: &[Vec<u8>]) -> Vec<u8> {
    match operands {
        [prefix, new] => match value.strip_prefix(prefix.as_slice()) {
            Some(rest) => [new, rest].concat(),
            None => value,
        },
        _ => value,
    }
}

/// With one operand nothing happens.
fn suffix_replaced(value: Vec<u8>, operands: &[Vec<u8>]) -> Vec<u8> {
    match operands {
        [suffix, new] => match value.strip_suffix(suffix.as_slice()) {
            Some(rest) => [rest, new].concat(),
            None => value,
        },
        _ => value,
    }
}
