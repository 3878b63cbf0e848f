use std::collections::HashMap;
use std::sync::LazyLock;

/// The types of client-go's scheme, as `crates/ssa/shapes` prints them: a line a kind, a line a struct.
const TABLE: &str = include_str!("shapes.txt");

/// How a value of some type is read and printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string, also one with a name of its own.
    Text,
    /// A bool.
    Bool,
    /// An int32.
    Int32,
    /// An int64.
    Int64,
    /// Bytes, as base64.
    Bytes,
    /// `metav1.Time`.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
    /// `resource.Quantity`.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// Any JSON.
    Raw,
    /// A slice.
    List(Box<Self>),
    /// A map from strings.
    Map(Box<Self>),
    /// A pointer: absent, or what it points to.
    Pointer(Box<Self>),
    /// A struct, by its place among the structs.
    Struct(usize),
}

/// When a field is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// Always.
    Always,
    /// Unless it is empty: `omitempty`.
    Filled,
    /// Unless it is zero: `omitzero`.
    NonZero,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) printed: Printed,
    pub(super) shape: Shape,
}

/// All kinds and structs.
#[derive(Debug)]
pub(super) struct Shapes {
    kinds: HashMap<(&'static str, &'static str), usize>,
    structs: Vec<Vec<Field>>,
}

impl Shapes {
    /// The table, read once.
    pub(super) fn known() -> &'static Self {
        static KNOWN: LazyLock<Shapes> = LazyLock::new(|| Shapes::read(TABLE));
        &KNOWN
    }

    /// The struct of a kind.
    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<usize> {
        // A key of borrowed strings of any life: the map's own are static.
        self.kinds.get::<(&str, &str)>(&(api_version, kind)).copied()
    }

    /// The fields of a struct.
    pub(super) fn fields(&self, shape: usize) -> &[Field] {
        self.structs.get(shape).map_or(&[], Vec::as_slice)
    }

    fn read(table: &'static str) -> Self {
        let lines = |first: &'static str| {
            let lines = table.lines().map(|line| line.split_ascii_whitespace());
            lines.filter_map(move |mut words| (words.next() == Some(first)).then_some(words))
        };
        let names = lines("type").filter_map(|mut words| words.next());
        let places: HashMap<&str, usize> = names.enumerate().map(|(at, name)| (name, at)).collect();
        let kind = |mut words: std::str::SplitAsciiWhitespace<'static>| {
            let key = (words.next()?, words.next()?);
            Some((key, *places.get(words.next()?)?))
        };
        let fields = |words: std::str::SplitAsciiWhitespace<'static>| {
            words.skip(1).filter_map(|word| field(word, &places)).collect()
        };
        Self {
            kinds: lines("kind").filter_map(kind).collect(),
            structs: lines("type").map(fields).collect(),
        }
    }
}

/// `name:shape`; a name ends in `!` when the field is always printed, in `~` when it is printed unless it is zero.
fn field(word: &'static str, places: &HashMap<&str, usize>) -> Option<Field> {
    let (name, text) = word.split_once(':')?;
    let (name, printed) = match name.as_bytes().last()? {
        b'!' => (&name[..name.len() - 1], Printed::Always),
        b'~' => (&name[..name.len() - 1], Printed::NonZero),
        _ => (name, Printed::Filled),
    };
    Some(Field { name, printed, shape: shape(text, places)? })
}

fn shape(text: &str, places: &HashMap<&str, usize>) -> Option<Shape> {
    let within =
        |open, close| text.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    if let Some(item) = within('[', ']') {
        return Some(Shape::List(Box::new(shape(item, places)?)));
    }
    if let Some(item) = within('{', '}') {
        return Some(Shape::Map(Box::new(shape(item, places)?)));
    }
    if let Some(target) = text.strip_prefix('*') {
        return Some(Shape::Pointer(Box::new(shape(target, places)?)));
    }
    Some(match text {
        "string" => Shape::Text,
        "bool" => Shape::Bool,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "bytes" => Shape::Bytes,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        "quantity" => Shape::Quantity,
        "intorstring" => Shape::IntOrString,
        "raw" => Shape::Raw,
        name => Shape::Struct(*places.get(name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::{Shapes, TABLE};

    #[test]
    fn every_word_of_the_table_is_understood() {
        let shapes = Shapes::known();
        let count = |first: &str| TABLE.lines().filter(|line| line.starts_with(first)).count();
        assert_eq!(shapes.kinds.len(), count("kind "));
        assert_eq!(shapes.structs.len(), count("type "));
        let words = TABLE.lines().filter(|line| line.starts_with("type "));
        let fields: usize = words.map(|line| line.split_ascii_whitespace().count() - 2).sum();
        assert_eq!(shapes.structs.iter().map(Vec::len).sum::<usize>(), fields);
    }
}
