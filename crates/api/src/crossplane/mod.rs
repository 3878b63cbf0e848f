//! Crossplane: XRDs, Compositions and their revisions.
//!
//! Only the CRDs and the names are here. What the documents mean is read by `capstan-compose`, from
//! the document itself: two of its three kinds are trees of options that nobody else looks into.

mod composition;
mod definition;
mod parts;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// The group.
pub const GROUP: &str = "apiextensions.crossplane.io";
/// The version that is stored.
pub const VERSION: &str = "v1";
/// Kind of definitions of composite kinds.
pub const DEFINITION: &str = "CompositeResourceDefinition";
/// Their resource name.
pub const DEFINITIONS: &str = "compositeresourcedefinitions";
/// Kind of Compositions.
pub const COMPOSITION: &str = "Composition";
/// Their resource name.
pub const COMPOSITIONS: &str = "compositions";
/// Kind of a Composition's revisions.
pub const REVISION: &str = "CompositionRevision";
/// Their resource name.
pub const REVISIONS: &str = "compositionrevisions";

/// The CRDs, with the names, columns and defaults of Crossplane 1.15.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![definition::crd(), composition::crd(), composition::revision_crd()]
}

#[cfg(test)]
mod tests {
    use super::crds;
    use serde_json::{Value, json};

    /// Every node of a structural schema has a type, or keeps what it does not know.
    fn check_structural(path: &str, schema: &Value) {
        let map = schema.as_object().unwrap_or_else(|| panic!("{path} is no schema"));
        let free = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
        assert!(free || map.contains_key("type"), "{path} has neither type nor freedom");
        for (name, below) in map.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            check_structural(&format!("{path}.{name}"), below);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(below) = map.get(key) {
                check_structural(&format!("{path}.{key}"), below);
            }
        }
        let names = map.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            assert!(map["properties"].get(name).is_some(), "{path} requires the unknown {name}");
        }
    }

    #[test]
    fn schemas_are_structural() {
        for crd in crds() {
            for version in &crd.spec.versions {
                let schema = version.schema.as_ref().expect("a schema");
                let schema = serde_json::to_value(&schema.open_api_v3_schema).expect("JSON");
                check_structural(&crd.spec.names.kind, &schema);
            }
        }
    }

    #[test]
    fn names_are_crossplanes() {
        let named: Vec<_> = crds()
            .into_iter()
            .map(|crd| (crd.metadata.name.unwrap_or_default(), crd.spec.names.short_names))
            .collect();
        let short = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(
            named,
            [
                (
                    "compositeresourcedefinitions.apiextensions.crossplane.io".to_owned(),
                    short(&["xrd", "xrds"])
                ),
                ("compositions.apiextensions.crossplane.io".to_owned(), short(&["comp"])),
                (
                    "compositionrevisions.apiextensions.crossplane.io".to_owned(),
                    short(&["comprev"])
                ),
            ]
        );
    }
}
