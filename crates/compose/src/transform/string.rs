use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{TransformError, input};
use crate::go;
use crate::wire::{Regexp, Strings};

/// A string made of any value: non-strings are first printed as Go's `%v` does.
pub fn string(options: &Strings, value: &Value) -> Result<String, TransformError> {
    let type_ = options.type_.as_str();
    let unset = |what: &str| input(format!("string transform of type {type_} {what} is not set"));
    match type_ {
        "Format" => {
            let format = options.fmt.as_ref().ok_or_else(|| unset("fmt"))?;
            Ok(go::fmt::sprintf(format, std::slice::from_ref(value)))
        }
        "Convert" => {
            let to = options.convert.as_ref().ok_or_else(|| unset("convert"))?;
            convert(to, value)
        }
        "TrimPrefix" | "TrimSuffix" => {
            let trim = options.trim.as_ref().ok_or_else(|| unset("trim"))?;
            let text = go::fmt::plain(value);
            let rest = if type_ == "TrimPrefix" {
                text.strip_prefix(trim.as_str())
            } else {
                text.strip_suffix(trim.as_str())
            };
            Ok(rest.unwrap_or(&text).to_owned())
        }
        "Regexp" => regexp(options.regexp.as_ref().ok_or_else(|| unset("regexp"))?, value),
        "Join" => {
            let join = options.join.as_ref().ok_or_else(|| unset("join"))?;
            let list = value.as_array().ok_or_else(|| input("could not parse input array"))?;
            let parts: Vec<String> = list.iter().map(go::fmt::plain).collect();
            Ok(parts.join(&join.separator))
        }
        "Replace" => {
            let replace = options.replace.as_ref().ok_or_else(|| unset("replace"))?;
            Ok(go::fmt::plain(value).replace(&replace.search, &replace.replace))
        }
        other => Err(input(format!("type {other} is not supported for string transform type"))),
    }
}

fn convert(to: &str, value: &Value) -> Result<String, TransformError> {
    match to {
        "ToUpper" => Ok(go::fmt::plain(value).to_uppercase()),
        "ToLower" => Ok(go::fmt::plain(value).to_lowercase()),
        "ToJson" => Ok(go::json::to_string(value)),
        "ToBase64" => Ok(STANDARD.encode(go::fmt::plain(value))),
        "FromBase64" => {
            let bytes = STANDARD
                .decode(go::fmt::plain(value))
                .map_err(|error| input(format!("string is not valid base64: {error}")))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        "ToSha1" => Ok(hex::encode(Sha1::digest(hashed(value)))),
        "ToSha256" => Ok(hex::encode(Sha256::digest(hashed(value)))),
        "ToSha512" => Ok(hex::encode(Sha512::digest(hashed(value)))),
        "ToAdler32" => Ok(adler32(&hashed(value)).to_string()),
        other => Err(input(format!("type {other} is not supported for string convert"))),
    }
}

/// A string itself, anything else as JSON.
fn hashed(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => go::json::to_string(other).into_bytes(),
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}

fn regexp(options: &Regexp, value: &Value) -> Result<String, TransformError> {
    let pattern = &options.match_;
    let regex = go::regex::compile(pattern)
        .map_err(|error| input(format!("could not compile regexp: {error}")))?;
    let group = options.group.unwrap_or(0);
    let text = go::fmt::plain(value);
    let none = || input(format!("regexp {pattern:?} had no matches for group {group}"));
    let captures = regex.captures(&text).ok_or_else(none)?;
    if group >= captures.len() {
        return Err(none());
    }
    // A group that took no part in the match is empty, not an error.
    Ok(captures.get(group).map_or("", |found| found.as_str()).to_owned())
}
