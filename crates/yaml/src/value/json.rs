//! Values without spelling.

use serde_json::Value as Json;

use super::{Map, Meaning, PART, Scalar, Tag, Value};
use crate::emit::style::Style;
use crate::{number, scalar};

impl Value {
    /// What it means once it is written.
    ///
    /// # Errors
    /// When a text is not of the type that its tag names.
    pub fn to_json(&self) -> Result<Json, String> {
        to_json(self, false)
    }

    /// As [`Self::to_json`]. What is not of its type is a text.
    pub fn into_json(self) -> Json {
        into_json(self, false)
    }

    /// A value as kustomize writes it anew from JSON, where every number is a float.
    pub fn of_json(json: Json) -> Self {
        match json {
            Json::Null => Self::null(),
            Json::Bool(flag) => flag.into(),
            Json::Number(number) => {
                let text = number.as_f64().map(number::shortest).unwrap_or_default();
                let tag = Tag::implied(&text);
                Scalar::typed(text, tag).into()
            }
            Json::String(text) => quoted_where_needed(text),
            Json::Array(items) => items.into_iter().map(Self::of_json).collect(),
            Json::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| (key, Self::of_json(value)));
                entries.collect::<Map>().into()
            }
        }
    }

    /// A value as it stands in JSON: maps in braces, texts in quotes.
    pub fn in_json(json: Json) -> Self {
        match json {
            Json::String(text) => {
                let style = Style::Double;
                Scalar { text, tag: Tag::Text, style, is_tagged: false }.into()
            }
            Json::Number(number) => {
                let text = number::in_json(&number);
                let tag = Tag::implied(&text);
                Scalar::typed(text, tag).into()
            }
            Json::Array(items) => items.into_iter().map(Self::in_json).collect(),
            Json::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| (key, Self::in_json(value)));
                Self::Object(Map { is_flow: true, ..entries.collect() })
            }
            other => Self::of_json(other),
        }
    }
}

/// A text in the style in which go-yaml writes one that has none.
fn quoted_where_needed(text: String) -> Value {
    let style = if text.contains('\n') {
        Style::Literal
    } else if scalar::needs_quotes(&text) {
        Style::Double
    } else {
        Style::Plain
    };
    Scalar { text, tag: Tag::Text, style, is_tagged: false }.into()
}

/// Plain data, as it was without a spelling.
impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Number(number) => {
                let text = number.to_string();
                let tag = Tag::implied(&text);
                Scalar::typed(text, tag).into()
            }
            Json::String(text) => text.into(),
            Json::Array(items) => items.into_iter().map(Self::from).collect(),
            Json::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| (key, Self::from(value)));
                entries.collect::<Map>().into()
            }
            other => Self::of_json(other),
        }
    }
}

fn to_json(value: &Value, in_flow: bool) -> Result<Json, String> {
    Ok(match value {
        Value::Scalar(scalar) => of_meaning(scalar.meaning(in_flow)?),
        Value::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| to_json(item, in_flow)).collect();
            Json::Array(items?)
        }
        Value::Object(map) => {
            map.check_keys()?;
            let in_flow = in_flow || map.is_flow;
            let entry = |(key, value): (&String, &Value)| -> Result<_, String> {
                Ok((key.clone(), to_json(value, in_flow)?))
            };
            Json::Object(map.iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
}

fn into_json(value: Value, in_flow: bool) -> Json {
    match value {
        Value::Scalar(scalar) if scalar.tag == Tag::Text && scalar.style != Style::Folded => {
            Json::String(scalar.text)
        }
        Value::Scalar(scalar) => match scalar.meaning(in_flow) {
            Ok(meaning) => of_meaning(meaning),
            Err(_) => Json::String(scalar.text),
        },
        Value::Array(items) => {
            Json::Array(items.into_iter().map(|item| into_json(item, in_flow)).collect())
        }
        Value::Object(map) => {
            let in_flow = in_flow || map.is_flow;
            Json::Object(map.into_iter().map(|(key, v)| (key, into_json(v, in_flow))).collect())
        }
    }
}

fn of_meaning(meaning: Meaning<'_>) -> Json {
    match meaning {
        Meaning::Null => Json::Null,
        Meaning::Bool(flag) => Json::Bool(flag),
        Meaning::Number(number) => Json::Number(number),
        Meaning::Text(text) => Json::String(text.into_owned()),
    }
}

/// The bytes that a value takes, roughly: each of its parts, and its texts.
pub fn size(value: &Json) -> usize {
    PART + match value {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(size).sum(),
        Json::Object(map) => map.iter().map(|(key, value)| key.len() + size(value)).sum(),
        _ => 0,
    }
}
