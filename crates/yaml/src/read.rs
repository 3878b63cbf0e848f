use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag, options};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::YamlError;
use crate::scalar::{self, Schema};
use crate::{number, split};

/// Bytes that anchors and aliases may add to one text: far above any real manifest, and far below what would hurt.
const ALIAS_BUDGET: usize = 16 << 20;
/// The parser's words for something after a document that begins no other.
const NO_DOCUMENT: &str = "did not find expected <document start>";

/// A place in a text. Both count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One document of a text, and where its parts stand.
#[derive(Clone, Debug)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Where the content starts.
    pub start: Mark,
    /// JSON pointers of the nulls that are written as nothing.
    pub empty: Vec<String>,
    /// Labels and annotations of a patch that are no texts, and annotations of an object that are written like something
    /// else: JSON pointers and how the values are written.
    pub texts: BTreeMap<String, String>,
    /// Folded texts of a patch: JSON pointers.
    pub folded: Vec<String>,
    marks: BTreeMap<String, Mark>,
}

impl Document {
    /// Where the value under a JSON pointer stands; that of its nearest known ancestor else.
    pub fn mark(&self, pointer: &str) -> Mark {
        let mut pointer = pointer;
        loop {
            if let Some(mark) = self.marks.get(pointer) {
                return *mark;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return self.start,
            }
        }
    }
}

/// The documents of a text as values; empty ones are left out. `file` names the text in errors.
///
/// # Errors
/// The first fault of the text: bad syntax, a duplicate key, a key that is no string, an unknown
/// anchor, a number that JSON cannot hold.
pub fn read(text: &str, file: &str) -> Result<Vec<Value>, YamlError> {
    let documents = all(text, file, Schema::Objects, Kept::Values)?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// As [`read`], with where each document starts and a choice of schema.
///
/// # Errors
/// Those of [`read`].
pub fn read_documents(text: &str, file: &str, schema: Schema) -> Result<Vec<Document>, YamlError> {
    all(text, file, schema, Kept::Paths)
}

/// As [`read_documents`] of configuration, with the place of every value.
///
/// # Errors
/// Those of [`read`].
pub fn read_marked(text: &str, file: &str) -> Result<Vec<Document>, YamlError> {
    all(text, file, Schema::Config, Kept::Marks)
}

/// What is kept beside the values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Values,
    /// What depends on where a value is.
    Paths,
    /// That, and the places of all values.
    Marks,
}

fn all(text: &str, file: &str, schema: Schema, kept: Kept) -> Result<Vec<Document>, YamlError> {
    if schema == Schema::Config {
        return Reader::new(text, file, 0, schema, kept).documents();
    }
    let text = split::with_plain_line_ends(text);
    let mut documents = Vec::new();
    let mut budget = ALIAS_BUDGET;
    for part in split::parts(&text, file)? {
        let mut reader = Reader::new(part.text, file, part.line, schema, kept);
        reader.alias_budget = budget;
        documents.extend(reader.first()?);
        budget = reader.alias_budget;
    }
    Ok(documents)
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    file: &'a str,
    /// How many lines stand before the text.
    line: usize,
    refused: Option<String>,
    /// JSON's pairs of escapes, which are no YAML.
    has_surrogates: bool,
    /// The length of a text whose last line has no line break.
    open_end: Option<usize>,
    text: &'a str,
    schema: Schema,
    anchors: HashMap<usize, Value>,
    alias_budget: usize,
    kept: Kept,
    marks: BTreeMap<String, Mark>,
    empty: Vec<String>,
    texts: BTreeMap<String, String>,
    folded: Vec<String>,
    /// Is the map in braces that is read?
    is_flow: bool,
    path: String,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, file: &'a str, line: usize, schema: Schema, kept: Kept) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // kustomize takes a text apart at its document marks before it reads it: a directive stands alone there.
        let directive = text.lines().next().is_some_and(|line| line.starts_with('%'));
        Self {
            refused: (schema != Schema::Config && directive).then(|| NO_DOCUMENT.to_owned()),
            has_surrogates: schema != Schema::Config && has_surrogates(text),
            open_end: has_open_end(text).then_some(text.len()),
            text,
            events: Parser::new_from_str_with_options(text, options!(emit_comments: false)),
            file,
            line,
            schema,
            anchors: HashMap::new(),
            alias_budget: ALIAS_BUDGET,
            kept,
            marks: BTreeMap::new(),
            empty: Vec::new(),
            texts: BTreeMap::new(),
            folded: Vec::new(),
            is_flow: false,
            path: String::new(),
        }
    }

    fn documents(&mut self) -> Result<Vec<Document>, YamlError> {
        let mut documents = Vec::new();
        while let Some(document) = self.document()? {
            documents.push(document);
        }
        documents.retain(|document| !document.value.is_null());
        Ok(documents)
    }

    /// The first document, unless it is empty. kustomize's reader does not look at what follows it, as long as that
    /// begins like YAML.
    fn first(&mut self) -> Result<Option<Document>, YamlError> {
        let Some(document) = self.document()? else { return Ok(None) };
        loop {
            match self.next() {
                Ok((Event::DocumentEnd, _)) => {}
                Err(error) if error.message != NO_DOCUMENT => return Err(error),
                _ => return Ok(Some(document).filter(|document| !document.value.is_null())),
            }
        }
    }

    fn document(&mut self) -> Result<Option<Document>, YamlError> {
        if let Some(why) = self.refused.take() {
            return Err(self.error(self.mark_at(1, 1), why));
        }
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(None),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => {
                    let start = self.mark(&span);
                    let value = self.value(event, &span)?;
                    let marks = std::mem::take(&mut self.marks);
                    self.anchors.clear();
                    let empty = std::mem::take(&mut self.empty);
                    let texts = std::mem::take(&mut self.texts);
                    let folded = std::mem::take(&mut self.folded);
                    return Ok(Some(Document { value, start, empty, texts, folded, marks }));
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.events.next() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(error)) => {
                let at = error.marker();
                Err(self.error(self.mark_at(at.line(), at.col() + 1), error.info()))
            }
            None => Err(self.error(self.mark_at(1, 1), "the text ends early".to_owned())),
        }
    }

    fn mark(&self, span: &Span) -> Mark {
        self.mark_at(span.start.line(), span.start.col() + 1)
    }

    const fn mark_at(&self, line: usize, column: usize) -> Mark {
        Mark { line: self.line + line, column }
    }

    fn value(&mut self, event: Event<'a>, span: &Span) -> Result<Value, YamlError> {
        if self.kept == Kept::Marks {
            self.marks.insert(self.path.clone(), self.mark(span));
        }
        let (value, anchor) = match event {
            Event::SequenceStart(_, anchor, _) => (self.sequence()?, anchor),
            Event::MappingStart(style, anchor, _) => {
                let outer = std::mem::replace(&mut self.is_flow, style == StructureStyle::Flow);
                let value = self.mapping()?;
                self.is_flow = outer;
                (value, anchor)
            }
            leaf => return self.leaf(leaf, span),
        };
        self.note(anchor, &value, span)?;
        Ok(value)
    }

    /// A value without values in it. On its own, because what calls itself must be small on the stack.
    fn leaf(&mut self, event: Event<'a>, span: &Span) -> Result<Value, YamlError> {
        let (text, style, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (text, style, anchor, tag),
            Event::Alias(id) => return self.alias(id, span),
            _ => return Err(self.error(self.mark(span), "a value was expected here".to_owned())),
        };
        self.refuse_escapes(&text, style, span)?;
        // The parser calls nothing a tilde.
        let is_tilde = span.is_empty() && style == ScalarStyle::Plain;
        let text = if is_tilde { "" } else { self.without_missing_break(&text, style, span) };
        let value = self
            .scalar(text, style, tag.as_deref())
            .map_err(|message| self.error(self.mark(span), message))?;
        // A null that is written as nothing, or as an empty text that a tag calls null.
        let is_nothing = value.is_null() && (span.is_empty() || text.is_empty());
        if is_nothing || (is_tilde && self.is_object_annotation()) {
            self.empty.push(self.path.clone());
        }
        // kustomize writes nothing in braces as an empty text.
        let value =
            match is_nothing && tag.is_none() && self.is_flow && self.schema == Schema::Objects {
                true => Value::String(String::new()),
                false => value,
            };
        if self.schema == Schema::Patches {
            self.note_spelling(text, style, &value);
        } else if style == ScalarStyle::Plain
            && self.is_object_annotation()
            && scalar::resolve(text, self.schema).is_ok_and(|meant| meant != text)
        {
            self.texts.insert(self.path.clone(), text.to_owned());
        }
        self.note(anchor, &value, span)?;
        Ok(value)
    }

    fn is_object_annotation(&self) -> bool {
        self.schema == Schema::Objects && is_annotation(&self.path)
    }

    /// Remembers how a value of a patch is written, where that counts.
    fn note_spelling(&mut self, text: &str, style: ScalarStyle, value: &Value) {
        if style == ScalarStyle::Folded {
            self.folded.push(self.path.clone());
        }
        if value != text && (is_annotation(&self.path) || is_label(&self.path)) {
            self.texts.insert(self.path.clone(), text.to_owned());
        }
    }

    /// The last line of a block scalar has a break only where the text has one.
    fn without_missing_break<'t>(&self, text: &'t str, style: ScalarStyle, span: &Span) -> &'t str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        match self.open_end {
            Some(end) if is_block && span.end.byte_offset() == Some(end) => {
                text.strip_suffix('\n').unwrap_or(text)
            }
            _ => text,
        }
    }

    /// Remembers a value that has an anchor.
    fn note(&mut self, anchor: usize, value: &Value, span: &Span) -> Result<(), YamlError> {
        if anchor != 0 {
            self.charge(value, span)?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(())
    }

    /// Pays for a copy of a value.
    fn charge(&mut self, value: &Value, span: &Span) -> Result<(), YamlError> {
        match self.alias_budget.checked_sub(size(value)) {
            Some(left) => {
                self.alias_budget = left;
                Ok(())
            }
            None => {
                let message =
                    format!("anchors and aliases expand to more than {} MiB", ALIAS_BUDGET >> 20);
                Err(self.error(self.mark(span), message))
            }
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
        if self.schema != Schema::Config && is_annotation(&self.path) {
            // A null removes an annotation when this is a patch.
            let null = self.schema == Schema::Patches
                && style == ScalarStyle::Plain
                && scalar::resolve(text, self.schema) == Ok(Value::Null);
            return Ok(if null { Value::Null } else { Value::String(text.to_owned()) });
        }
        let Some(tag) = tag else {
            return match style {
                ScalarStyle::Plain => scalar::resolve(text, self.schema),
                ScalarStyle::Folded if self.schema == Schema::Objects => {
                    Ok(Value::String(crate::folded::rewritten(text)))
                }
                _ => Ok(Value::String(text.to_owned())),
            };
        };
        match core_tag(tag) {
            name @ ("null" | "bool" | "int" | "float") => {
                let value = scalar::resolve(text, self.schema)?;
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
            "binary" => decode(text),
            _ => Ok(Value::String(text.to_owned())),
        }
    }

    /// JSON writes what is beyond sixteen bits as a pair of escapes, of which YAML takes neither.
    /// An escaped slash is of YAML 1.2, which kustomize's reader is not.
    fn refuse_escapes(&self, text: &str, style: ScalarStyle, span: &Span) -> Result<(), YamlError> {
        if style != ScalarStyle::DoubleQuoted {
            return Ok(());
        }
        let is_slash = || {
            let written = span.slice(self.text).unwrap_or_default().replace("\\\\", "");
            text.contains('/') && written.contains("\\/")
        };
        let message = if self.has_surrogates && text.chars().any(|c| c > '\u{ffff}') {
            "found invalid Unicode character escape code"
        } else if is_slash() {
            "found unknown escape character"
        } else {
            return Ok(());
        };
        Err(self.error(self.mark(span), message.to_owned()))
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Value, YamlError> {
        let Some(value) = self.anchors.get(&id) else {
            let message = "an anchor cannot contain itself".to_owned();
            return Err(self.error(self.mark(span), message));
        };
        let value = value.clone();
        self.charge(&value, span)?;
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let length = self.path.len();
            self.enter(items.len());
            items.push(self.value(event, &span)?);
            self.path.truncate(length);
        }
    }

    /// Steps to an item of a list.
    fn enter(&mut self, index: usize) {
        if self.kept != Kept::Values {
            let _ = write!(self.path, "/{index}");
        }
    }

    fn mapping(&mut self) -> Result<Value, YamlError> {
        let mut map = Map::new();
        let mut merged = Map::new();
        let mut has_merged = false;
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = is_merge(&event);
            let key = self.key(event, &span)?;
            let (event, value_span) = self.next()?;
            if is_merge {
                if has_merged {
                    return Err(self.error(self.mark(&span), "duplicate merge key".to_owned()));
                }
                has_merged = true;
                let value = self.value(event, &value_span)?;
                self.merge(&mut merged, value, &value_span)?;
                continue;
            }
            let value = self.child(&key, event, &value_span)?;
            self.insert(&mut map, key, value, &span)?;
        }
        for (key, value) in merged {
            map.entry(key).or_insert(value);
        }
        Ok(Value::Object(map))
    }

    fn insert(
        &self,
        map: &mut Map<String, Value>,
        key: String,
        value: Value,
        span: &Span,
    ) -> Result<(), YamlError> {
        match map.entry(key) {
            Entry::Vacant(place) => drop(place.insert(value)),
            // Configuration takes the last of two equal keys, objects none.
            Entry::Occupied(mut old) if self.schema == Schema::Config => drop(old.insert(value)),
            Entry::Occupied(old) => {
                let key = old.key();
                let message = format!("mapping key \"{key}\" already defined: it is given twice");
                return Err(self.error(self.mark(span), message));
            }
        }
        Ok(())
    }

    fn child(&mut self, key: &str, event: Event<'a>, span: &Span) -> Result<Value, YamlError> {
        if self.kept == Kept::Values {
            return self.value(event, span);
        }
        let length = self.path.len();
        self.path.push('/');
        if key.contains(['~', '/']) {
            self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        } else {
            self.path.push_str(key);
        }
        let value = self.value(event, span);
        self.path.truncate(length);
        value
    }

    fn key(&mut self, event: Event<'a>, span: &Span) -> Result<String, YamlError> {
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_escapes(&text, style, span)?;
                let value = match (style, &tag) {
                    (ScalarStyle::Plain, None) => scalar::resolve(&text, self.schema)
                        .unwrap_or_else(|_| Value::String(text.to_string())),
                    _ => Value::String(text.to_string()),
                };
                // Configuration becomes JSON, whose keys are texts: `n:` is `"false":`.
                let value = match value {
                    Value::Bool(_) | Value::Number(_) if self.schema != Schema::Objects => {
                        Value::String(value.to_string())
                    }
                    value => value,
                };
                if anchor != 0 {
                    self.anchors.insert(anchor, value.clone());
                }
                value
            }
            Event::Alias(id) => self.alias(id, span)?,
            _ => Value::Null,
        };
        match value {
            Value::String(key) => Ok(key),
            Value::Bool(_) | Value::Number(_) => {
                Err(self.error(self.mark(span), format!("key `{value}` is not a string; quote it")))
            }
            _ => Err(self.error(self.mark(span), "a key must be a string".to_owned())),
        }
    }

    /// `<<`: the keys of one map or of several, of which earlier ones win.
    fn merge(
        &self,
        into: &mut Map<String, Value>,
        value: Value,
        span: &Span,
    ) -> Result<(), YamlError> {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    into.entry(key).or_insert(value);
                }
                Ok(())
            }
            Value::Array(maps) if maps.iter().all(Value::is_object) => {
                maps.into_iter().try_for_each(|item| self.merge(into, item, span))
            }
            _ => Err(self.error(self.mark(span), "`<<` merges a map or a list of maps".to_owned())),
        }
    }

    fn error(&self, at: Mark, message: String) -> YamlError {
        YamlError { file: self.file.to_owned(), line: at.line, column: at.column, message }
    }
}

/// Does a text have an escape of half a character, as JSON writes what is beyond sixteen bits?
pub(crate) fn has_surrogates(text: &str) -> bool {
    let after = text.match_indices("\\u").map(|(at, _)| &text.as_bytes()[at + 2..]);
    after.into_iter().any(|rest| match rest {
        [first, second, ..] => {
            first.eq_ignore_ascii_case(&b'd')
                && matches!(second, b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F')
        }
        _ => false,
    })
}

/// Is it the key `<<`?
fn is_merge(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, style, _, tag)
    if text == "<<" && match tag.as_deref() {
        Some(tag) => core_tag(tag) == "merge",
        None => *style == ScalarStyle::Plain,
    })
}

/// Is there something on the last line, and no line break after it?
fn has_open_end(text: &str) -> bool {
    text.rsplit(['\n', '\r']).next().is_some_and(|line| !line.trim().is_empty())
}

/// The name of a tag of YAML's own; empty for others.
fn core_tag(tag: &Tag) -> &str {
    const CORE: &str = "tag:yaml.org,2002:";
    if tag.handle() == CORE {
        tag.suffix()
    } else {
        tag.suffix().strip_prefix(CORE).unwrap_or_default()
    }
}

/// An annotation is text, however it is written: kustomize keeps its spelling.
fn is_annotation(path: &str) -> bool {
    // The items of a list are objects.
    let item = path.strip_prefix("/items/").and_then(|path| path.find('/').map(|at| &path[at..]));
    let key = item.unwrap_or(path).strip_prefix("/metadata/annotations/");
    key.is_some_and(|key| !key.contains('/'))
}

fn is_label(path: &str) -> bool {
    path.strip_prefix("/metadata/labels/").is_some_and(|key| !key.contains('/'))
}

/// The bytes that a value takes, roughly: each of its parts, and its texts.
pub fn size(value: &Value) -> usize {
    /// Of a value and its place in a map or list.
    const PART: usize = 64;
    PART + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value)).sum(),
        _ => 0,
    }
}

fn decode(text: &str) -> Result<Value, String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|error| format!("`!!binary` is not base64: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "`!!binary` is not UTF-8 text".to_owned())?;
    Ok(Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::{Schema, read, read_documents, read_marked};
    use serde_json::json;

    #[test]
    fn documents_and_empty_ones() {
        let text = "# only a comment\n---\na: 1\n---\n---\nb: [x, 'y', \"z\"]\n...\n";
        assert_eq!(
            read(text, "f").expect("valid"),
            [json!({"a": 1}), json!({"b": ["x", "y", "z"]})]
        );
        assert!(read("", "f").expect("valid").is_empty());
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        let text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\n";
        let value = read(text, "f").expect("valid").remove(0);
        assert_eq!(
            value,
            json!({"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}, "two": {"x": 1, "y": 2}})
        );
    }

    #[test]
    fn a_block_scalar_ends_in_a_line_break_where_the_text_does() {
        for (text, value) in [
            ("a: |\n  x", "x"),
            ("a: >\n  x\n  y", "x y"),
            ("a: |+\n  x", "x"),
            ("a: |-\n  x", "x"),
            ("a: |\n  x\n", "x\n"),
            ("a: |\n  x\n ", "x\n"),
            ("a: |\n  x\n# c", "x\n"),
            ("a: |\r\n  x", "x"),
        ] {
            assert_eq!(read(text, "f").expect("valid"), [json!({"a": value})], "{text:?}");
            let config = read_documents(text, "f", Schema::Config).expect("valid").remove(0).value;
            assert_eq!(config, json!({"a": value}), "{text:?}");
        }
        let two = read("a: |\n  x\n---\na: |\n  x", "f").expect("valid");
        assert_eq!(two, [json!({"a": "x\n"}), json!({"a": "x"})]);
    }

    #[test]
    fn block_scalars_keep_their_bytes() {
        let text = "data:\n  a.json: |\n    {\n      \"k\": 1\n    }\n  b: |-\n    x\n    y\n  c: >\n    p\n    q\n";
        let value = read(text, "f").expect("valid").remove(0);
        assert_eq!(
            value,
            json!({"data": {"a.json": "{\n  \"k\": 1\n}\n", "b": "x\ny", "c": "p q\n"}})
        );
    }

    #[test]
    fn faults_name_file_line_and_column() {
        for (text, place, words) in [
            ("a: 1\nb: 2\na: 3\n", "f:3:1: ", "given twice"),
            ("a:\n  - b\n c: d\n", "f:3:", ""),
            ("x: 1\n1: y\n", "f:2:1: ", "not a string"),
            ("a: *missing\n", "f:1:4: ", ""),
            ("a: .inf\n", "f:1:4: ", "no JSON value"),
            ("a: !!bool 12\n", "f:1:11: ", "not of the type"),
            ("a: !!int 1.5\n", "f:1:10: ", "not of the type"),
            ("a: !!null x\n", "f:1:11: ", "not of the type"),
        ] {
            let message = read(text, "f").expect_err(text).to_string();
            assert!(message.starts_with(place) && message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let refs = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        assert!(read(&text, "f").expect_err("too large").message.contains("aliases"));
    }

    #[test]
    fn marks_lead_to_lines() {
        let text = "kind: A\nresources:\n- a\n- b\nlabels:\n- pairs: {x: y}\n";
        let document = read_marked(text, "f").expect("valid").remove(0);
        assert_eq!(document.mark("/resources/1").line, 4);
        assert_eq!(document.mark("/labels/0/pairs/x/deeper").line, 6);
        assert_eq!(document.start.line, 1);
    }
}

#[cfg(test)]
mod comment_tests {
    use super::read;
    use serde_json::json;

    #[test]
    fn comments_are_no_data_wherever_they_stand() {
        let text = "# first\na: 1 # after\n# between\nb:\n# before an item\n- 2 # after an item\n- # before a value\n  3\n---\n# only\n";
        assert_eq!(read(text, "f").expect("valid"), [json!({"a": 1, "b": [2, 3]})]);
    }
}
