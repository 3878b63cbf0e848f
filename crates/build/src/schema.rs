//! What is known of the lists of kinds: Kubernetes' own schema, and the one that `openapi.path` brings.
//!
//! kustomize keeps one schema a build. The first layer that names one sets it, and a layer is met before
//! what it includes. Kubernetes' own kinds stay known beside it only when objects were met before it.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use capstan_model::GroupVersionKind;
use serde_json::Value;

use crate::error::BuildError;
use crate::patch::merge_keys::{self, ListMerge};

/// The versions of Kubernetes' schema that kustomize carries.
const VERSIONS: [&str; 1] = ["v1.21.2"];

/// Definitions of types by name, as in the `definitions` of an OpenAPI v2 document.
#[derive(Debug)]
pub(crate) struct Definitions(Value);

/// The schema of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    custom: Option<Rc<Definitions>>,
    lacks_builtin: bool,
}

/// The schema of a build while its layers are met.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    is_chosen: OnceCell<()>,
    schemas: RefCell<Schemas>,
}

impl Chosen {
    /// What is known now.
    pub(crate) fn schemas(&self) -> Schemas {
        self.schemas.borrow().clone()
    }

    /// Takes the `openapi` field of a layer: a version, or a document that was read from its path. The first counts.
    ///
    /// # Errors
    /// When both are given, kustomize does not carry the version, or the document defines no types.
    pub(crate) fn choose(
        &self,
        version: Option<&str>,
        document: Option<Value>,
        objects_were_met: bool,
    ) -> Result<(), BuildError> {
        let is_named = version.is_some_and(|version| !version.is_empty()) || document.is_some();
        if !is_named || self.is_chosen.get().is_some() {
            return Ok(());
        }
        if let (Some(_), Some(_)) = (version, &document) {
            return Err(BuildError::new(
                "builtin version and custom schema provided, cannot use both",
            )
            .hint("keep `path` or `version` under `openapi`"));
        }
        let _ = self.is_chosen.set(());
        if let Some(document) = document {
            let custom = Some(Rc::new(Definitions::parse(document)?));
            *self.schemas.borrow_mut() = Schemas { custom, lacks_builtin: !objects_were_met };
        } else if version.is_some_and(|version| !VERSIONS.contains(&version)) {
            return Err(BuildError::new("the specified OpenAPI version is not built in")
                .hint(format!("leave it out, or write {}", VERSIONS.join(" or "))));
        }
        Ok(())
    }
}

impl Schemas {
    /// Is it a kind whose lists are known?
    pub(crate) fn knows(&self, gvk: &GroupVersionKind) -> bool {
        self.custom_type(gvk).is_some() || (!self.lacks_builtin && merge_keys::knows(gvk))
    }

    /// The rule for the list at a path of an object: the keys that lead to it, without list positions.
    pub(crate) fn rule(&self, gvk: &GroupVersionKind, path: &[String]) -> ListMerge<'_> {
        match self.custom_type(gvk) {
            Some((definitions, kind)) => definitions.rule(kind, path, !self.lacks_builtin),
            None if self.lacks_builtin => ListMerge::Replace,
            None => merge_keys::rule(gvk, path),
        }
    }

    fn custom_type(&self, gvk: &GroupVersionKind) -> Option<(&Definitions, &Value)> {
        let definitions = self.custom.as_deref()?;
        Some((definitions, definitions.of_kind(gvk)?))
    }
}

impl Definitions {
    fn parse(mut document: Value) -> Result<Self, BuildError> {
        let fault = |message: &str| {
            BuildError::new(format!("invalid schema file: {message}"))
                .hint("it is an OpenAPI v2 document with `definitions`, as `kustomize openapi fetch` prints")
        };
        if !document.is_object() {
            return Err(fault("it is no map"));
        }
        match document.get_mut("definitions").map(Value::take) {
            None | Some(Value::Null) => Ok(Self(Value::Object(serde_json::Map::new()))),
            Some(definitions @ Value::Object(_)) => Ok(Self(definitions)),
            Some(_) => Err(fault("`definitions` is no map")),
        }
    }

    /// The type that says to be of a kind.
    fn of_kind(&self, gvk: &GroupVersionKind) -> Option<&Value> {
        let says = |kind: &Value| {
            let text = |field: &str| kind.get(field).and_then(Value::as_str).unwrap_or_default();
            text("group") == gvk.group && text("version") == gvk.version && text("kind") == gvk.kind
        };
        self.0.as_object()?.values().find(|definition| {
            let kinds = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
            kinds.is_some_and(|kinds| kinds.iter().any(says))
        })
    }

    fn rule<'a>(&'a self, kind: &'a Value, path: &[String], has_builtin: bool) -> ListMerge<'a> {
        let mut at = Type::Given(kind);
        for (index, key) in path.iter().enumerate() {
            at = match self.element(at) {
                Type::Given(schema) => self.field(schema, key),
                Type::Elsewhere(name) if has_builtin => {
                    return merge_keys::rule_of_type(name, &path[index..]);
                }
                _ => return ListMerge::Replace,
            };
        }
        match at {
            Type::Given(schema) => list_merge(schema),
            _ => ListMerge::Replace,
        }
    }

    /// The type of the items of a list; any other type is its own.
    fn element<'a>(&'a self, at: Type<'a>) -> Type<'a> {
        match at {
            Type::Given(schema) if is_list(schema) => {
                schema.get("items").map_or(Type::None, |items| self.resolve(items))
            }
            other => other,
        }
    }

    fn field<'a>(&'a self, schema: &'a Value, key: &str) -> Type<'a> {
        let named = schema.get("properties").and_then(|properties| properties.get(key));
        let field = named.or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()));
        field.map_or(Type::None, |field| self.resolve(field))
    }

    /// The type that a chain of references ends in; references that lead in a circle end nowhere.
    fn resolve<'a>(&'a self, mut schema: &'a Value) -> Type<'a> {
        for _ in 0..32 {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                return Type::Given(schema);
            };
            let Some(name) = reference.strip_prefix("#/definitions/") else { return Type::None };
            match self.0.pointer(&format!("/{name}")) {
                Some(definition) => schema = definition,
                None => return Type::Elsewhere(name),
            }
        }
        Type::None
    }
}

/// What a path in definitions leads to.
#[derive(Clone, Copy)]
enum Type<'a> {
    None,
    Given(&'a Value),
    /// A type that these definitions refer to and do not hold.
    Elsewhere(&'a str),
}

fn is_list(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "array",
        Some(Value::Array(names)) => matches!(names.as_slice(), [name] if name == "array"),
        _ => false,
    }
}

fn list_merge(schema: &Value) -> ListMerge<'_> {
    let text = |field: &str| schema.get(field).and_then(Value::as_str);
    let merges = text("x-kubernetes-patch-strategy")
        .is_some_and(|strategies| strategies.split(',').any(|strategy| strategy == "merge"));
    if !merges {
        return ListMerge::Replace;
    }
    match (schema.get("x-kubernetes-list-map-keys"), text("x-kubernetes-patch-merge-key")) {
        (Some(Value::Array(keys)), _) if !keys.is_empty() => {
            ListMerge::ByKeys(keys.iter().filter_map(Value::as_str).collect())
        }
        (None, Some(key)) => ListMerge::ByKeys(vec![key]),
        _ => ListMerge::Union,
    }
}

#[cfg(test)]
mod tests {
    use super::{Chosen, ListMerge};
    use capstan_model::GroupVersionKind;
    use serde_json::{Value, json};

    fn document() -> Value {
        json!({"definitions": {
            "v1.App": {
                "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "App"}],
                "properties": {"spec": {"$ref": "#/definitions/v1.Spec"}},
            },
            "v1.Spec": {"properties": {
                "parts": {"type": "array", "items": {"$ref": "#/definitions/v1.Spec"},
                    "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "name"},
                "words": {"type": "array", "x-kubernetes-patch-strategy": "merge"},
                "circle": {"$ref": "#/definitions/circle"},
                "pod": {"$ref": "#/definitions/io.k8s.api.core.v1.PodTemplateSpec"},
            }},
            "circle": {"$ref": "#/definitions/circle"},
        }})
    }

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn lists_of_a_custom_kind_are_known_by_its_definitions() {
        let chosen = Chosen::default();
        chosen.choose(None, Some(document()), false).unwrap();
        let schemas = chosen.schemas();
        let app = GroupVersionKind::new("example.com", "v1", "App");
        let rule = |at: &str| schemas.rule(&app, &path(at));
        assert_eq!(rule("spec.parts"), ListMerge::ByKeys(vec!["name"]));
        assert_eq!(rule("spec.parts.parts"), ListMerge::ByKeys(vec!["name"]));
        assert_eq!(rule("spec.parts.words"), ListMerge::Union);
        assert_eq!(rule("spec.circle.words"), ListMerge::Replace);
        assert_eq!(rule("spec.other"), ListMerge::Replace);
        assert_eq!(rule("spec.pod.spec.volumes"), ListMerge::Replace);
        assert!(!schemas.knows(&GroupVersionKind::new("apps", "v1", "Deployment")));
    }

    #[test]
    fn the_first_choice_counts_and_keeps_what_was_known_when_objects_were_met() {
        let deployment = GroupVersionKind::new("apps", "v1", "Deployment");
        let chosen = Chosen::default();
        chosen.choose(None, Some(document()), true).unwrap();
        chosen.choose(None, Some(json!({})), false).unwrap();
        assert!(chosen.schemas().knows(&deployment));
        let app = GroupVersionKind::new("example.com", "v1", "App");
        let schemas = chosen.schemas();
        let volumes = path("spec.pod.spec.volumes");
        assert_eq!(schemas.rule(&app, &volumes), ListMerge::ByKeys(vec!["name"]));
        assert!(chosen.schemas().knows(&GroupVersionKind::new("example.com", "v1", "App")));
    }

    #[test]
    fn odd_choices_are_refused() {
        let message = |version, document| {
            Chosen::default().choose(version, document, false).unwrap_err().to_string()
        };
        assert!(message(Some("v1.20.0"), None).contains("is not built in"));
        assert!(message(Some("v1.21.2"), Some(document())).contains("cannot use both"));
        assert!(message(None, Some(json!([]))).contains("invalid schema file"));
        assert!(message(None, Some(json!({"definitions": 1}))).contains("`definitions` is no map"));
    }
}
