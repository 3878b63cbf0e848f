//! Objects after the build.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_model::Manifest;
use serde_json::{Map, Number, Value as Json};

use crate::cipher::base64;
use crate::decryptor::Decryptor;
use crate::document::{Entry, Key, Value};
use crate::error::{DecryptError, SopsError};
use crate::format::Format;
use crate::store;

const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// Is the object annotated `kustomize.toolkit.fluxcd.io/decrypt: disabled`? Then it stays as it is.
pub fn is_decryption_disabled(object: &Manifest) -> bool {
    object.annotation(DECRYPT).is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
}

/// Is the object encrypted as a whole: does it have `sops.mac`? Of any kind, not of Secret alone.
pub fn is_encrypted(object: &Manifest) -> bool {
    object.value().pointer("/sops/mac").is_some_and(|mac| match mac {
        Json::Null => false,
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
        _ => true,
    })
}

impl Decryptor<'_> {
    /// The object in plain text.
    ///
    /// One that carries `sops` loses it, and its values are decrypted. A Secret without it keeps its form, and values of its
    /// `data` that are encrypted files become those files in plain text; their keys say the format. Everything else, and
    /// what is annotated `kustomize.toolkit.fluxcd.io/decrypt: disabled`, stays as it is.
    ///
    /// # Errors
    /// When something in it is encrypted and does not decrypt; the error names the object, and its key.
    pub fn object(&self, object: Manifest) -> Result<Manifest, DecryptError> {
        if is_decryption_disabled(&object) {
            Ok(object)
        } else if is_encrypted(&object) {
            self.whole(&object)
        } else if object.kind() == "Secret" {
            self.data(object)
        } else {
            Ok(object)
        }
    }

    fn whole(&self, object: &Manifest) -> Result<Manifest, DecryptError> {
        let plain = self.value(object.value());
        let plain = plain
            .map_err(|source| DecryptError::Object { object: Box::new(object.id()), source })?;
        Manifest::try_from(plain).map_err(|error| DecryptError::NotAnObject {
            object: Box::new(object.id()),
            why: error.to_string(),
        })
    }

    /// A JSON object with `sops`, decrypted and without it. Unlike in a file, no comments are left to choose values.
    ///
    /// # Errors
    /// As [`Decryptor::bytes`].
    pub fn value(&self, encrypted: &Json) -> Result<Json, SopsError> {
        let load = |why: &str| SopsError::Load { format: Format::Json, why: why.to_owned() };
        let Value::Map(branch) = from_json(encrypted) else {
            return Err(load("it is not a map"));
        };
        let loaded = store::nested(vec![branch]).map_err(|why| load(&why))?;
        let (documents, rule) = self.documents(loaded, Format::Json)?;
        if rule.reads_comments() {
            return Err(load(
                "encrypted_comment_regex and unencrypted_comment_regex say nothing here: a build drops comments; encrypt \
                 with encrypted_regex",
            ));
        }
        let branch = documents.into_iter().next().unwrap_or_default();
        to_json(Value::Map(branch)).map_err(|why| SopsError::Emit {
            input: Format::Json,
            output: Format::Json,
            why: why.to_owned(),
        })
    }

    fn data(&self, mut object: Manifest) -> Result<Manifest, DecryptError> {
        let id = object.id();
        let data = object.value_mut().get_mut("data").and_then(Json::as_object_mut);
        for (field, value) in data.into_iter().flatten() {
            let Json::String(text) = value else { continue };
            // What is no base64 is refused later, with better words.
            let Some(content) = base64(text) else { continue };
            let Some(input) = Format::of_encrypted(&content) else { continue };
            let plain = self.bytes(&content, input, Format::for_path(field));
            let plain = plain.map_err(|source| DecryptError::Field {
                object: Box::new(id.clone()),
                field: field.clone(),
                source,
            })?;
            *text = STANDARD.encode(plain);
        }
        Ok(object)
    }
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_f64().map(Value::Float))
            .unwrap_or(Value::Null),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => {
            let entry = |(key, value): (&String, &Json)| Entry::new(key, from_json(value));
            Value::Map(map.iter().map(entry).collect())
        }
    }
}

fn to_json(value: Value) -> Result<Json, &'static str> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(value),
        Value::Int(value) => value.into(),
        Value::Float(value) => number(value)?,
        Value::Text(text) => String::from_utf8_lossy(&text).into_owned().into(),
        Value::Time(time) => time.into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Comment(_) => return Err("a comment stands for a value"),
        Value::List(items) => {
            let items = items.into_iter().filter(|item| !matches!(item, Value::Comment(_)));
            Json::Array(items.map(to_json).collect::<Result<_, _>>()?)
        }
        Value::Map(branch) => {
            let mut map = Map::new();
            for entry in branch {
                if let Key::Text(key) = entry.key {
                    map.insert(key, to_json(entry.value)?);
                }
            }
            Json::Object(map)
        }
    })
}

/// Go's JSON prints a whole float without a point, so it comes back as an integer.
fn number(value: f64) -> Result<Json, &'static str> {
    let text = crate::float::json(value);
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    Number::from_f64(value).map(Json::Number).ok_or("JSON has no infinities, and no NaN")
}
