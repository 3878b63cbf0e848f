use regex::Regex;
use serde_json::Value;

use crate::{GroupVersionKind, LabelSelector, LabelSelectorError};

/// What to choose objects by, as it is written. The empty text means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selector<'a> {
    /// A regular expression over the whole API group.
    pub group: &'a str,
    /// The same over the API version within the group.
    pub version: &'a str,
    /// The same over the kind.
    pub kind: &'a str,
    /// The same over the name.
    pub name: &'a str,
    /// The same over the namespace.
    pub namespace: &'a str,
    /// A Kubernetes label selector.
    pub label_selector: &'a str,
    /// The same over annotations.
    pub annotation_selector: &'a str,
}

/// A selector ready to be compared: of a patch, of a replacement, of what drift detection leaves alone.
#[derive(Clone, Debug)]
pub struct ObjectSelector {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: LabelSelector,
    annotations: LabelSelector,
}

/// Why a selector cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SelectorError {
    /// A field is no regular expression.
    #[error("target.{field} is no regular expression: {error}")]
    Pattern {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        error: regex::Error,
    },
    /// A label selector, or one over annotations, is none.
    #[error(transparent)]
    Labels(#[from] LabelSelectorError),
}

impl ObjectSelector {
    /// Compiles a selector.
    ///
    /// # Errors
    /// The first field that is no regular expression or no label selector.
    pub fn new(selector: &Selector<'_>) -> Result<Self, SelectorError> {
        Ok(Self {
            group: anchored("group", selector.group)?,
            version: anchored("version", selector.version)?,
            kind: anchored("kind", selector.kind)?,
            name: anchored("name", selector.name)?,
            namespace: anchored("namespace", selector.namespace)?,
            labels: selector.label_selector.parse()?,
            annotations: selector.annotation_selector.parse()?,
        })
    }

    /// Does an object match in every part?
    pub fn matches(&self, object: &Value) -> bool {
        let text = |at| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let gvk = GroupVersionKind::from_api_version(text("/apiVersion"), text("/kind"));
        self.admits_kind(&gvk)
            && self.admits_name(text("/metadata/name"))
            && self.admits_namespace(text("/metadata/namespace"))
            && self.admits_labels(
                |key| object.pointer("/metadata/labels")?.get(key)?.as_str(),
                |key| object.pointer("/metadata/annotations")?.get(key)?.as_str(),
            )
    }

    /// Do group, version and kind match?
    pub fn admits_kind(&self, gvk: &GroupVersionKind) -> bool {
        self.group.accepts(&gvk.group)
            && self.version.accepts(&gvk.version)
            && self.kind.accepts(&gvk.kind)
    }

    /// Does the name match?
    pub fn admits_name(&self, name: &str) -> bool {
        self.name.accepts(name)
    }

    /// Does the namespace match?
    pub fn admits_namespace(&self, namespace: &str) -> bool {
        self.namespace.accepts(namespace)
    }

    /// Do the labels and annotations of an object match?
    pub fn admits_labels<'a>(
        &self,
        label: impl Fn(&str) -> Option<&'a str>,
        annotation: impl Fn(&str) -> Option<&'a str>,
    ) -> bool {
        self.labels.matches(label) && self.annotations.matches(annotation)
    }
}

/// What a text as a whole must be.
#[derive(Clone, Debug)]
enum Pattern {
    Any,
    /// To make a regular expression of a plain word takes longer than to look at all objects.
    Word(String),
    Regex(Box<Regex>),
}

impl Pattern {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => word == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

fn anchored(field: &'static str, pattern: &str) -> Result<Pattern, SelectorError> {
    if pattern.is_empty() {
        return Ok(Pattern::Any);
    }
    if pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(Pattern::Word(pattern.to_owned()));
    }
    let regex = Regex::new(&format!("^(?:{pattern})$"));
    let fault = |error| SelectorError::Pattern { field, error };
    regex.map(|regex| Pattern::Regex(Box::new(regex))).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::{ObjectSelector, Selector};
    use serde_json::json;

    fn matches(selector: Selector<'_>) -> bool {
        let metadata = json!({"name": "web-1", "namespace": "shop", "labels": {"app": "web"},
            "annotations": {"owner": "a", "odd": 1}});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata});
        ObjectSelector::new(&selector).expect("valid").matches(&object)
    }

    #[test]
    fn every_part_must_match_as_a_whole() {
        let any = Selector::default();
        assert!(matches(any));
        assert!(matches(Selector { name: "web-.*", namespace: "shop|yard", ..any }));
        assert!(matches(Selector { group: "apps", version: "v.", kind: ".*ment", ..any }));
        assert!(matches(Selector { label_selector: "app", annotation_selector: "owner=a", ..any }));
        for selector in [
            Selector { name: "web", ..any },
            Selector { name: "a|web-", ..any },
            Selector { namespace: "default", ..any },
            Selector { group: "app", ..any },
            Selector { version: "v2", ..any },
            Selector { kind: "deployment", ..any },
            Selector { label_selector: "owner", ..any },
            Selector { annotation_selector: "odd", ..any },
        ] {
            assert!(!matches(selector), "{selector:?}");
        }
    }

    #[test]
    fn a_faulty_selector_is_named() {
        let said = |selector| ObjectSelector::new(&selector).expect_err("invalid").to_string();
        let any = Selector::default();
        assert!(
            said(Selector { kind: "(", ..any }).starts_with("target.kind is no regular expression")
        );
        assert!(
            said(Selector { label_selector: "a b", ..any })
                .starts_with("`a b` is no label selector")
        );
    }
}
