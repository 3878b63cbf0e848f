use granit_parser::{ScalarStyle, Tag};
use serde_json::Value as Json;

use crate::emit::style::Style;
use crate::scalar::{self, Schema};
use crate::value::{self, Map, Scalar, Value};
use crate::{folded, number};

/// What takes entries over, as a key.
const MERGE: &str = "<<";

/// A scalar of a text.
pub(super) struct Leaf<'a> {
    pub(super) text: &'a str,
    pub(super) style: ScalarStyle,
    pub(super) tag: Option<&'a Tag>,
    pub(super) schema: Schema,
    /// What braces it stands in.
    pub(super) flow: Flow,
    /// It stands where annotations do.
    pub(super) is_annotation: bool,
}

/// The braces around a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flow {
    /// There are none.
    #[default]
    None,
    /// Those of a map.
    Map,
    /// Those of a list.
    List,
}

/// What a text is read to.
pub(super) trait Tree: Clone {
    type Map: Default;

    /// # Errors
    /// Why the scalar has no value.
    fn of_leaf(leaf: &Leaf<'_>) -> Result<Self, String>;
    fn of_key(key: &str) -> Self;
    fn of_items(items: Vec<Self>) -> Self;
    fn of_entries(map: Self::Map, is_flow: bool) -> Self;
    fn has(map: &Self::Map, key: &str) -> bool;
    fn insert(map: &mut Self::Map, key: String, value: Self);
    /// Notes that a key is written without quotes and is no text.
    fn set_bare(map: &mut Self::Map, key: &str);
    /// Adds the entries of a map, or of a list of maps, for which there are none; false when it is neither.
    fn underlay(map: &mut Self::Map, other: Self) -> bool;
    /// The text of a key, or what it is else.
    fn key(&self) -> Result<String, String>;
    fn size(&self) -> usize;
    fn is_nothing(&self) -> bool;
}

impl Tree for Json {
    type Map = serde_json::Map<String, Self>;

    fn of_leaf(leaf: &Leaf<'_>) -> Result<Self, String> {
        let value = leaf.json()?;
        let is_nothing = value.is_null() && leaf.text.is_empty() && leaf.tag.is_none();
        // kustomize writes nothing in braces as an empty text.
        Ok(match is_nothing && leaf.flow == Flow::Map && leaf.schema == Schema::Objects {
            true => Self::String(String::new()),
            false => value,
        })
    }

    fn of_key(key: &str) -> Self {
        key.into()
    }

    fn of_items(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn of_entries(map: Self::Map, _: bool) -> Self {
        Self::Object(map)
    }

    fn has(map: &Self::Map, key: &str) -> bool {
        map.contains_key(key)
    }

    fn insert(map: &mut Self::Map, key: String, value: Self) {
        map.insert(key, value);
    }

    fn set_bare(_: &mut Self::Map, _: &str) {}

    fn underlay(map: &mut Self::Map, other: Self) -> bool {
        match other {
            Self::Object(other) => {
                for (key, value) in other {
                    map.entry(key).or_insert(value);
                }
                true
            }
            Self::Array(maps) => {
                maps.iter().all(Self::is_object)
                    && maps.into_iter().all(|other| Self::underlay(map, other))
            }
            _ => false,
        }
    }

    fn key(&self) -> Result<String, String> {
        match self {
            Self::String(text) => Ok(text.clone()),
            Self::Bool(_) | Self::Number(_) => Err(self.to_string()),
            _ => Err("null".to_owned()),
        }
    }

    fn size(&self) -> usize {
        value::size(self)
    }

    fn is_nothing(&self) -> bool {
        self.is_null()
    }
}

impl Tree for Value {
    type Map = Map;

    fn of_leaf(leaf: &Leaf<'_>) -> Result<Self, String> {
        let style = match leaf.style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let said = leaf.tag.filter(|tag| !is_non_specific(tag));
        let tag = match said {
            Some(tag) => value::Tag::of_name(&format!("!!{}", core_tag(tag))),
            None if style == Style::Plain && leaf.text == MERGE => value::Tag::Merge,
            None if style == Style::Plain => value::Tag::implied(leaf.text),
            None => value::Tag::Text,
        };
        let is_tagged = said.is_some();
        let mut scalar = Scalar { text: leaf.text.to_owned(), tag, style, is_tagged };
        if leaf.flow == Flow::List && !is_tagged && scalar.is_quoted_in_flow() {
            // A list in braces stays one: what is quoted there is a text.
            (scalar.tag, scalar.style) = (value::Tag::Text, Style::Single);
        }
        Ok(scalar.into())
    }

    fn of_key(key: &str) -> Self {
        key.into()
    }

    fn of_items(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn of_entries(mut map: Map, is_flow: bool) -> Self {
        map.is_flow = is_flow;
        Self::Object(map)
    }

    fn has(map: &Map, key: &str) -> bool {
        map.contains_key(key)
    }

    fn insert(map: &mut Map, key: String, value: Self) {
        map.insert(key, value);
    }

    fn set_bare(map: &mut Map, key: &str) {
        map.set_bare(key, true);
    }

    fn underlay(map: &mut Map, other: Self) -> bool {
        match other {
            Self::Object(other) => {
                for (key, value) in other {
                    map.entry(key).or_insert(value);
                }
                true
            }
            Self::Array(maps) => {
                maps.iter().all(Self::is_object)
                    && maps.into_iter().all(|other| Self::underlay(map, other))
            }
            Self::Scalar(_) => false,
        }
    }

    fn key(&self) -> Result<String, String> {
        match self {
            Self::Scalar(scalar) if scalar.is_text() => Ok(scalar.text.clone()),
            Self::Scalar(scalar) => Err(scalar.text.clone()),
            _ => Err("null".to_owned()),
        }
    }

    fn size(&self) -> usize {
        Self::size(self)
    }

    fn is_nothing(&self) -> bool {
        self.is_null()
    }
}

impl Leaf<'_> {
    /// The value without its spelling.
    fn json(&self) -> Result<Json, String> {
        let Self { text, style, schema, .. } = *self;
        if self.is_annotation {
            // A null removes an annotation when this is a patch.
            let null = schema == Schema::Patches
                && style == ScalarStyle::Plain
                && scalar::resolve(text, schema) == Ok(Json::Null);
            return Ok(if null { Json::Null } else { text.into() });
        }
        let Some(tag) = self.tag.filter(|tag| schema == Schema::Config || !is_non_specific(tag))
        else {
            return match style {
                ScalarStyle::Plain => scalar::resolve(text, schema),
                ScalarStyle::Folded if schema == Schema::Objects => {
                    Ok(folded::rewritten(text).into())
                }
                _ => Ok(text.into()),
            };
        };
        match core_tag(tag) {
            name @ ("null" | "bool" | "int" | "float") => {
                let value = scalar::resolve(text, schema)?;
                let fits = match name {
                    "null" => value.is_null(),
                    "bool" => value.is_boolean(),
                    "int" => value.is_number() && number::is_integer(text),
                    _ => value.is_number(),
                };
                match fits {
                    true => Ok(value),
                    false => Err(format!("`{text}` is not of the type that its tag names")),
                }
            }
            "binary" => value::decode(text).map(Json::from),
            _ => Ok(text.into()),
        }
    }
}

/// Is it `!`, which says nothing?
fn is_non_specific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}

/// The name of a tag of YAML's own; empty for others.
pub(super) fn core_tag(tag: &Tag) -> &str {
    const CORE: &str = "tag:yaml.org,2002:";
    if tag.handle() == CORE {
        tag.suffix()
    } else {
        tag.suffix().strip_prefix(CORE).unwrap_or_default()
    }
}
