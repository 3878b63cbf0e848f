use std::collections::HashMap;

use super::{DEFAULT, DELIMITERS};
use crate::document::{Branch, Entry, Value};

/// A section while it is read.
struct Section {
    name: String,
    comment: String,
    keys: Vec<Key>,
    /// Where the keys are.
    places: HashMap<String, usize>,
}

struct Key {
    name: String,
    value: String,
    comment: String,
}

struct Reader<'a> {
    rest: &'a str,
    /// The number of the line that was read last.
    line: usize,
    /// Comments that wait for what they are about.
    comment: String,
}

pub(in crate::store) fn load(text: &str) -> Result<Branch, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 0, comment: String::new() };
    let sections = reader
        .sections()
        .map_err(|why| format!("Could not unmarshal input data: line {}: {why}", reader.line))?;
    Ok(sections.into_iter().map(entry).collect())
}

fn entry(section: Section) -> Entry {
    let mut branch = Branch::new();
    let comment =
        |text: &str| (!text.is_empty()).then(|| Entry::comment(without_mark(text), false));
    branch.extend(comment(&section.comment));
    for key in section.keys {
        branch.push(Entry::new(&key.name, Value::text(&key.value)));
        branch.extend(comment(&key.comment));
    }
    Entry::new(&section.name, Value::Map(branch))
}

fn without_mark(comment: &str) -> &str {
    match comment.as_bytes() {
        [b';', ..] => comment.trim_start_matches([';', ' ']),
        [b'#', ..] => comment.trim_start_matches(['#', ' ']),
        _ => comment,
    }
}

impl<'a> Reader<'a> {
    /// The next line with its end.
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    fn sections(&mut self) -> Result<Vec<Section>, &'static str> {
        let section = |name: &str, comment| Section {
            name: name.to_owned(),
            comment,
            keys: Vec::new(),
            places: HashMap::new(),
        };
        let mut sections = Vec::new();
        let mut open = section(DEFAULT, String::new());
        let mut unnamed = 1;
        while let Some(line) = self.next() {
            let line = line.trim_start();
            if line.is_empty() {
                continue;
            }
            if line.starts_with(['#', ';']) {
                self.comment.push_str(line);
                continue;
            }
            if let Some(header) = line.strip_prefix('[') {
                let (name, rest) = header.rsplit_once(']').ok_or("unclosed section")?;
                if name.is_empty() {
                    return Err("empty section name");
                }
                if let Some(at) = rest.find(['#', ';']) {
                    self.comment.push_str(&rest[at..]);
                }
                let comment = self.take_comment();
                sections.push(std::mem::replace(&mut open, section(name, comment)));
                unnamed = 1;
                continue;
            }
            let (mut name, value) = key_name(line)?;
            if name == "-" {
                name = format!("#{unnamed}");
                unnamed += 1;
            }
            if name.is_empty() {
                return Err("error creating new key: empty key name");
            }
            let value = self.value(value)?;
            let comment = self.take_comment();
            match open.places.get(&name).and_then(|at| open.keys.get_mut(*at)) {
                Some(key) => (key.value, key.comment) = (value, comment),
                None => {
                    open.places.insert(name.clone(), open.keys.len());
                    open.keys.push(Key { name, value, comment });
                }
            }
        }
        sections.push(open);
        Ok(sections)
    }

    fn value(&mut self, text: &str) -> Result<String, &'static str> {
        let text = text.trim_start();
        for quote in ["\"\"\"", "`"] {
            let Some(inner) = text.strip_prefix(quote) else { continue };
            if quote.len() == 3 && text.len() <= 3 {
                continue;
            }
            return match inner.rfind(quote) {
                Some(end) => Ok(inner[..end].to_owned()),
                None => self.lines_until(inner, quote),
            };
        }
        let text = text.trim_end();
        if let Some(begun) = text.strip_suffix('\\') {
            return Ok(self.continued(begun));
        }
        let text = match text.find(['#', ';']) {
            Some(at) => {
                self.comment.push_str(&text[at..]);
                text[..at].trim()
            }
            None => text,
        };
        Ok(without_quotes(text).to_owned())
    }

    /// A value over several lines, up to the quote that ends it.
    fn lines_until(&mut self, begun: &str, quote: &str) -> Result<String, &'static str> {
        let mut value = begun.to_owned();
        while let Some(line) = self.next() {
            match line.rfind(quote) {
                Some(end) if !line[end + quote.len()..].trim().ends_with('\\') => {
                    value.push_str(&line[..end]);
                    if let Some(at) = line[end..].find(['#', ';']) {
                        self.comment.push_str(line[end + at..].trim());
                    }
                    return Ok(value);
                }
                _ => value.push_str(line),
            }
        }
        Err("missing closing key quote")
    }

    /// A value whose lines end in a backslash.
    fn continued(&mut self, begun: &str) -> String {
        let mut value = begun.to_owned();
        while let Some(line) = self.next().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_suffix('\\') {
                Some(line) => value.push_str(line),
                None => {
                    value.push_str(line);
                    break;
                }
            }
        }
        value
    }
}

/// The name before the delimiter, and what follows it.
fn key_name(line: &str) -> Result<(String, &str), &'static str> {
    const NO_DELIMITER: &str = "key-value delimiter not found";
    let quote = match line.as_bytes() {
        [b'"', b'"', b'"', ..] if line.len() > 6 => "\"\"\"",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        _ => "",
    };
    let (name, rest) = match line[quote.len()..].split_once(quote) {
        Some((name, rest)) if !quote.is_empty() => (name, rest),
        None => return Err("missing closing key quote"),
        Some(_) => {
            let at = line.find(DELIMITERS).ok_or(NO_DELIMITER)?;
            if at == 0 {
                return Err("empty key name");
            }
            return Ok((line[..at].trim().to_owned(), &line[at + 1..]));
        }
    };
    let at = rest.find(DELIMITERS).ok_or(NO_DELIMITER)?;
    Ok((name.trim().to_owned(), &rest[at + 1..]))
}

fn without_quotes(text: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
            return inner;
        }
    }
    text
}
