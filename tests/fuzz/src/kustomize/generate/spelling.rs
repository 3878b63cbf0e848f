//! The same document written in another way.

use crate::node::{self, Node};
use crate::random::Random;
use crate::write::Style;

/// How a file is written.
pub(crate) fn style(random: &mut Random) -> Style {
    Style {
        wide: random.one_in(4),
        inset: random.one_in(3),
        comments: random.one_in(3),
        marked: random.one_in(4),
        ended: random.one_in(12),
        crlf: random.one_in(12),
        bom: random.one_in(20),
        open: random.one_in(6),
    }
}

/// Puts the keys of maps in another order.
pub(crate) fn shuffle(random: &mut Random, node: &mut Node) {
    if let Node::Map { entries, .. } = node {
        random.shuffle(entries);
    }
    for child in node.children() {
        shuffle(random, child);
    }
}

/// Gives one text an anchor and writes it again as an alias: a label in a selector, a name in a label.
pub(crate) fn alias(random: &mut Random, node: &mut Node) {
    let mut scalars = Vec::new();
    collect(node, &mut scalars);
    let at = random.below(scalars.len().max(1));
    let end = (at + 1).min(scalars.len());
    let (first, rest) = scalars.split_at_mut(end);
    let Some(first) = first.last_mut() else { return };
    let value = first.clone();
    let mut aliased = false;
    for other in rest.iter_mut().filter(|other| ***other == value) {
        **other = Node::Scalar("*same".to_owned());
        aliased = true;
    }
    if aliased {
        **first = Node::Marked("&same".to_owned(), Box::new(value));
    }
}

/// The plain scalars in the order in which they are written.
fn collect<'a>(node: &'a mut Node, found: &mut Vec<&'a mut Node>) {
    match node {
        Node::Scalar(text) if is_plain(text) => found.push(node),
        Node::Text(_) => {}
        _ => node.children().into_iter().for_each(|child| collect(child, found)),
    }
}

/// Spells parts of a document in another way, with the same meaning.
pub(crate) fn vary(random: &mut Random, node: &mut Node) {
    for child in node.children() {
        vary(random, child);
    }
    match node {
        Node::Scalar(text) if is_plain(text) => match random.below(8) {
            0 => *text = node::double(text),
            1 => *text = node::single(text),
            _ => {}
        },
        Node::Map { entries, flow } => {
            for (key, _) in entries.iter_mut().filter(|(key, _)| is_plain(key)) {
                if random.one_in(12) {
                    *key = node::double(key);
                }
            }
            *flow |=
                entries.len() < 4 && random.one_in(8) && entries.iter().all(|(_, it)| fits(it));
        }
        Node::Seq { items, flow } => {
            *flow |= items.len() < 4 && random.one_in(8) && items.iter().all(fits);
        }
        _ => {}
    }
}

/// May a node stand in brackets? Readers disagree about odd scalars there.
fn fits(node: &Node) -> bool {
    match node {
        Node::Scalar(text) => is_plain(text) || text.starts_with(['"', '\'']) || text.is_empty(),
        Node::Block { .. } | Node::Text(_) => false,
        Node::Map { flow, .. } | Node::Seq { flow, .. } => *flow,
        Node::Marked(_, inner) => fits(inner),
    }
}

fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !capstan_yaml::needs_quotes(text)
}
