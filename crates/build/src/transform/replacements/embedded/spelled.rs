//! A value in a tree of nodes. The path goes through plain values; what differs after that is changed in the tree, and
//! everything else keeps its spelling.

use capstan_yaml::{Map, Node, NodeKind, NodeStyle, Scalar, Style, Tag, Value};

use crate::path::{Blank, Path};

/// What stands in an outline where the value itself was put, instead of only its text.
fn whole() -> Value {
    Scalar { tag: Tag::Binary, is_tagged: true, ..Scalar::default() }.into()
}

/// An alias is nothing that a path could enter.
fn alias() -> Value {
    Scalar { text: "*".to_owned(), tag: Tag::Binary, is_tagged: true, ..Scalar::default() }.into()
}

/// Sets what a path means; nothing when it means nothing.
pub(super) fn set(node: &mut Node, path: &Path, blank: Blank<'_>, copied: &Value) -> Option<()> {
    let mut data = outline(node);
    let (alias, text) = (alias(), copied.written().unwrap_or_default());
    let change = &mut |found: &mut Value| {
        match found {
            found if *found == alias => *found = whole(),
            Value::Scalar(scalar) => text.clone_into(&mut scalar.text),
            found => *found = whole(),
        }
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

/// The tree as values. The first of two equal keys counts.
fn outline(node: &Node) -> Value {
    match node.kind {
        NodeKind::Scalar => scalar(node).into(),
        NodeKind::Sequence => node.content.iter().map(outline).collect(),
        NodeKind::Mapping => {
            let mut map = Map::new();
            for entry in node.content.chunks_exact(2) {
                map.entry(entry[0].value.clone()).or_insert_with(|| outline(&entry[1]));
            }
            map.into()
        }
        NodeKind::Alias | NodeKind::Document => alias(),
    }
}

fn scalar(node: &Node) -> Scalar {
    let style = match node.style {
        NodeStyle::Plain | NodeStyle::Flow => Style::Plain,
        NodeStyle::Double => Style::Double,
        NodeStyle::Single => Style::Single,
        NodeStyle::Literal => Style::Literal,
        NodeStyle::Folded => Style::Folded,
    };
    let tag = Tag::of_name(&node.tag);
    Scalar { text: node.value.clone(), tag, style, is_tagged: node.is_tagged }
}

/// Changes a node where the outline of it was changed.
fn update(node: &mut Node, data: &Value, copied: &Value) {
    match (node.kind, data) {
        (_, value) if *value == whole() => *node = of_value(copied),
        (NodeKind::Scalar, Value::Scalar(scalar)) => scalar.text.clone_into(&mut node.value),
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
        _ => {}
    }
}

/// A new node. A scalar that is made for a text takes its type from that.
fn made(value: &Value, copied: &Value) -> Node {
    match value {
        value if *value == whole() => of_value(copied),
        Value::Array(items) => {
            let content = items.iter().map(|item| made(item, copied)).collect();
            Node { content, ..Node::new(NodeKind::Sequence) }
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| [Node::scalar(key), made(value, copied)];
            Node { content: map.iter().flat_map(entry).collect(), ..Node::new(NodeKind::Mapping) }
        }
        Value::Scalar(_) => of_value(value),
    }
}

/// A value as a node that keeps its types.
fn of_value(value: &Value) -> Node {
    match value {
        Value::Array(items) => {
            let content = items.iter().map(of_value).collect();
            Node { content, ..Node::new(NodeKind::Sequence) }
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| [typed(key), of_value(value)];
            let style = if map.is_flow { NodeStyle::Flow } else { NodeStyle::Plain };
            let content = map.iter().flat_map(entry).collect();
            Node { content, style, ..Node::new(NodeKind::Mapping) }
        }
        Value::Scalar(scalar) => scalar.node(),
    }
}

fn typed(text: &str) -> Node {
    Node { tag: "!!str".to_owned(), ..Node::scalar(text) }
}
