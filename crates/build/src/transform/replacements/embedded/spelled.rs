//! A value in a tree of nodes. The path goes through plain values; what differs after that is changed in the tree, and
//! everything else keeps its spelling.

use capstan_yaml::{Node, NodeKind, NodeStyle, needs_quotes};
use serde_json::{Map, Value};

use super::super::{Copied, scalar};
use crate::path::{Blank, Path};

/// What stands in an outline where the value itself was put, instead of only its text.
const WHOLE: Value = Value::Null;

/// Sets what a path means; nothing when it means nothing.
pub(super) fn set(node: &mut Node, path: &Path, blank: Blank<'_>, copied: &Copied) -> Option<()> {
    let mut data = outline(node);
    let change = &mut |found: &mut Value| {
        *found = match found {
            Value::String(_) | Value::Null => scalar(&copied.value).unwrap_or_default().into(),
            _ => WHOLE,
        };
        Ok(())
    };
    // An item that is made begins with the field by which it is searched, whatever its other fields are called.
    for search in path.searches().filter(|_| blank.is_some()) {
        search.visit(&mut data, blank, &mut |_| Ok(())).ok()?;
        update(node, &data, copied);
    }
    if !matches!(path.visit(&mut data, blank, change), Ok(1..)) {
        return None;
    }
    update(node, &data, copied);
    Some(())
}

/// The tree as plain values: every scalar as the text that is written. An alias is nothing that a path could enter.
fn outline(node: &Node) -> Value {
    match node.kind {
        NodeKind::Scalar => node.value.as_str().into(),
        NodeKind::Sequence => node.content.iter().map(outline).collect(),
        NodeKind::Mapping => {
            let mut map = Map::new();
            for entry in node.content.chunks_exact(2) {
                map.entry(&entry[0].value).or_insert_with(|| outline(&entry[1]));
            }
            map.into()
        }
        NodeKind::Alias | NodeKind::Document => Value::Bool(true),
    }
}

/// Changes a node where the outline of it was changed.
fn update(node: &mut Node, data: &Value, copied: &Copied) {
    match (node.kind, data) {
        (NodeKind::Scalar, Value::String(text)) => text.clone_into(&mut node.value),
        (NodeKind::Sequence, Value::Array(items)) => {
            let (known, new) = items.split_at(node.content.len().min(items.len()));
            node.content.iter_mut().zip(known).for_each(|(node, item)| update(node, item, copied));
            node.content.extend(new.iter().map(|item| made(item, copied)));
        }
        (NodeKind::Mapping, Value::Object(map)) => {
            for (key, value) in map {
                match node.content.chunks_exact_mut(2).find(|entry| entry[0].value == *key) {
                    Some(entry) => update(&mut entry[1], value, copied),
                    None => node.content.extend([Node::scalar(key), made(value, copied)]),
                }
            }
        }
        (NodeKind::Alias, Value::Bool(_)) => {}
        (_, value) => *node = made(value, copied),
    }
}

/// A new node. A scalar that is made for a text takes its type from that.
fn made(value: &Value, copied: &Copied) -> Node {
    match value {
        Value::Array(items) => {
            let content = items.iter().map(|item| made(item, copied)).collect();
            Node { content, ..Node::new(NodeKind::Sequence) }
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| [Node::scalar(key), made(value, copied)];
            Node { content: map.iter().flat_map(entry).collect(), ..Node::new(NodeKind::Mapping) }
        }
        Value::Null => match &copied.value {
            Value::String(text) if copied.is_plain => Node::scalar(text),
            value => whole(value),
        },
        text => Node::scalar(text.as_str().unwrap_or_default()),
    }
}

/// A value as a node that keeps its types.
fn whole(value: &Value) -> Node {
    match value {
        Value::Array(items) => {
            let content = items.iter().map(whole).collect();
            Node { content, ..Node::new(NodeKind::Sequence) }
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| [typed(key), whole(value)];
            Node { content: map.iter().flat_map(entry).collect(), ..Node::new(NodeKind::Mapping) }
        }
        Value::String(own) => text(own),
        other => Node::scalar(&other.to_string()),
    }
}

fn text(value: &str) -> Node {
    let style = if needs_quotes(value) { NodeStyle::Double } else { NodeStyle::Plain };
    Node { style, ..typed(value) }
}

fn typed(text: &str) -> Node {
    Node { tag: "!!str".to_owned(), ..Node::scalar(text) }
}
