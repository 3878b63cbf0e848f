use roxmltree::{Document, Node};

/// One page of a list of objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Listed>,
    /// Asks for the next page.
    pub(crate) next: Option<String>,
}

/// An object, as a list has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) size: u64,
}

impl Page {
    /// Reads the answer of `ListObjectsV2`; nothing when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let root = document.root_element();
        if root.tag_name().name() != "ListBucketResult" {
            return None;
        }
        let contents = root.children().filter(|node| node.tag_name().name() == "Contents");
        let listed = |node: Node<'_, '_>| {
            Some(Listed {
                key: child(node, "Key")?.to_owned(),
                etag: etag(child(node, "ETag")?),
                size: child(node, "Size")?.parse().ok()?,
            })
        };
        let objects = contents.map(listed).collect::<Option<_>>()?;
        let is_cut = child(root, "IsTruncated") == Some("true");
        let next = child(root, "NextContinuationToken").filter(|_| is_cut).map(str::to_owned);
        (next.is_some() || !is_cut).then_some(Self { objects, next })
    }
}

/// An ETag without its quotes.
pub(crate) fn etag(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

/// What the store says of an error: its code and message.
pub(crate) fn said(text: &str) -> String {
    let Ok(document) = Document::parse(text) else { return String::new() };
    let root = document.root_element();
    let part = |name| child(root, name).map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{}", part("Code"), part("Message")).chars().take(500).collect()
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| child.tag_name().name() == name)?.text()
}

#[cfg(test)]
mod tests {
    use super::{Listed, Page, said};

    #[test]
    fn pages_are_read() {
        let text = r#"<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>
            <NextContinuationToken>t</NextContinuationToken>
            <Contents><Key>a &amp; b</Key><ETag>"1"</ETag><Size>2</Size></Contents></ListBucketResult>"#;
        let page = Page::parse(text).expect("a page");
        let listed = Listed { key: "a & b".into(), etag: "1".into(), size: 2 };
        assert_eq!(page, Page { objects: vec![listed], next: Some("t".into()) });
        let last = Page::parse("<ListBucketResult/>");
        assert_eq!(last, Some(Page::default()));
        for wrong in [
            "",
            "<html/>",
            "<ListBucketResult><Contents/></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            assert_eq!(Page::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn errors_are_read() {
        let text = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(said(text), ": AccessDenied: no");
        assert_eq!(said("x"), "");
    }
}
