use capstan_api::flux;
use serde_json::{Value, json};

/// A kind that is served, in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group; empty for the core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// As it stands in URLs.
    pub plural: String,
    /// Do its objects live in namespaces?
    pub namespaced: bool,
    /// Has it a status subresource, and counts generations?
    pub has_status: bool,
}

/// A kind that becomes ready some time after it was written, if it is to.
pub const WIDGET: (&str, &str, &str) = ("sim.capstan.dev", "v1", "Widget");

impl Kind {
    fn new(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
            has_status: false,
        }
    }

    /// Everything that the agent asks for, and what units apply.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self { namespaced: false, ..Self::new("", "v1", "Namespace", "namespaces") },
            Self::new("", "v1", "ConfigMap", "configmaps"),
            Self::new("", "v1", "Secret", "secrets"),
            Self::new("", "v1", "ServiceAccount", "serviceaccounts"),
            Self::new("", "v1", "Event", "events"),
            Self { has_status: true, ..Self::new(WIDGET.0, WIDGET.1, WIDGET.2, "widgets") },
        ];
        for crd in flux::crds() {
            let (names, stored) = (&crd.spec.names, crd.spec.versions.iter().find(|v| v.storage));
            let version = stored.map(|version| version.name.clone()).unwrap_or_default();
            let kind = Self::new(&crd.spec.group, &version, &names.kind, &names.plural);
            all.push(Self { has_status: true, ..kind });
        }
        all
    }

    /// `group/version`, or the version alone.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// As refusals call it: `configmaps`, `widgets.sim.capstan.dev`.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The discovery document of a group version; nothing when it is not served.
    pub(crate) fn discovery(kinds: &[Self], api_version: &str) -> Option<Value> {
        let of_version = kinds.iter().filter(|kind| kind.api_version() == api_version);
        let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
        let resources: Vec<Value> = of_version
            .map(|kind| {
                json!({"name": kind.plural, "singularName": kind.kind.to_lowercase(),
                    "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs})
            })
            .collect();
        (!resources.is_empty()).then(|| {
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version,
                "resources": resources})
        })
    }
}
