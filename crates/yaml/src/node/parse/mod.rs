//! Tokens to nodes, and comments to the nodes that they are about.

mod block;
mod flow;

use std::collections::HashSet;

use super::cursor::Place;
use super::scan::{Kind, Scanner, Side, Token};
use super::{Comments, Node, NodeKind, NodeStyle, tags};
use crate::YamlError;
use crate::read::has_surrogates;

/// Levels of maps and lists that a text may have: far more than any has, and few enough for every stack.
const MOST_LEVELS: usize = 100;

type Result<T> = std::result::Result<T, YamlError>;

pub(super) fn document(text: &str, file: &str) -> Result<Option<Node>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Parser::new(text, file).document(true)
}

pub(super) fn documents(text: &str, file: &str) -> Result<Vec<Node>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new(text, file);
    let mut documents = Vec::new();
    while let Some(document) = parser.document(documents.is_empty())? {
        documents.push(document);
    }
    Ok(documents)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    /// Comments that wait for their node.
    waiting: Comments,
    /// The head comment of a collection that is an item of a list.
    stem: String,
    anchors: HashSet<String>,
    /// JSON's pairs of escapes, which are no YAML.
    has_surrogates: bool,
    /// Handles of tags, and what they stand for.
    handles: Vec<(String, String)>,
    /// How many nodes are open.
    level: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            scanner: Scanner::new(text, file),
            waiting: Comments::default(),
            stem: String::new(),
            anchors: HashSet::new(),
            has_surrogates: has_surrogates(text),
            handles: Vec::new(),
            level: 0,
        }
    }

    /// The next token. The comments that belong to it wait from now on.
    fn peek(&mut self) -> Result<Token> {
        let token = self.scanner.peek()?.clone();
        while let Some((side, text)) = self.scanner.take_comment(&token) {
            let into = match side {
                Side::Head => &mut self.waiting.head,
                Side::Line => &mut self.waiting.line,
                Side::Foot => &mut self.waiting.foot,
            };
            if !into.is_empty() {
                into.push('\n');
            }
            into.push_str(&text);
        }
        Ok(token)
    }

    fn skip(&mut self) {
        self.scanner.take();
    }

    /// Takes the token that was looked at and looks at the next one.
    fn advance(&mut self) -> Result<Token> {
        self.skip();
        self.peek()
    }

    fn comments(&mut self) -> Comments {
        self.stem.clear();
        std::mem::take(&mut self.waiting)
    }

    /// The next document. Only the first may begin without a mark.
    fn document(&mut self, is_first: bool) -> Result<Option<Node>> {
        let mut token = self.peek()?;
        if is_first {
            token = self.advance()?;
        }
        while !is_first && token.kind == Kind::DocumentEnd {
            token = self.advance()?;
        }
        self.anchors.clear();
        self.handles.clear();
        let mut document = node(NodeKind::Document, &token);
        document.content = match token.kind {
            Kind::StreamEnd => return Ok(None),
            Kind::Directive(..) | Kind::DocumentStart => {
                while let Kind::Directive(handle, prefix) = token.kind {
                    self.handles.push((handle, prefix));
                    token = self.advance()?;
                }
                if token.kind != Kind::DocumentStart {
                    return self.refuse(&token, "did not find expected <document start>");
                }
                vec![self.content_of_document()?]
            }
            _ if !is_first => {
                return self.refuse(&token, "did not find expected <document start>");
            }
            _ => {
                document.comments.head = self.head_of_document();
                vec![self.node(true, false)?]
            }
        };
        document.comments.foot = self.foot_of_document()?;
        Ok(Some(document))
    }

    fn content_of_document(&mut self) -> Result<Node> {
        let token = self.advance()?;
        match token.kind {
            Kind::Directive(..) | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd => {
                Ok(nothing(token.start))
            }
            _ => self.node(true, false),
        }
    }

    /// What stands above the last empty line of the first comment is about the document.
    fn head_of_document(&mut self) -> String {
        let head = &mut self.waiting.head;
        if let Some(text) = head.strip_suffix('\n') {
            let own = text.to_owned();
            head.clear();
            return own;
        }
        match head.rfind("\n\n") {
            Some(at) => {
                let rest = head.split_off(at + 2);
                let mut own = std::mem::replace(head, rest);
                own.truncate(at);
                own
            }
            None => String::new(),
        }
    }

    fn foot_of_document(&mut self) -> Result<String> {
        if self.peek()?.kind == Kind::DocumentEnd {
            self.skip();
        }
        let Comments { head, foot, .. } = self.comments();
        Ok(if foot.is_empty() { head } else { foot })
    }

    fn refuse<T>(&self, token: &Token, message: &str) -> Result<T> {
        Err(self.scanner.error(token.start, message))
    }

    /// A node in block or flow style. `indentless`: a list may begin without being moved in.
    fn node(&mut self, block: bool, indentless: bool) -> Result<Node> {
        self.level += 1;
        let node = self.node_at_level(block, indentless);
        self.level -= 1;
        node
    }

    fn node_at_level(&mut self, block: bool, indentless: bool) -> Result<Node> {
        let first = self.peek()?;
        if self.level > MOST_LEVELS {
            return self.refuse(&first, "the text is nested too deeply");
        }
        if let Kind::Alias(name) = &first.kind {
            if !self.anchors.contains(name) {
                return self.refuse(&first, &format!("unknown anchor '{name}' referenced"));
            }
            let alias = Node { value: name.clone(), ..node(NodeKind::Alias, &first) };
            let comments = self.comments();
            self.skip();
            return Ok(Node { comments, ..alias });
        }
        let mut token = first.clone();
        let (mut anchor, mut tag) = (None, None);
        loop {
            match &token.kind {
                Kind::Anchor(name) if anchor.is_none() => {
                    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    if !name.chars().all(is_word) {
                        return self.refuse(&token, "an anchor has letters, digits, `-` and `_`");
                    }
                    anchor = Some(name.clone());
                }
                Kind::Tag(handle, rest) if tag.is_none() => {
                    tag = Some(self.tag(&token, handle, rest)?);
                }
                _ => break,
            }
            token = self.advance()?;
        }
        let mut begun = node(NodeKind::Scalar, &first);
        begun.anchor = anchor.unwrap_or_default();
        begun.is_tagged = tag.as_ref().is_some_and(|tag| tag != "!");
        begun.tag = tag.clone().filter(|_| begun.is_tagged).unwrap_or_default();
        let has_properties = tag.is_some() || !begun.anchor.is_empty();
        self.body(begun, &token, (block, indentless), has_properties)
    }

    fn tag(&self, token: &Token, handle: &str, rest: &str) -> Result<String> {
        let own = self.handles.iter().find(|(known, _)| !known.is_empty() && known == handle);
        let prefix = match (own, handle) {
            (Some((_, prefix)), _) => prefix,
            (None, "!!") => "tag:yaml.org,2002:",
            (None, "" | "!") => handle,
            _ => return self.refuse(token, "found undefined tag handle"),
        };
        Ok(tags::short(&format!("{prefix}{rest}")))
    }

    fn body(
        &mut self,
        mut node: Node,
        token: &Token,
        (block, indentless): (bool, bool),
        has_properties: bool,
    ) -> Result<Node> {
        if !node.anchor.is_empty() {
            self.anchors.insert(node.anchor.clone());
        }
        let default = |node: &mut Node, kind: NodeKind, tag: &str| {
            node.kind = kind;
            if !node.is_tagged {
                tag.clone_into(&mut node.tag);
            }
        };
        match &token.kind {
            Kind::BlockEntry if indentless => {
                default(&mut node, NodeKind::Sequence, "!!seq");
                self.items(node, false)
            }
            Kind::Scalar(NodeStyle::Double, text)
                if self.has_surrogates && text.chars().any(|c| c > '\u{ffff}') =>
            {
                self.refuse(token, "found invalid Unicode character escape code")
            }
            Kind::Scalar(style, text) => {
                text.clone_into(&mut node.value);
                default(&mut node, NodeKind::Scalar, scalar_tag(*style, text));
                node.style = *style;
                node.comments = self.comments();
                self.skip();
                Ok(node)
            }
            Kind::FlowSequenceStart => {
                default(&mut node, NodeKind::Sequence, "!!seq");
                node.style = NodeStyle::Flow;
                node.comments.head = self.comments().head;
                self.flow_items(node)
            }
            Kind::FlowMappingStart => {
                default(&mut node, NodeKind::Mapping, "!!map");
                node.style = NodeStyle::Flow;
                node.comments.head = self.comments().head;
                self.flow_entries(node)
            }
            Kind::BlockSequenceStart if block => {
                default(&mut node, NodeKind::Sequence, "!!seq");
                node.comments.head = std::mem::take(&mut self.stem);
                self.skip();
                self.items(node, true)
            }
            Kind::BlockMappingStart if block => {
                default(&mut node, NodeKind::Mapping, "!!map");
                node.comments.head = std::mem::take(&mut self.stem);
                self.skip();
                self.entries(node)
            }
            _ if has_properties => {
                default(&mut node, NodeKind::Scalar, "!!null");
                Ok(node)
            }
            _ => self.refuse(token, "did not find expected node content"),
        }
    }
}

fn at(kind: NodeKind, place: Place) -> Node {
    let count = |n: isize| usize::try_from(n + 1).unwrap_or_default();
    Node { line: count(place.line), column: count(place.column), ..Node::new(kind) }
}

fn node(kind: NodeKind, token: &Token) -> Node {
    at(kind, token.start)
}

/// A null that is written as nothing.
fn nothing(place: Place) -> Node {
    Node { tag: "!!null".to_owned(), ..at(NodeKind::Scalar, place) }
}

fn scalar_tag(style: NodeStyle, text: &str) -> &'static str {
    match style {
        NodeStyle::Plain if text == "<<" => "!!merge",
        NodeStyle::Plain => tags::implied(text),
        _ => "!!str",
    }
}
