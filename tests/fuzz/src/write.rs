//! Nodes to text, in the ways in which people write YAML.

use crate::node::Node;

/// How a file is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Four columns for a level, not two.
    pub(crate) wide: bool,
    /// Lists are moved in under their key.
    pub(crate) inset: bool,
    /// Comments between lines and after scalars.
    pub(crate) comments: bool,
    /// `---` before the first document too.
    pub(crate) marked: bool,
    /// `...` after each document.
    pub(crate) ended: bool,
    /// Lines end as on Windows.
    pub(crate) crlf: bool,
    /// A byte order mark comes first.
    pub(crate) bom: bool,
    /// No line break at the end.
    pub(crate) open: bool,
}

/// The text of a file of documents.
pub(crate) fn documents(documents: &[Node], style: &Style) -> String {
    let mut text = String::new();
    for (at, document) in documents.iter().enumerate() {
        if at > 0 || style.marked {
            text.push_str("---\n");
        }
        let mut writer = Writer { text: String::new(), style, lines: at };
        writer.root(document);
        text.push_str(&writer.text);
        if style.ended {
            text.push_str("...\n");
        }
    }
    if style.open {
        text.truncate(text.trim_end().len());
    }
    if style.crlf {
        text = text.replace('\n', "\r\n");
    }
    if style.bom {
        text.insert(0, '\u{feff}');
    }
    text
}

struct Writer<'a> {
    text: String,
    style: &'a Style,
    lines: usize,
}

impl Writer<'_> {
    fn step(&self) -> usize {
        if self.style.wide { 4 } else { 2 }
    }

    fn root(&mut self, node: &Node) {
        match node {
            Node::Map { entries, flow: false } if !entries.is_empty() => {
                self.map(entries, 0, false);
            }
            Node::Seq { items, flow: false } if !items.is_empty() => self.seq(items, 0, false),
            other => {
                self.leaf(other, 0);
            }
        }
    }

    fn start(&mut self, indent: usize) {
        self.lines += 1;
        if self.style.comments && self.lines.is_multiple_of(5) {
            self.text.push_str(&" ".repeat(indent));
            self.text.push_str("# a: comment\n");
        }
        self.text.push_str(&" ".repeat(indent));
    }

    fn end(&mut self, can_comment: bool) {
        if can_comment && self.style.comments && self.lines.is_multiple_of(3) {
            self.text.push_str(" # after");
        }
        self.text.push('\n');
    }

    fn map(&mut self, entries: &[(String, Node)], indent: usize, inline: bool) {
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 || !inline {
                self.start(indent);
            }
            self.text.push_str(key);
            self.text.push(':');
            self.value(value, indent, false);
        }
    }

    fn seq(&mut self, items: &[Node], indent: usize, inline: bool) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 || !inline {
                self.start(indent);
            }
            self.text.push('-');
            match item {
                Node::Map { entries, flow: false } if !entries.is_empty() => {
                    self.text.push(' ');
                    self.map(entries, indent + 2, true);
                }
                Node::Seq { items, flow: false } if !items.is_empty() => {
                    self.text.push(' ');
                    self.seq(items, indent + 2, true);
                }
                other => self.value(other, indent, true),
            }
        }
    }

    /// What follows a key or a dash.
    fn value(&mut self, node: &Node, indent: usize, in_list: bool) {
        match node {
            Node::Map { entries, flow: false } if !entries.is_empty() => {
                self.end(true);
                self.map(entries, indent + self.step(), false);
            }
            Node::Seq { items, flow: false } if !items.is_empty() => {
                // kustomize cannot read where it puts the comment when a patch empties the list.
                self.end(false);
                let inset = in_list || self.style.inset;
                self.seq(items, if inset { indent + 2 } else { indent }, false);
            }
            Node::Marked(mark, inner) => {
                self.text.push(' ');
                self.text.push_str(mark);
                self.value(inner, indent, true);
            }
            other => {
                self.text.push(' ');
                self.leaf(other, indent);
            }
        }
    }

    /// `indent` is that of the key or dash.
    fn leaf(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Block { header, lines } => self.block(header, lines, indent),
            Node::Text(inner) => {
                let mut text = documents(std::slice::from_ref(inner), &Style::default());
                text.truncate(text.trim_end_matches('\n').len());
                let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
                self.block("|-", &lines, indent);
            }
            Node::Scalar(text) if text.is_empty() => {
                // No space before the end of the line.
                self.text.pop();
                self.end(true);
            }
            other => {
                let flow = flow(other);
                self.text.push_str(&flow);
                self.end(true);
            }
        }
    }

    fn block(&mut self, header: &str, lines: &[String], indent: usize) {
        self.text.push_str(header);
        self.text.push('\n');
        for line in lines {
            if !line.is_empty() {
                self.text.push_str(&" ".repeat(indent + 2));
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }
}

/// A node in one line.
fn flow(node: &Node) -> String {
    match node {
        Node::Scalar(text) => text.clone(),
        Node::Block { lines, .. } => crate::node::double(&lines.join("\n")),
        Node::Text(inner) => {
            crate::node::double(&documents(std::slice::from_ref(inner), &Style::default()))
        }
        Node::Map { entries, .. } => {
            let entry = |(key, value): &(String, Node)| format!("{key}: {}", flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Node::Seq { items, .. } => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Node::Marked(mark, inner) => format!("{mark} {}", flow(inner)),
    }
}
