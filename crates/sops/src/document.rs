//! A file as SOPS sees it: ordered, with its comments.

/// A comment without its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) text: Vec<u8>,
    /// Does it stand behind a value on the same line?
    pub(crate) inline: bool,
}

/// A value. Texts are bytes: what was encrypted need not be UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    /// A time as RFC 3339.
    Time(String),
    /// What old versions wrote as `type:bytes`.
    Bytes(Vec<u8>),
    /// Only in lists.
    Comment(Comment),
    List(Vec<Value>),
    Map(Branch),
}

/// What stands before a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Text(String),
    /// No entry at all.
    Comment(Comment),
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Value,
}

/// A map, or a whole document.
pub(crate) type Branch = Vec<Entry>;

impl Entry {
    pub(crate) fn new(key: &str, value: Value) -> Self {
        Self { key: Key::Text(key.to_owned()), value }
    }

    pub(crate) fn comment(text: &str, inline: bool) -> Self {
        let comment = Comment { text: text.as_bytes().to_vec(), inline };
        Self { key: Key::Comment(comment), value: Value::Null }
    }

    /// The key and the value, unless it is a comment.
    pub(crate) fn pair(&self) -> Option<(&str, &Value)> {
        match &self.key {
            Key::Text(key) => Some((key, &self.value)),
            Key::Comment(_) => None,
        }
    }
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// The value of the first entry with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(branch) = self else { return None };
        branch.iter().filter_map(Entry::pair).find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    /// The items of a list, without comments; a single value is a list of itself.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Self> {
        let items = match self {
            Self::List(items) => items.as_slice(),
            Self::Null => &[],
            one => std::slice::from_ref(one),
        };
        items.iter().filter(|item| !matches!(item, Self::Comment(_)))
    }

    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::Time(_) => "time",
            Self::Bytes(_) => "bytes",
            Self::Comment(_) => "comment",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}
