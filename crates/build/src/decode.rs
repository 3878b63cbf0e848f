//! Values to types as Go's JSON reader does it: the case of keys does not count, null leaves a field as it is.

use capstan_yaml::shortest_single;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};
use serde_json::{Number, Value};

type Error = serde_json::Error;

/// How strange input is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// kustomization.yaml: unknown fields and scalars of another type are errors.
    Strict,
    /// Plugins' configurations: unknown fields are skipped, scalars become the texts that are wanted.
    Lenient,
    /// What is embedded in them: unknown fields are skipped, and scalars of another type are errors.
    Embedded,
}

/// Reads a value.
///
/// # Errors
/// What does not fit, in serde's words.
pub(crate) fn decode<T: DeserializeOwned>(value: &Value, mode: Mode) -> Result<T, Error> {
    T::deserialize(Reader { value, mode })
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    value: &'a Value,
    mode: Mode,
}

impl<'a> Reader<'a> {
    const fn of(self, value: &'a Value) -> Self {
        Self { value, mode: self.mode }
    }

    /// The text of a scalar where a text is wanted.
    fn text(self) -> Option<String> {
        match (self.value, self.mode) {
            (Value::String(text), _) => Some(text.clone()),
            (Value::Null, _) => Some(String::new()),
            (Value::Bool(flag), Mode::Lenient) => Some(flag.to_string()),
            (Value::Number(number), Mode::Lenient) => Some(of_number(number)),
            _ => None,
        }
    }
}

/// A number as the text that it becomes: a float in as few digits as one of 32 bits needs.
fn of_number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => shortest_single(float),
        _ => number.to_string(),
    }
}

/// The name by which [`Reader`] knows [`Embedded`].
const EMBEDDED: &str = "Embedded";

/// A value that Go embeds in another: sigs.k8s.io/yaml does not see which of its fields are texts, so it makes no scalar one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename = "Embedded")]
pub(crate) struct Embedded<T>(pub(crate) T);

/// A field of a struct that Go embeds, see [`Embedded`].
pub(crate) fn embedded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Embedded::deserialize(deserializer).map(|Embedded(value)| value)
}

macro_rules! scalars {
    ($($method:ident => $visit:ident($null:expr)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.value {
                Value::Null => visitor.$visit($null),
                value => value.$method(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), reader: self }),
            Value::Object(_) => visitor.visit_map(Entries::new(&[], self)),
            value => value.deserialize_any(visitor),
        }
    }

    scalars! {
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i8(0),
        deserialize_i16 => visit_i16(0),
        deserialize_i32 => visit_i32(0),
        deserialize_i64 => visit_i64(0),
        deserialize_u8 => visit_u8(0),
        deserialize_u16 => visit_u16(0),
        deserialize_u32 => visit_u32(0),
        deserialize_u64 => visit_u64(0),
        deserialize_f32 => visit_f32(0.0),
        deserialize_f64 => visit_f64(0.0),
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text() {
            Some(text) => visitor.visit_string(text),
            None => self.value.deserialize_str(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mode = match (name, self.mode) {
            (EMBEDDED, Mode::Lenient) => Mode::Embedded,
            (_, mode) => mode,
        };
        visitor.visit_newtype_struct(Self { mode, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_seq(Items { items: [].iter(), reader: self }),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), reader: self }),
            value => value.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null | Value::Object(_) => visitor.visit_map(Entries::new(&[], self)),
            value => value.deserialize_map(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::Null | Value::Object(_) => visitor.visit_map(Entries::new(fields, self)),
            value => value.deserialize_struct(name, fields, visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.text() {
            Some(text) => {
                let text: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
                visitor.visit_enum(text)
            }
            None => Err(Error::custom("expected a text")),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Value>,
    reader: Reader<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.items.next().map(|item| seed.deserialize(self.reader.of(item))).transpose()
    }
}

struct Entries<'a> {
    entries: Vec<(String, &'a Value)>,
    reader: Reader<'a>,
}

impl<'a> Entries<'a> {
    /// The entries of a map; with fields, those of a struct: in its spelling, without nulls.
    fn new(fields: &[&str], reader: Reader<'a>) -> Self {
        let mut entries: Vec<(String, &Value)> = Vec::new();
        for (key, value) in reader.value.as_object().into_iter().flatten() {
            let spelt = fields.iter().find(|field| field.eq_ignore_ascii_case(key));
            let name = spelt.map_or(key.as_str(), |field| *field);
            let is_skipped = !fields.is_empty()
                && (value.is_null() || (spelt.is_none() && reader.mode != Mode::Strict));
            if is_skipped {
                continue;
            }
            match entries.iter_mut().find(|(known, _)| known == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name.to_owned(), value)),
            }
        }
        entries.reverse();
        Self { entries, reader }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, _)) = self.entries.last() else { return Ok(None) };
        let key: StrDeserializer<'_, Error> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (_, value) = self.entries.pop().expect("a key was read");
        seed.deserialize(self.reader.of(value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::{Embedded, Mode, decode, embedded};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
    struct Example {
        new_tag: String,
        count: i64,
        pairs: BTreeMap<String, String>,
        list: Vec<String>,
    }

    fn read(value: &Value, mode: Mode) -> Result<Example, String> {
        decode(value, mode).map_err(|error| error.to_string())
    }

    #[test]
    fn case_does_not_count_and_null_is_nothing() {
        let value = json!({"NewTag": "a", "count": null, "pairs": {"k": null}, "list": null});
        let expected = Example {
            new_tag: "a".to_owned(),
            pairs: [("k".to_owned(), String::new())].into(),
            ..Example::default()
        };
        assert_eq!(read(&value, Mode::Strict), Ok(expected));
    }

    #[test]
    fn only_lenient_reading_turns_scalars_into_texts() {
        let value = json!({"pairs": {"a": true, "b": 1.0, "c": 2, "d": 1.23456789, "e": 1.5e25}});
        assert!(read(&value, Mode::Strict).is_err());
        let pairs = [("a", "true"), ("b", "1"), ("c", "2"), ("d", "1.2345679"), ("e", "1.5e+25")];
        let pairs = pairs.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
        assert_eq!(read(&value, Mode::Lenient), Ok(Example { pairs, ..Example::default() }));
    }

    #[test]
    fn what_is_embedded_makes_no_texts_of_scalars() {
        #[derive(Deserialize)]
        struct Outer {
            list: Vec<Embedded<Example>>,
            #[serde(deserialize_with = "embedded")]
            name: String,
        }
        let read = |value: &Value| decode::<Outer>(value, Mode::Lenient);
        let read = |value| read(&value).map(|it| (it.list[0].0.new_tag.clone(), it.name)).ok();
        let both = Some(("a".to_owned(), "b".to_owned()));
        assert_eq!(read(json!({"list": [{"newTag": "a", "bogus": 1}], "name": "b"})), both);
        assert_eq!(read(json!({"list": [{"newTag": 1}], "name": "b"})), None);
        assert_eq!(read(json!({"list": [{}], "name": 1})), None);
    }

    #[test]
    fn unknown_fields_are_errors_where_it_is_strict() {
        let error = read(&json!({"bogus": 1}), Mode::Strict).expect_err("unknown");
        assert!(error.contains("unknown field `bogus`"), "{error}");
        assert_eq!(read(&json!({"bogus": 1}), Mode::Lenient), Ok(Example::default()));
    }
}
