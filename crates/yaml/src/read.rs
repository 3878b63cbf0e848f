//! Texts to values.

mod tree;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, options};
use serde_json::Value;

use crate::scalar::{self, Schema};
use crate::{Tag, YamlError, split};
use tree::{Flow, Leaf, Tree};

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
pub struct Document<T = Value> {
    /// The content.
    pub value: T,
    /// Where the content starts.
    pub start: Mark,
    marks: BTreeMap<String, Mark>,
}

impl<T> Document<T> {
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
    let documents = all::<Value>(text, file, Schema::Objects, Kept::Values)?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// The documents of objects, or of a patch, with the spelling of their scalars.
///
/// # Errors
/// Those of [`read`].
pub fn read_spelled(
    text: &str,
    file: &str,
    schema: Schema,
) -> Result<Vec<Document<crate::Value>>, YamlError> {
    all(text, file, schema, Kept::Values)
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

fn all<T: Tree>(
    text: &str,
    file: &str,
    schema: Schema,
    kept: Kept,
) -> Result<Vec<Document<T>>, YamlError> {
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

struct Reader<'a, T> {
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
    anchors: HashMap<usize, T>,
    alias_budget: usize,
    kept: Kept,
    marks: BTreeMap<String, Mark>,
    /// Is the map or list in braces that is read, and is it a list?
    flow: Flow,
    path: String,
}

impl<'a, T: Tree> Reader<'a, T> {
    fn new(text: &'a str, file: &'a str, line: usize, schema: Schema, kept: Kept) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // kustomize takes a text apart at its document marks before it reads it: a directive stands alone there.
        let directive = text.lines().next().is_some_and(|line| line.starts_with('%'));
        Self {
            refused: (schema != Schema::Config && directive).then(|| NO_DOCUMENT.to_owned()),
            has_surrogates: has_surrogates(text),
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
            flow: Flow::default(),
            path: String::new(),
        }
    }

    fn documents(&mut self) -> Result<Vec<Document<T>>, YamlError> {
        let mut documents = Vec::new();
        while let Some(document) = self.document()? {
            documents.push(document);
        }
        documents.retain(|document| !document.value.is_nothing());
        Ok(documents)
    }

    /// The first document, unless it is empty. kustomize's reader does not look at what follows it, as long as that
    /// begins like YAML.
    fn first(&mut self) -> Result<Option<Document<T>>, YamlError> {
        let Some(document) = self.document()? else { return Ok(None) };
        loop {
            match self.next() {
                Ok((Event::DocumentEnd, _)) => {}
                Err(error) if error.message != NO_DOCUMENT => return Err(error),
                _ => return Ok(Some(document).filter(|document| !document.value.is_nothing())),
            }
        }
    }

    fn document(&mut self) -> Result<Option<Document<T>>, YamlError> {
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
                    return Ok(Some(Document { value, start, marks }));
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

    fn value(&mut self, event: Event<'a>, span: &Span) -> Result<T, YamlError> {
        if self.kept == Kept::Marks {
            self.marks.insert(self.path.clone(), self.mark(span));
        }
        let (value, anchor) = match event {
            Event::SequenceStart(style, anchor, _) => {
                let flow = if style == StructureStyle::Flow { Flow::List } else { Flow::None };
                let outer = std::mem::replace(&mut self.flow, flow);
                let items = self.sequence()?;
                self.flow = outer;
                (items, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let is_flow = style == StructureStyle::Flow;
                let flow = if is_flow { Flow::Map } else { Flow::None };
                let outer = std::mem::replace(&mut self.flow, flow);
                let map = self.mapping()?;
                self.flow = outer;
                (T::of_entries(map, is_flow), anchor)
            }
            leaf => return self.leaf(leaf, span),
        };
        self.note(anchor, &value, span)?;
        Ok(value)
    }

    /// A value without values in it. On its own, because what calls itself must be small on the stack.
    fn leaf(&mut self, event: Event<'a>, span: &Span) -> Result<T, YamlError> {
        let (text, style, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (text, style, anchor, tag),
            Event::Alias(id) => return self.alias(id, span),
            _ => return Err(self.error(self.mark(span), "a value was expected here".to_owned())),
        };
        self.refuse_escapes(&text, style, span)?;
        // The parser calls nothing a tilde.
        let is_tilde = span.is_empty() && style == ScalarStyle::Plain;
        let text = if is_tilde { "" } else { self.without_missing_break(&text, style, span) };
        let leaf = Leaf {
            text,
            style,
            tag: tag.as_deref(),
            schema: self.schema,
            flow: self.flow,
            is_annotation: self.schema != Schema::Config && is_annotation(&self.path),
        };
        let value = T::of_leaf(&leaf).map_err(|message| self.error(self.mark(span), message))?;
        self.note(anchor, &value, span)?;
        Ok(value)
    }

    /// The last line of a block scalar has a break only where the text has one.
    fn without_missing_break<'t>(&self, text: &'t str, style: ScalarStyle, span: &Span) -> &'t str {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let Some(end) =
            self.open_end.filter(|end| is_block && span.end.byte_offset() == Some(*end))
        else {
            return text;
        };
        let Some(lines) = text.strip_suffix('\n') else { return text };
        // A line of blanks at the end of the text is one of the scalar's only if it goes in further.
        let is_blank = |text: &str| text.rsplit('\n').next().unwrap_or_default().trim().is_empty();
        let is_last = !is_blank(&self.text[..end]) || (is_blank(lines) && !lines.ends_with('\n'));
        if is_last && !lines.is_empty() { lines } else { text }
    }

    /// Remembers a value that has an anchor.
    fn note(&mut self, anchor: usize, value: &T, span: &Span) -> Result<(), YamlError> {
        if anchor != 0 {
            self.charge(value, span)?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(())
    }

    /// Pays for a copy of a value.
    fn charge(&mut self, value: &T, span: &Span) -> Result<(), YamlError> {
        match self.alias_budget.checked_sub(value.size()) {
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

    fn alias(&mut self, id: usize, span: &Span) -> Result<T, YamlError> {
        let Some(value) = self.anchors.get(&id) else {
            let message = "an anchor cannot contain itself".to_owned();
            return Err(self.error(self.mark(span), message));
        };
        let value = value.clone();
        self.charge(&value, span)?;
        Ok(value)
    }

    fn sequence(&mut self) -> Result<T, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(T::of_items(items));
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

    fn mapping(&mut self) -> Result<T::Map, YamlError> {
        let mut map = T::Map::default();
        let mut merged = T::Map::default();
        let mut has_merged = false;
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = is_merge(&event);
            let is_bare = self.schema == Schema::Patches && is_plain(&event);
            let key = self.key(event, &span)?;
            let (event, value_span) = self.next()?;
            if is_merge {
                if has_merged {
                    return Err(self.error(self.mark(&span), "duplicate merge key".to_owned()));
                }
                has_merged = true;
                let value = self.value(event, &value_span)?;
                if !T::underlay(&mut merged, value) {
                    let message = "`<<` merges a map or a list of maps".to_owned();
                    return Err(self.error(self.mark(&value_span), message));
                }
                continue;
            }
            if is_bare {
                T::set_bare(&mut map, &key);
            }
            let value = self.child(&key, event, &value_span)?;
            self.insert(&mut map, key, value, &span)?;
        }
        T::underlay(&mut map, T::of_entries(merged, false));
        Ok(map)
    }

    fn insert(
        &self,
        map: &mut T::Map,
        key: String,
        value: T,
        span: &Span,
    ) -> Result<(), YamlError> {
        // Configuration takes the last of two equal keys, objects none.
        if self.schema != Schema::Config && T::has(map, &key) {
            let message = format!("mapping key \"{key}\" already defined: it is given twice");
            return Err(self.error(self.mark(span), message));
        }
        T::insert(map, key, value);
        Ok(())
    }

    fn child(&mut self, key: &str, event: Event<'a>, span: &Span) -> Result<T, YamlError> {
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
        let (text, style, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (text, style, anchor, tag),
            Event::Alias(id) => {
                let key = self.alias(id, span)?.key();
                return self.checked_key(key, span);
            }
            _ => return self.checked_key(Err("null".to_owned()), span),
        };
        self.refuse_escapes(&text, style, span)?;
        let is_typed = style == ScalarStyle::Plain && tag.is_none();
        let key = match (self.schema, Tag::implied(&text)) {
            _ if !is_typed => Ok(text.to_string()),
            (_, Tag::Text) => self.old_key(&text),
            (_, Tag::Null) => Err("null".to_owned()),
            (Schema::Config, _) => self.old_key(&text),
            // A patch may mean a key that is in quotes in the object.
            (Schema::Patches, _) => Ok(text.to_string()),
            (Schema::Objects, _) => Err(text.to_string()),
        };
        if anchor != 0
            && let Ok(key) = &key
        {
            self.anchors.insert(anchor, T::of_key(key));
        }
        self.checked_key(key, span)
    }

    /// A plain key of configuration. That becomes JSON, whose keys are texts: `n:` is `"false":`.
    fn old_key(&self, text: &str) -> Result<String, String> {
        match scalar::resolve(text, self.schema) {
            Ok(key @ (Value::Bool(_) | Value::Number(_))) => Ok(key.to_string()),
            Ok(Value::Null) => Err("null".to_owned()),
            _ => Ok(text.to_owned()),
        }
    }

    fn checked_key(&self, key: Result<String, String>, span: &Span) -> Result<String, YamlError> {
        key.map_err(|key| {
            let message = match key.as_str() {
                "null" => "a key must be a string".to_owned(),
                key => format!("key `{key}` is not a string; quote it"),
            };
            self.error(self.mark(span), message)
        })
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

/// Is it a scalar without quotes?
const fn is_plain(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(_, ScalarStyle::Plain, _, _))
}

/// Is it the key `<<`?
fn is_merge(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, style, _, tag)
    if text == "<<" && match tag.as_deref() {
        Some(tag) => tree::core_tag(tag) == "merge",
        None => *style == ScalarStyle::Plain,
    })
}

/// Is there something on the last line, and no line break after it?
fn has_open_end(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(['\n', '\r'])
}

/// An annotation is text, however it is written: kustomize keeps its spelling.
fn is_annotation(path: &str) -> bool {
    // The items of a list are objects.
    let item = path.strip_prefix("/items/").and_then(|path| path.find('/').map(|at| &path[at..]));
    let key = item.unwrap_or(path).strip_prefix("/metadata/annotations/");
    key.is_some_and(|key| !key.contains('/'))
}

#[cfg(test)]
mod tests;
