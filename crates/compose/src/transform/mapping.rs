use std::collections::BTreeMap;

use serde_json::Value;

use super::{TransformError, input};
use crate::go::{self, Go};
use crate::wire::{Match, Pattern};

/// What a string is mapped to; a key that is absent is an error, never "not found".
pub fn map(pairs: &BTreeMap<String, Value>, value: &Value) -> Result<Value, TransformError> {
    let Value::String(key) = value else {
        let kind = Go::from(value).kind();
        return Err(input(format!("type {kind} is not supported for map transform")));
    };
    let known = || pairs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    pairs
        .get(key)
        .cloned()
        .ok_or_else(|| input(format!("key {key} is not found in map (it has: {})", known())))
}

/// The result of the first pattern that matches, else the fallback.
pub fn match_(options: &Match, value: &Value) -> Result<Value, TransformError> {
    for (index, pattern) in options.patterns.iter().enumerate() {
        let matched = matches(pattern, value)
            .map_err(|cause| input(format!("cannot match pattern at index {index}: {cause}")))?;
        if matched {
            return Ok(pattern.result.clone());
        }
    }
    if options.fallback_to == "Input" {
        if options.fallback_value.is_some() {
            let both = "cannot set both a fallback value and the fallback to input flag";
            return Err(input(both));
        }
        return Ok(value.clone());
    }
    Ok(options.fallback_value.clone().unwrap_or_default())
}

fn matches(pattern: &Pattern, value: &Value) -> Result<bool, String> {
    let text = || match value {
        Value::String(text) => Ok(text),
        other => Err(format!("unsupported input type '{}'", Go::from(other).kind())),
    };
    match pattern.type_.as_str() {
        "literal" => {
            let literal = pattern.literal.as_ref();
            let literal = literal.ok_or("literal is required by type literal")?;
            Ok(text()? == literal)
        }
        "regexp" => {
            let expression = pattern.regexp.as_ref();
            let expression = expression.ok_or("regexp is required by type regexp")?;
            let regex = go::regex::compile(expression)
                .map_err(|error| format!("cannot compile regexp: {error}"))?;
            Ok(regex.is_match(text()?))
        }
        other => Err(format!("unsupported pattern type '{other}'")),
    }
}
