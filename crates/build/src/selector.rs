use capstan_model::{ObjectSelector, Selector};
use serde::Deserialize;

use crate::decode::embedded;
use crate::error::BuildError;
use crate::resource::{Id, Resource};

/// What a patch changes. Names are regular expressions over the whole name; empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Target {
    /// The API group.
    #[serde(deserialize_with = "embedded")]
    pub group: String,
    /// The API version within the group.
    #[serde(deserialize_with = "embedded")]
    pub version: String,
    /// The kind.
    #[serde(deserialize_with = "embedded")]
    pub kind: String,
    /// The name.
    #[serde(deserialize_with = "embedded")]
    pub name: String,
    /// The namespace; `default` for objects without one.
    #[serde(deserialize_with = "embedded")]
    pub namespace: String,
    /// A Kubernetes label selector.
    pub label_selector: String,
    /// The same over annotations.
    pub annotation_selector: String,
}

/// A target ready to be compared.
pub(crate) struct Matcher(ObjectSelector);

impl Matcher {
    pub(crate) fn new(target: &Target) -> Result<Self, BuildError> {
        let selector = Selector {
            group: &target.group,
            version: &target.version,
            kind: &target.kind,
            name: &target.name,
            namespace: &target.namespace,
            label_selector: &target.label_selector,
            annotation_selector: &target.annotation_selector,
        };
        let compiled = ObjectSelector::new(&selector);
        compiled.map(Self).map_err(|error| BuildError::new(error.to_string()))
    }

    /// Names and namespaces match by what they are or by what they were in the file.
    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        let now = resource.id();
        let then = resource.previous_ids().first().unwrap_or(&now);
        self.0.admits_kind(&now.gvk)
            && (self.0.admits_name(&then.name) || self.0.admits_name(&now.name))
            && (self.0.admits_namespace(then.effective_namespace())
                || self.0.admits_namespace(now.effective_namespace()))
            && self.admits_labels(resource)
    }

    /// Does one id of an object match, its namespace as it is written?
    pub(crate) fn admits_id(&self, id: &Id) -> bool {
        self.0.admits_kind(&id.gvk)
            && self.0.admits_name(&id.name)
            && self.0.admits_namespace(&id.namespace)
    }

    /// Do labels and annotations match?
    pub(crate) fn admits_labels(&self, resource: &Resource) -> bool {
        // What is written for a map or a list is nothing.
        let text = |map: &str, key: &str| {
            resource.get(map)?.get(key).map(|value| value.written().unwrap_or_default())
        };
        self.0.admits_labels(
            |key| text("/metadata/labels", key),
            |key| text("/metadata/annotations", key),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Matcher, Target};
    use crate::error::Place;
    use crate::resource::Resource;
    use serde_json::json;

    fn matches(target: &Target) -> bool {
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata":
            {"name": "web-1", "labels": {"app": "web", "tier": "a"}}});
        Matcher::new(target).expect("valid").matches(&Resource::new(value.into(), Place::default()))
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
    fn labels_and_patterns() {
        let labelled =
            |selector: &str| Target { label_selector: selector.to_owned(), ..Target::default() };
        assert!(matches(&labelled("app in (web, db),!gone")));
        assert!(!matches(&labelled("missing")));
        assert!(Matcher::new(&labelled("a b")).is_err());
    }
}
