//! A small element tree over what the query services answer, and the way back to text.

use std::fmt::Write as _;

/// One element: text and children, attributes dropped except the namespace of the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Text directly below this element; empty when it has children.
    pub text: String,
    /// Child elements in document order.
    pub children: Vec<Element>,
    namespace: Option<String>,
}

impl Element {
    /// An element with text and no children.
    pub(crate) fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    /// An element with children.
    pub(crate) fn node(name: &str, children: Vec<Element>) -> Self {
        Self { name: name.into(), children, ..Self::default() }
    }

    /// Gives the root its namespace declaration.
    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Reads a document. Fails with the parser's message, which names line and column.
    pub(crate) fn parse(text: &str) -> Result<Self, roxmltree::Error> {
        Ok(from_node(roxmltree::Document::parse(text)?.root_element(), true))
    }

    /// The first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name; `None` also when it is empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The first element of that name anywhere below, depth first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children
            .iter()
            .find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// The text of the first element of that name anywhere below; `None` also when it is empty.
    #[must_use]
    pub fn find_text(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The entries (`item` or `member`) of the first list of that name anywhere below.
    #[must_use]
    pub fn items(&self, list: &str) -> &[Element] {
        self.find(list).map_or(&[], |found| found.children.as_slice())
    }

    /// The tags below `tagSet` (EC2) or `Tags` (IAM), in document order.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        let set = self.child("tagSet").or_else(|| self.child("Tags"));
        let value = |tag: &Element, lower: &str, upper: &str| {
            tag.text(lower).or_else(|| tag.text(upper)).unwrap_or_default().to_owned()
        };
        set.map_or_else(Vec::new, |set| {
            set.children
                .iter()
                .map(|tag| (value(tag, "key", "Key"), value(tag, "value", "Value")))
                .collect()
        })
    }

    /// The first element of that name anywhere below, to change it.
    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut Element> {
        for child in &mut self.children {
            if child.name == name {
                return Some(child);
            }
            if let Some(found) = child.find_mut(name) {
                return Some(found);
            }
        }
        None
    }

    /// Sets the text of a child, adding it when absent.
    pub(crate) fn set(&mut self, name: &str, text: &str) {
        match self.children.iter_mut().find(|child| child.name == name) {
            Some(child) => text.clone_into(&mut child.text),
            None => self.children.push(Self::leaf(name, text)),
        }
    }

    /// The document as text, with an XML declaration.
    pub(crate) fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        if let Some(namespace) = &self.namespace {
            let _ = write!(out, " xmlns=\"{}\"", escaped(namespace));
        }
        out.push('>');
        out.push_str(&escaped(&self.text));
        self.children.iter().for_each(|child| child.write(out));
        let _ = write!(out, "</{}>", self.name);
    }
}

fn from_node(node: roxmltree::Node<'_, '_>, root: bool) -> Element {
    let children: Vec<_> =
        node.children().filter(roxmltree::Node::is_element).map(|n| from_node(n, false)).collect();
    let text = if children.is_empty() { node.text().unwrap_or_default() } else { "" };
    let namespace = node.tag_name().namespace().filter(|_| root).map(str::to_owned);
    Element { name: node.tag_name().name().into(), text: text.into(), children, namespace }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<R xmlns="urn:x"><vpcSet><item><vpcId>vpc-1</vpcId><tagSet><item>
        <key>Name</key><value>a&amp;b</value></item></tagSet></item></vpcSet></R>"#;

    #[test]
    fn what_is_read_can_be_walked_and_written_back() {
        let root = Element::parse(ANSWER).unwrap();
        let vpc = &root.items("vpcSet")[0];
        assert_eq!(vpc.text("vpcId"), Some("vpc-1"));
        assert_eq!(vpc.tags(), vec![("Name".into(), "a&b".into())]);
        let again = Element::parse(&root.document()).unwrap();
        assert_eq!(again, root);
    }

    #[test]
    fn a_child_can_be_set_whether_or_not_it_was_there() {
        let mut root = Element::parse("<a><state>available</state></a>").unwrap();
        root.set("state", "pending");
        root.set("why", "wait");
        assert_eq!((root.text("state"), root.text("why")), (Some("pending"), Some("wait")));
    }
}
