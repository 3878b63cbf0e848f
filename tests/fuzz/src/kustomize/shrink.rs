//! A case made small while what is wrong with it stays.

use crate::case::{Case, File};
use crate::node::Node;
use crate::write::Style;

/// The most attempts for one case.
const ATTEMPTS: usize = 6000;

/// The smallest case that was found for which `fails` still holds. Attempts are bounded.
pub(crate) fn shrink(case: &Case, fails: &mut dyn FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut left = ATTEMPTS;
    loop {
        let before = best.clone();
        files(&mut best, fails, &mut left);
        for path in best.files.keys().cloned().collect::<Vec<_>>() {
            nodes(&mut best, &path, fails, &mut left);
            styles(&mut best, &path, fails, &mut left);
        }
        if best == before || left == 0 {
            return best;
        }
    }
}

/// Takes a change over when the case still fails with it.
fn attempt(
    best: &mut Case,
    left: &mut usize,
    fails: &mut dyn FnMut(&Case) -> bool,
    change: impl FnOnce(&mut Case) -> bool,
) -> bool {
    if *left == 0 {
        return false;
    }
    let mut changed = best.clone();
    if !change(&mut changed) || changed == *best {
        return false;
    }
    *left -= 1;
    let good = fails(&changed);
    if good {
        *best = changed;
    }
    good
}

fn files(best: &mut Case, fails: &mut dyn FnMut(&Case) -> bool, left: &mut usize) {
    attempt(best, left, fails, |case| std::mem::take(&mut case.legacy));
    for path in best.files.keys().cloned().collect::<Vec<_>>() {
        attempt(best, left, fails, |case| case.files.remove(&path).is_some());
    }
    // A layer is built alone when what is wrong is in it.
    let layers = best.files.keys().filter_map(|path| path.strip_suffix("/kustomization.yaml"));
    for layer in layers.map(str::to_owned).collect::<Vec<_>>() {
        attempt(best, left, fails, |case| {
            case.path.clone_from(&layer);
            true
        });
    }
}

fn styles(best: &mut Case, path: &str, fails: &mut dyn FnMut(&Case) -> bool, left: &mut usize) {
    let simpler: [fn(&mut Style); 8] = [
        |s| s.wide = false,
        |s| s.inset = false,
        |s| s.comments = false,
        |s| s.marked = false,
        |s| s.ended = false,
        |s| s.crlf = false,
        |s| s.bom = false,
        |s| s.open = false,
    ];
    for change in simpler {
        attempt(best, left, fails, |case| match case.files.get_mut(path) {
            Some(File::Yaml { style, .. }) => {
                change(style);
                true
            }
            _ => false,
        });
    }
    if let Some(File::Bytes(bytes)) = best.files.get(path) {
        for half in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            attempt(best, left, fails, |case| match case.files.get_mut(path) {
                Some(File::Bytes(bytes)) => {
                    bytes.truncate(half);
                    true
                }
                _ => false,
            });
        }
    }
}

/// Tries every simpler form of every part of a file, from the root down. The position of a part is its number in that order.
fn nodes(best: &mut Case, path: &str, fails: &mut dyn FnMut(&Case) -> bool, left: &mut usize) {
    let Some(File::Yaml { documents, .. }) = best.files.get(path) else { return };
    for at in (0..documents.len()).rev() {
        attempt(best, left, fails, |case| match case.files.get_mut(path) {
            Some(File::Yaml { documents, .. }) if documents.len() > 1 => {
                documents.remove(at);
                true
            }
            _ => false,
        });
    }
    let mut number = 0;
    while *left > 0 {
        let mut exists = false;
        let mut change = 0;
        loop {
            let mut has_change = false;
            let worked = attempt(best, left, fails, |case| {
                let Some(node) = find(case, path, number) else { return false };
                exists = true;
                has_change = simpler(node, change);
                has_change
            });
            if !has_change {
                break;
            }
            // After a removal another part stands in the same place.
            if !worked {
                change += 1;
            }
        }
        if !exists {
            return;
        }
        number += 1;
    }
}

fn find<'a>(case: &'a mut Case, path: &str, number: usize) -> Option<&'a mut Node> {
    let Some(File::Yaml { documents, .. }) = case.files.get_mut(path) else { return None };
    let mut number = number;
    documents.iter_mut().find_map(|document| nth(document, &mut number))
}

fn nth<'a>(node: &'a mut Node, number: &mut usize) -> Option<&'a mut Node> {
    if *number == 0 {
        return Some(node);
    }
    *number -= 1;
    if let Node::Map { entries, .. } = node {
        let open = entries.iter_mut().filter(|(key, _)| !matches!(&**key, "apiVersion" | "kind"));
        return open.map(|(_, value)| value).find_map(|child| nth(child, number));
    }
    node.children().into_iter().find_map(|child| nth(child, number))
}

/// Makes the change of this number; false when there are no more.
fn simpler(node: &mut Node, change: usize) -> bool {
    match node {
        Node::Map { entries, flow } => match change.checked_sub(entries.len()) {
            None => {
                let at = entries.len() - 1 - change;
                // An object without them is another case, and seldom of interest.
                if !matches!(&*entries[at].0, "apiVersion" | "kind" | "metadata") {
                    entries.remove(at);
                }
                true
            }
            Some(0) => {
                *flow = entries.is_empty();
                true
            }
            Some(_) => false,
        },
        Node::Seq { items, flow } => match change.checked_sub(items.len()) {
            None => {
                items.remove(items.len() - 1 - change);
                true
            }
            Some(0) => {
                *flow = items.is_empty();
                true
            }
            Some(_) => false,
        },
        Node::Marked(_, inner) => {
            *node = (**inner).clone();
            change == 0
        }
        Node::Block { lines, .. } => match change.checked_sub(lines.len()) {
            None => {
                lines.remove(lines.len() - 1 - change);
                true
            }
            Some(0) => {
                *node = Node::Scalar(crate::node::spelled(&lines.join("\n")));
                true
            }
            Some(_) => false,
        },
        Node::Scalar(text) => simpler_text(text, change),
        Node::Text(_) => false,
    }
}

fn simpler_text(text: &mut String, change: usize) -> bool {
    let length = text.chars().count();
    let bare = text.trim_matches(['"', '\'']).to_owned();
    let is_quoted = bare.len() + 2 == text.len();
    match change {
        0 => "x".clone_into(text),
        1 if is_quoted => *text = bare,
        1 => "x".clone_into(text),
        2 | 3 if is_quoted && length > 6 => {
            let quote = text.chars().next().unwrap_or('"');
            let half: String = match change {
                2 => bare.chars().take(bare.chars().count() / 2).collect(),
                _ => bare.chars().skip(bare.chars().count() / 2).collect(),
            };
            *text = format!("{quote}{half}{quote}");
        }
        2 => *text = text.chars().take(length / 2).collect(),
        3 => *text = text.chars().skip(length / 2).collect(),
        // One character less, somewhere.
        n if n - 4 < length.min(60) && length > 1 => {
            *text =
                text.chars().enumerate().filter(|(at, _)| *at != n - 4).map(|(_, c)| c).collect();
        }
        _ => return false,
    }
    true
}
