use std::str::{Chars, FromStr};

/// A Kubernetes label selector: `app=web,tier in (a, b),!canary`.
///
/// The grammar is that of apimachinery's `labels.Parse`: `=`, `==`, `!=`, `in`, `notin`, `<`, `>`, a key that must exist, and
/// a key that must not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

/// Why a text is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{selector}` is no label selector: {fault}")]
pub struct LabelSelectorError {
    selector: String,
    fault: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Do labels fulfil every requirement? `get` is the value of a key.
    pub fn matches<'a>(&self, get: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| requirement.condition.holds(get(&requirement.key)))
    }
}

impl Condition {
    fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[String], value: &str| values.iter().any(|one| one == value);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(values) => value.is_some_and(|value| among(values, value)),
            Self::NotIn(values) => value.is_none_or(|value| !among(values, value)),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl FromStr for LabelSelector {
    type Err = LabelSelectorError;

    fn from_str(selector: &str) -> Result<Self, LabelSelectorError> {
        let fault = |fault| LabelSelectorError { selector: selector.to_owned(), fault };
        Parser { tokens: &tokens(selector) }.selector().map(Self).map_err(fault)
    }
}

/// A word, or a sign: `(`, `)`, `,`, `!`, `=`, `==`, `!=`, `<`, `>`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", "<", ">"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while !rest.is_empty() {
        let is_end = |c: char| "=!(),<> \t\r\n".contains(c);
        let length = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            let length = rest.find(is_end).unwrap_or(rest.len());
            tokens.push(Token::Word(rest.chars().take_while(|c| !is_end(*c)).collect()));
            length
        };
        rest = rest.get(length..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', '\n']);
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [Token],
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn at(&self, sign: &str) -> bool {
        matches!(self.tokens.first(), Some(Token::Sign(own)) if *own == sign)
    }

    /// Takes the sign if it stands next.
    fn takes(&mut self, sign: &str) -> bool {
        let at = self.at(sign);
        if at {
            self.next();
        }
        at
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        while !self.tokens.is_empty() {
            requirements.push(self.requirement()?);
            if self.tokens.is_empty() {
                break;
            }
            if !self.takes(",") {
                return Err(self.expected("`,`"));
            }
            if self.tokens.is_empty() {
                return Err("a key must follow the last `,`".to_owned());
            }
        }
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.takes("!");
        let key = self.word("a key")?;
        if let Some(fault) = key_fault(&key) {
            return Err(format!("`{key}` is no key: {fault}"));
        }
        let condition = match self.tokens.first() {
            _ if absent => Condition::Absent,
            None | Some(Token::Sign(",")) => Condition::Exists,
            _ => self.condition()?,
        };
        Ok(Requirement { key, condition })
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let expected = self.expected("an operator (=, ==, !=, in, notin, <, >)");
        match self.next() {
            Some(Token::Sign("=" | "==")) => Ok(Condition::In(vec![self.value()?])),
            Some(Token::Sign("!=")) => Ok(Condition::NotIn(vec![self.value()?])),
            Some(Token::Sign("<")) => Ok(Condition::Below(self.number()?)),
            Some(Token::Sign(">")) => Ok(Condition::Above(self.number()?)),
            Some(Token::Word(word)) if word == "in" => Ok(Condition::In(self.values()?)),
            Some(Token::Word(word)) if word == "notin" => Ok(Condition::NotIn(self.values()?)),
            _ => Err(expected),
        }
    }

    /// One value; nothing is the empty one.
    fn value(&mut self) -> Result<String, String> {
        if self.tokens.is_empty() || self.at(",") {
            return Ok(String::new());
        }
        checked_value(self.word("a value")?)
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| format!("`{value}` is no integer, as < and > need one"))
    }

    /// `(a, b)`; between two commas stands the empty value.
    fn values(&mut self) -> Result<Vec<String>, String> {
        if !self.takes("(") {
            return Err(self.expected("`(`"));
        }
        let mut values = Vec::new();
        loop {
            let empty = self.at(",") || self.at(")");
            values.push(if empty { String::new() } else { checked_value(self.word("a value")?)? });
            if self.takes(")") {
                return Ok(values);
            }
            if !self.takes(",") {
                return Err(self.expected("`,` or `)`"));
            }
        }
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        let expected = self.expected(what);
        match self.next() {
            Some(Token::Word(word)) => Ok(word.clone()),
            _ => Err(expected),
        }
    }

    fn expected(&self, what: &str) -> String {
        match self.tokens.first() {
            Some(Token::Word(word)) => format!("found `{word}` where {what} was expected"),
            Some(Token::Sign(sign)) => format!("found `{sign}` where {what} was expected"),
            None => format!("it ends where {what} was expected"),
        }
    }
}

/// What is wrong with a key: `name`, or `prefix/name` with a DNS subdomain as prefix.
fn key_fault(key: &str) -> Option<&'static str> {
    let (prefix, name) =
        key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
        return Some("its prefix must be a DNS subdomain of at most 253 characters");
    }
    let fits = (1..=63).contains(&name.len()) && is_name(name);
    (!fits).then_some(
        "a name has at most 63 letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit",
    )
}

fn checked_value(value: String) -> Result<String, String> {
    if value.len() <= 63 && (value.is_empty() || is_name(&value)) {
        return Ok(value);
    }
    Err(format!("`{value}` is no value: it has at most 63 letters, digits, `-`, `_` and `.`"))
}

fn is_subdomain(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| {
        label.chars().all(is_inner)
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let chars: Chars<'_> = text.chars();
    chars.clone().all(is_inner) && is_edge(chars.clone().next()) && is_edge(chars.last())
}

#[cfg(test)]
mod tests;
