use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_yaml::{Node, NodeKind, NodeStyle, needs_quotes};

use crate::document::{Branch, Comment, Entry, Key, Value};
use crate::float;

/// Spaces of a level, unless a configuration says otherwise; Flux has none.
const INDENT: usize = 4;

pub(in crate::store) fn emit(documents: &[Branch]) -> Result<String, String> {
    let write = |branch: &Branch| {
        let content = vec![map(branch)?];
        Ok(Node { content, ..Node::new(NodeKind::Document) })
    };
    let documents: Result<Vec<_>, String> = documents.iter().map(write).collect();
    Ok(Node::write_all(&documents?, INDENT))
}

/// Comments that wait for the node that they stand before or behind.
#[derive(Default)]
struct Waiting {
    before: Vec<String>,
    behind: Vec<String>,
}

impl Waiting {
    fn add(&mut self, comment: &Comment) {
        let lines = if comment.inline { &mut self.behind } else { &mut self.before };
        lines.push(format!("#{}", String::from_utf8_lossy(&comment.text)));
    }

    fn take_before(&mut self, into: &mut String) {
        let lines = std::mem::take(&mut self.before).join("\n");
        match (lines.is_empty(), into.is_empty()) {
            (true, _) => {}
            (false, true) => *into = lines,
            (false, false) => *into = format!("{lines}\n{into}"),
        }
    }

    fn take_behind(&mut self, into: &mut String) {
        append(&std::mem::take(&mut self.behind), into);
    }

    /// What nothing follows.
    fn rest(mut self) -> Vec<String> {
        self.before.append(&mut self.behind);
        self.before
    }
}

fn append(lines: &[String], into: &mut String) {
    if !lines.is_empty() {
        if !into.is_empty() {
            into.push('\n');
        }
        into.push_str(&lines.join("\n"));
    }
}

fn map(branch: &Branch) -> Result<Node, String> {
    let mut node = Node { tag: "!!map".to_owned(), ..Node::new(NodeKind::Mapping) };
    let mut waiting = Waiting::default();
    for Entry { key, value } in branch {
        let key = match key {
            Key::Comment(comment) => {
                waiting.add(comment);
                continue;
            }
            Key::Text(key) => key,
        };
        if node.content.is_empty() {
            waiting.take_before(&mut node.comments.head);
        }
        let mut key = text(key.as_bytes());
        waiting.take_before(&mut key.comments.head);
        let mut value = self::value(value)?;
        waiting.take_behind(&mut value.comments.line);
        node.content.extend([key, value]);
    }
    let last = node.content.len().checked_sub(2);
    end(waiting, &mut node, last);
    Ok(node)
}

fn list(items: &[Value]) -> Result<Node, String> {
    let mut node = Node { tag: "!!seq".to_owned(), ..Node::new(NodeKind::Sequence) };
    let mut waiting = Waiting::default();
    for item in items {
        if let Value::Comment(comment) = item {
            waiting.add(comment);
            continue;
        }
        if node.content.is_empty() {
            waiting.take_before(&mut node.comments.head);
        }
        let mut item = value(item)?;
        waiting.take_before(&mut item.comments.head);
        waiting.take_behind(&mut item.comments.line);
        node.content.push(item);
    }
    let last = node.content.len().checked_sub(1);
    end(waiting, &mut node, last);
    Ok(node)
}

/// Comments after the last entry stand at its foot.
fn end(waiting: Waiting, node: &mut Node, last: Option<usize>) {
    match last {
        Some(last) => append(&waiting.rest(), &mut node.content[last].comments.foot),
        None => {
            let mut rest = Waiting { before: waiting.rest(), behind: Vec::new() };
            rest.take_before(&mut node.comments.head);
        }
    }
}

fn value(value: &Value) -> Result<Node, String> {
    let plain = |text: &str, tag: &str| Node { tag: tag.to_owned(), ..Node::scalar(text) };
    Ok(match value {
        Value::Null => plain("null", "!!null"),
        Value::Bool(true) => plain("true", "!!bool"),
        Value::Bool(false) => plain("false", "!!bool"),
        Value::Int(value) => Node::scalar(&value.to_string()),
        Value::Float(value) if value.is_nan() => Node::scalar(".nan"),
        Value::Float(value) if value.is_infinite() => {
            Node::scalar(if *value > 0.0 { ".inf" } else { "-.inf" })
        }
        Value::Float(value) => Node::scalar(&float::general(*value, 'e')),
        Value::Time(time) => Node::scalar(time),
        Value::Text(bytes) => text(bytes),
        Value::Bytes(bytes) => {
            let items: Vec<_> = bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect();
            list(&items)?
        }
        Value::List(items) => list(items)?,
        Value::Map(branch) => map(branch)?,
        Value::Comment(_) => return Err("a comment stands for a value".to_owned()),
    })
}

/// A text in the style that go-yaml chooses.
fn text(bytes: &[u8]) -> Node {
    let Ok(text) = str::from_utf8(bytes) else {
        return Node {
            tag: "!!binary".to_owned(),
            is_tagged: true,
            ..Node::scalar(&wrapped(&STANDARD.encode(bytes)))
        };
    };
    let style = if text.contains('\n') {
        NodeStyle::Literal
    } else if text == "<<" {
        return Node { tag: "!!merge".to_owned(), is_tagged: true, ..Node::scalar(text) };
    } else if needs_quotes(text) {
        NodeStyle::Double
    } else {
        NodeStyle::Plain
    };
    Node { tag: "!!str".to_owned(), style, ..Node::scalar(text) }
}

/// Lines of 70 characters, where that makes more than one.
fn wrapped(text: &str) -> String {
    const LINE: usize = 70;
    if text.len() < LINE {
        return text.to_owned();
    }
    text.as_bytes()
        .chunks(LINE)
        .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
        .collect()
}
