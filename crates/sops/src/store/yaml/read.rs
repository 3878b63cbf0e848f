use std::collections::{HashMap, HashSet};

use capstan_yaml::{Node, NodeKind, Schema, resolve};

use crate::cipher::base64;
use crate::document::{Branch, Comment, Entry, Value};
use crate::walk::MOST_LEVELS;

/// Values that aliases may add to a file.
const MOST_ALIASED: usize = 1 << 18;

pub(in crate::store) fn load(text: &str) -> Result<Vec<Branch>, String> {
    let documents = Node::read_all(text, "line").map_err(|error| {
        format!(
            "Error unmarshaling input YAML: line {}, column {}: it is no YAML",
            error.line, error.column
        )
    })?;
    let read = |node: &Node| {
        Reader::default()
            .document(node)
            .map_err(|why| format!("Error unmarshaling input YAML: {why}"))
    };
    documents.iter().map(read).collect()
}

#[derive(Default)]
struct Reader<'a> {
    /// What anchors mean, and how many values that is; nothing while one is read.
    anchors: HashMap<&'a str, Option<(Value, usize)>>,
    aliased: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self, document: &'a Node) -> Result<Branch, String> {
        let mut branch = Branch::new();
        comments(&document.comments.head, false, &mut branch);
        comments(&document.comments.line, false, &mut branch);
        for node in &document.content {
            match node.kind {
                NodeKind::Mapping => {
                    self.anchors.insert(anchor(node), None);
                    self.entries(node, false, &mut branch, 0)?;
                }
                NodeKind::Scalar if node.tag == "!!null" => own(node, &mut branch),
                NodeKind::Sequence => {
                    return Err("YAML documents that are sequences are not supported".to_owned());
                }
                _ => return Err("YAML documents that are values are not supported".to_owned()),
            }
        }
        comments(&document.comments.foot, false, &mut branch);
        Ok(branch)
    }

    fn entries(
        &mut self,
        node: &'a Node,
        handled: bool,
        branch: &mut Branch,
        level: usize,
    ) -> Result<(), String> {
        if !handled {
            comments(&node.comments.head, false, branch);
            comments(&node.comments.line, false, branch);
        }
        let mut seen = HashSet::new();
        for entry in node.content.chunks_exact(2) {
            let (key, value) = (&entry[0], &entry[1]);
            comments(&key.comments.head, false, branch);
            comments(&key.comments.line, false, branch);
            let is_leaf = matches!(value.kind, NodeKind::Scalar | NodeKind::Alias);
            if is_leaf {
                comments(&value.comments.head, false, branch);
                comments(&value.comments.line, true, branch);
            }
            let name = name(key)?;
            if !seen.insert(name) {
                return Err(format!("line {}: mapping key {name:?} already defined", key.line));
            }
            let read = self.value(value, is_leaf, level + 1)?;
            branch.push(Entry::new(name, read));
            if is_leaf {
                comments(&value.comments.foot, false, branch);
            }
            comments(&key.comments.foot, false, branch);
        }
        if !handled {
            comments(&node.comments.foot, false, branch);
        }
        Ok(())
    }

    fn value(&mut self, node: &'a Node, handled: bool, level: usize) -> Result<Value, String> {
        if level > MOST_LEVELS {
            return Err(format!("line {}: it is nested too deeply", node.line));
        }
        if node.kind == NodeKind::Alias {
            return self.alias(node);
        }
        let anchor = anchor(node);
        if !anchor.is_empty() {
            self.anchors.insert(anchor, None);
        }
        let value = match node.kind {
            NodeKind::Mapping => {
                let mut branch = Branch::new();
                self.entries(node, handled, &mut branch, level)?;
                Value::Map(branch)
            }
            NodeKind::Sequence => Value::List(self.items(node, handled, level)?),
            _ => scalar(node)?,
        };
        if !anchor.is_empty() {
            let size = size(&value);
            self.anchors.insert(anchor, Some((value.clone(), size)));
        }
        Ok(value)
    }

    fn alias(&mut self, node: &Node) -> Result<Value, String> {
        let fault = |why: &str| format!("line {}: the alias `*{}` {why}", node.line, node.value);
        match self.anchors.get(node.value.as_str()) {
            Some(Some((value, size))) => {
                self.aliased += size;
                match self.aliased > MOST_ALIASED {
                    true => Err(fault("makes the file too large")),
                    false => Ok(value.clone()),
                }
            }
            Some(None) => Err(fault("means a value that contains itself")),
            None => Err(fault("has no anchor")),
        }
    }

    fn items(&mut self, node: &'a Node, handled: bool, level: usize) -> Result<Vec<Value>, String> {
        let mut list = Vec::new();
        if !handled {
            in_list(&node.comments.head, false, &mut list);
            in_list(&node.comments.line, false, &mut list);
        }
        for item in &node.content {
            in_list(&item.comments.head, false, &mut list);
            in_list(&item.comments.line, true, &mut list);
            list.push(self.value(item, true, level + 1)?);
            in_list(&item.comments.foot, false, &mut list);
        }
        if !handled {
            in_list(&node.comments.foot, false, &mut list);
        }
        Ok(list)
    }
}

const fn anchor(node: &Node) -> &str {
    node.anchor.as_str()
}

/// All comments of a node that has no content.
fn own(node: &Node, branch: &mut Branch) {
    comments(&node.comments.head, false, branch);
    comments(&node.comments.line, false, branch);
}

/// The lines of a comment without their marks.
fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let lines = comment.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| line.strip_prefix('#').unwrap_or(line))
}

fn comments(comment: &str, inline: bool, branch: &mut Branch) {
    branch.extend(lines(comment).map(|line| Entry::comment(line, inline)));
}

fn in_list(comment: &str, inline: bool, list: &mut Vec<Value>) {
    let item = |line: &str| Value::Comment(Comment { text: line.as_bytes().to_vec(), inline });
    list.extend(lines(comment).map(item));
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Text(text) => text.len() / 64,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(branch) => branch.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

fn name(key: &Node) -> Result<&str, String> {
    let is_text = key.kind == NodeKind::Scalar
        && !matches!(
            key.tag.as_str(),
            "!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp" | "!!binary"
        );
    match is_text {
        true => Ok(&key.value),
        false => Err(format!(
            "line {}: Tree contains a non-string key. Only string keys are supported",
            key.line
        )),
    }
}

/// What a scalar means. A value that is not of its tag means nothing, as in SOPS.
fn scalar(node: &Node) -> Result<Value, String> {
    let text = node.value.as_str();
    let resolved = || resolve(text, Schema::Objects).ok();
    Ok(match node.tag.as_str() {
        "!!null" => Value::Null,
        "!!bool" => match resolved() {
            Some(serde_json::Value::Bool(value)) => Value::Bool(value),
            _ => Value::Null,
        },
        "!!int" => match resolved() {
            Some(serde_json::Value::Number(number)) => {
                let too_large = || format!("line {}: the number is too large for SOPS", node.line);
                Value::Int(number.as_i64().ok_or_else(too_large)?)
            }
            _ => Value::Null,
        },
        "!!float" => {
            match (text.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str(), resolved()) {
                (".inf", _) if text.starts_with('-') => Value::Float(f64::NEG_INFINITY),
                (".inf", _) => Value::Float(f64::INFINITY),
                (".nan", _) => Value::Float(f64::NAN),
                (_, Some(serde_json::Value::Number(number))) => {
                    number.as_f64().map_or(Value::Null, Value::Float)
                }
                _ => Value::Null,
            }
        }
        "!!timestamp" => match resolved() {
            Some(serde_json::Value::String(time)) => Value::Time(time),
            _ => Value::Null,
        },
        "!!binary" => base64(text).map_or(Value::Null, Value::Text),
        _ => Value::text(text),
    })
}
