//! Files of each format: text to documents with their metadata, and documents to text.

mod dotenv;
mod ini;
pub(crate) mod json;
mod yaml;

use crate::document::{Branch, Entry, Key, Value};
use crate::flatten::unflatten;
use crate::format::Format;

const METADATA: &str = "sops";

/// An encrypted file.
pub(crate) struct Loaded {
    pub(crate) documents: Vec<Branch>,
    /// What its first document says under `sops`.
    pub(crate) metadata: Branch,
}

/// Reads an encrypted file. Its metadata is no longer in the documents.
///
/// # Errors
/// What is wrong, with its line where that is known, and without its content.
pub(crate) fn load(content: &[u8], format: Format) -> Result<Loaded, String> {
    let text = str::from_utf8(content).map_err(|_| "the file is not UTF-8 text".to_owned())?;
    match format {
        Format::Binary | Format::Json => nested(vec![json::load(text)?]),
        Format::Yaml => nested(yaml::load(text)?),
        Format::Ini => {
            let Loaded { documents, metadata } = nested(vec![ini::load(text)?])?;
            // SOPS escapes line ends in addition to what the format does.
            let unescape = |Entry { key, value }| Entry { key, value: with_line_ends(value) };
            let metadata = unflatten(metadata.into_iter().map(unescape).collect())?;
            Ok(Loaded { documents, metadata })
        }
        Format::Dotenv => {
            let (metadata, document) = dotenv::load(text)?.into_iter().partition(|entry| {
                entry.pair().is_some_and(|(key, _)| key.starts_with(dotenv::PREFIX))
            });
            let metadata: Branch = metadata;
            if metadata.is_empty() {
                return Err(not_found());
            }
            let strip = |entry: Entry| match &entry.key {
                Key::Text(key) => Entry::new(&key[dotenv::PREFIX.len()..], entry.value),
                Key::Comment(_) => entry,
            };
            let metadata = unflatten(metadata.into_iter().map(strip).collect())?;
            Ok(Loaded { documents: vec![document], metadata })
        }
    }
}

/// Writes decrypted documents.
///
/// # Errors
/// What the format cannot hold.
pub(crate) fn emit(documents: &[Branch], format: Format) -> Result<Vec<u8>, String> {
    let Some(first) = documents.first() else { return Err("there is no document".to_owned()) };
    match format {
        Format::Binary if documents.len() > 1 => {
            Err("error emitting binary store: there must be exactly one tree branch".to_owned())
        }
        Format::Binary => binary(first),
        Format::Json => Ok((json::emit(first)? + "\n").into_bytes()),
        Format::Yaml => yaml::emit(documents).map(String::into_bytes),
        Format::Ini => ini::emit(documents),
        Format::Dotenv => dotenv::emit(first),
    }
}

fn binary(branch: &Branch) -> Result<Vec<u8>, String> {
    let data = branch.iter().filter_map(Entry::pair).find(|(key, _)| *key == "data");
    match data {
        Some((_, Value::Text(content))) => Ok(content.clone()),
        Some(_) => {
            Err("error emitting binary store: 'data' key in tree does not have a string value"
                .to_owned())
        }
        None => Err("error emitting binary store: no binary data found in tree".to_owned()),
    }
}

fn not_found() -> String {
    "sops metadata not found".to_owned()
}

/// Takes `sops` out of all documents. That of the first counts.
pub(crate) fn nested(mut documents: Vec<Branch>) -> Result<Loaded, String> {
    let mut metadata = None;
    for (at, document) in documents.iter_mut().enumerate() {
        let is_metadata = |entry: &mut Entry| entry.pair().is_some_and(|(key, _)| key == METADATA);
        let taken: Vec<Entry> = document.extract_if(.., is_metadata).collect();
        for entry in taken.into_iter().filter(|_| at == 0) {
            let Value::Map(branch) = entry.value else {
                return Err(format!("Found {METADATA} entry that is not a mapping"));
            };
            if metadata.replace(branch).is_some() {
                return Err(format!("Found duplicate {METADATA} entry"));
            }
        }
    }
    metadata.map(|metadata| Loaded { documents, metadata }).ok_or_else(not_found)
}

fn with_line_ends(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(replace(&text, b"\\n", b"\n")),
        other => other,
    }
}

/// Replaces bytes in bytes.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        match rest.strip_prefix(from) {
            Some(tail) => {
                out.extend_from_slice(to);
                rest = tail;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// A value as `key=value` formats write it, where Go prints what has no form of its own.
fn flat(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.clone(),
        Value::Null => b"<nil>".to_vec(),
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Int(value) => value.to_string().into_bytes(),
        Value::Float(value) => {
            let text = crate::float::general(*value, 'G');
            let is_whole = !text.contains(['.', 'E']) && value.is_finite();
            if is_whole { format!("{text}.0") } else { text }.into_bytes()
        }
        Value::Time(time) => time.clone().into_bytes(),
        Value::Bytes(bytes) => {
            let bytes: Vec<_> = bytes.iter().map(u8::to_string).collect();
            format!("[{}]", bytes.join(" ")).into_bytes()
        }
        Value::Comment(_) | Value::List(_) | Value::Map(_) => Vec::new(),
    }
}
