//! What the API server serves, in one request: aggregated discovery, which unlike the old kind tells
//! categories.

use http::Request;
use kube::Client;
use kube::core::ApiResource;
use serde_json::Value;

use crate::failure::Failure;

/// Aggregated discovery, GA since Kubernetes 1.30 and beta since 1.27.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// A kind that the API server serves, in its preferred version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
    pub(crate) categories: Vec<String>,
}

impl Kind {
    pub(crate) fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `kustomization.kustomize.toolkit.fluxcd.io`, as `kubectl get -o name` writes it.
    pub(crate) fn singular(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    pub(crate) fn has_category(&self, category: &str) -> bool {
        self.categories.iter().any(|own| own == category)
    }
}

/// Asks for every kind outside the core group.
pub(crate) async fn kinds(client: &Client) -> Result<Vec<Kind>, Failure> {
    let request = Request::get("/apis").header("Accept", ACCEPT).body(Vec::new());
    let request = request.expect("because the request is a constant");
    let answer: Value = client
        .request(request)
        .await
        .map_err(|error| Failure::from(error).during("failed to ask what the API server serves"))?;
    if answer["kind"] != "APIGroupDiscoveryList" {
        return Err(Failure::new("the API server does not tell all of its kinds at once")
            .hint("capstan needs Kubernetes 1.27 or newer"));
    }
    Ok(parse(&answer))
}

/// The first version of a group that serves a kind is the preferred one.
fn parse(answer: &Value) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    for group in list(&answer["items"]) {
        let name = text(&group["metadata"]["name"]);
        for version in list(&group["versions"]) {
            for resource in list(&version["resources"]) {
                let kind = text(&resource["responseKind"]["kind"]);
                let known = |other: &Kind| other.group == name && other.kind == kind;
                if !kind.is_empty() && listable(resource) && !kinds.iter().any(known) {
                    kinds.push(read(&name, text(&version["version"]), kind, resource));
                }
            }
        }
    }
    kinds
}

fn read(group: &str, version: String, kind: String, resource: &Value) -> Kind {
    Kind {
        group: group.to_owned(),
        version,
        kind,
        plural: text(&resource["resource"]),
        namespaced: resource["scope"] == "Namespaced",
        categories: list(&resource["categories"]).map(text).collect(),
    }
}

fn listable(resource: &Value) -> bool {
    list(&resource["verbs"]).any(|verb| verb == "list")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn the_preferred_version_and_the_categories_are_read() {
        let resource = |verbs: serde_json::Value| {
            json!({"resource": "roles", "responseKind": {"kind": "Role"}, "scope": "Cluster",
                "categories": ["managed", "aws"], "verbs": verbs})
        };
        let answer = json!({"items": [{"metadata": {"name": "iam.aws.crossplane.io"}, "versions": [
            {"version": "v1beta1", "resources": [resource(json!(["get", "list"]))]},
            {"version": "v1alpha1", "resources": [resource(json!(["list"]))]},
        ]}, {"metadata": {"name": "x.io"}, "versions": [
            {"version": "v1", "resources": [resource(json!(["create"])), {"resource": "odd"}]}]}]});
        let kinds = parse(&answer);
        assert_eq!(kinds.len(), 1);
        let role = &kinds[0];
        assert_eq!(role.api_version(), "iam.aws.crossplane.io/v1beta1");
        assert_eq!(role.singular(), "role.iam.aws.crossplane.io");
        assert!(role.has_category("managed") && !role.namespaced);
    }

    #[test]
    fn nonsense_is_nothing() {
        assert_eq!(parse(&json!({"items": [1, {"versions": "x"}]})), []);
    }
}
