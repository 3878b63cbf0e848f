use capstan_model::GroupVersionKind;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::error::BuildError;
use crate::resource::{Id, Resource};

/// What a patch changes. Names are regular expressions over the whole name; empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Target {
    /// The API group.
    pub group: String,
    /// The API version within the group.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace; `default` for objects without one.
    pub namespace: String,
    /// A Kubernetes label selector.
    pub label_selector: String,
    /// The same over annotations.
    pub annotation_selector: String,
}

/// A target ready to be compared.
pub(crate) struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Matcher {
    pub(crate) fn new(target: &Target) -> Result<Self, BuildError> {
        Ok(Self {
            group: anchored("group", &target.group)?,
            version: anchored("version", &target.version)?,
            kind: anchored("kind", &target.kind)?,
            name: anchored("name", &target.name)?,
            namespace: anchored("namespace", &target.namespace)?,
            labels: requirements(&target.label_selector)?,
            annotations: requirements(&target.annotation_selector)?,
        })
    }

    /// Names and namespaces match by what they are or by what they were in the file.
    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        let now = resource.id();
        let then = resource.previous_ids().first().unwrap_or(&now);
        self.admits_kind(&now.gvk)
            && (self.name.accepts(&then.name) || self.name.accepts(&now.name))
            && (self.namespace.accepts(then.effective_namespace())
                || self.namespace.accepts(now.effective_namespace()))
            && self.admits_labels(resource)
    }

    /// Does one id of an object match, its namespace as it is written?
    pub(crate) fn admits_id(&self, id: &Id) -> bool {
        self.admits_kind(&id.gvk)
            && self.name.accepts(&id.name)
            && self.namespace.accepts(&id.namespace)
    }

    /// Do labels and annotations match?
    pub(crate) fn admits_labels(&self, resource: &Resource) -> bool {
        let metadata = |field: &str| resource.get(field);
        self.labels.iter().all(|r| r.holds(metadata("/metadata/labels")))
            && self.annotations.iter().all(|r| r.holds(metadata("/metadata/annotations")))
    }

    fn admits_kind(&self, gvk: &GroupVersionKind) -> bool {
        self.group.accepts(&gvk.group)
            && self.version.accepts(&gvk.version)
            && self.kind.accepts(&gvk.kind)
    }
}

/// What a text as a whole must be.
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

fn anchored(field: &str, pattern: &str) -> Result<Pattern, BuildError> {
    if pattern.is_empty() {
        return Ok(Pattern::Any);
    }
    if pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(Pattern::Word(pattern.to_owned()));
    }
    let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
        BuildError::new(format!("target.{field} is no regular expression: {error}"))
    })?;
    Ok(Pattern::Regex(Box::new(regex)))
}

/// One condition of a label selector.
#[derive(Debug, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Requirement {
    fn holds(&self, map: Option<&Value>) -> bool {
        let get = |key: &str| map.and_then(|m| m.get(key)).and_then(Value::as_str);
        let among = |values: &[String], value: &str| values.iter().any(|v| v == value);
        match self {
            Self::Exists(key) => get(key).is_some(),
            Self::Absent(key) => get(key).is_none(),
            Self::In(key, values) => get(key).is_some_and(|v| among(values, v)),
            Self::NotIn(key, values) => get(key).is_none_or(|v| !among(values, v)),
        }
    }
}

fn requirements(selector: &str) -> Result<Vec<Requirement>, BuildError> {
    let mut depth = 0_usize;
    let parts = selector.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(requirement).collect()
}

fn requirement(part: &str) -> Result<Requirement, BuildError> {
    let bad = || BuildError::new(format!("`{part}` is no label requirement"));
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement::In(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(key.trim().to_owned()));
    }
    let Some((head, set)) = part.split_once('(') else {
        return if part.contains(' ') {
            Err(bad())
        } else {
            Ok(Requirement::Exists(part.to_owned()))
        };
    };
    let values = set.strip_suffix(')').ok_or_else(bad)?;
    let values = values.split(',').map(|v| v.trim().to_owned()).collect();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key, "in"] => Ok(Requirement::In((*key).to_owned(), values)),
        [key, "notin"] => Ok(Requirement::NotIn((*key).to_owned(), values)),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Matcher, Target, requirements};
    use crate::error::Place;
    use crate::resource::Resource;
    use serde_json::json;

    fn matches(target: &Target) -> bool {
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata":
            {"name": "web-1", "labels": {"app": "web", "tier": "a"}}});
        Matcher::new(target).expect("valid").matches(&Resource::new(value, Place::default()))
    }

    #[test]
    fn names_are_anchored_patterns() {
        let named = |name: &str| Target { name: name.to_owned(), ..Target::default() };
        assert!(matches(&named("web-.*")));
        assert!(matches(&named("db|web-1")));
        assert!(!matches(&named("web")));
        assert!(matches(&Target { namespace: "default".to_owned(), ..Target::default() }));
        assert!(!matches(&Target { group: "batch".to_owned(), ..Target::default() }));
    }

    #[test]
    fn label_selectors() {
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier!=b", true),
            ("app in (web, db),!gone", true),
            ("app notin (web)", false),
            ("tier", true),
            ("missing", false),
        ] {
            let target = Target { label_selector: selector.to_owned(), ..Target::default() };
            assert_eq!(matches(&target), expected, "{selector}");
        }
        assert!(requirements("a b").is_err());
    }
}
