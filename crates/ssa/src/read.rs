use capstan_yaml::{Document, Schema, YamlError};
use serde_json::Value;

use crate::text;

/// The Kubernetes objects of a YAML or JSON text. A list stands for its items.
///
/// Documents without apiVersion or name, and configuration of kustomize, are left out silently. `file` names the text in
/// errors.
///
/// # Errors
/// When the text is no YAML, or a document or an item of a list is no map, or a document has no kind.
pub fn read_objects(content: &str, file: &str) -> Result<Vec<Value>, YamlError> {
    let mut objects = Vec::new();
    for document in capstan_yaml::read_documents(content, file, Schema::Objects)? {
        check(&document, file)?;
        match document.value {
            Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
                if let Some(Value::Array(items)) = map.remove("items") {
                    objects.extend(items);
                }
            }
            object if is_object(&object) => objects.push(object),
            _ => {}
        }
    }
    Ok(objects)
}

fn check(document: &Document, file: &str) -> Result<(), YamlError> {
    let message = if !document.value.is_object() {
        "the document is no Kubernetes object: it must be a map".to_owned()
    } else if text(&document.value, "kind").is_empty() {
        "the document has no kind: every object needs apiVersion, kind and metadata.name".to_owned()
    } else if let Some(at) = odd_item(&document.value) {
        format!("items[{at}] of the list is no Kubernetes object: it must be a map")
    } else {
        return Ok(());
    };
    let start = document.start;
    Err(YamlError { file: file.to_owned(), line: start.line, column: start.column, message })
}

fn odd_item(document: &Value) -> Option<usize> {
    document.get("items")?.as_array()?.iter().position(|item| !item.is_object())
}

fn is_object(value: &Value) -> bool {
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text(value, "apiVersion"), text(value, "kind"));
    let is_configuration = kind.eq_ignore_ascii_case("Kustomization")
        && api_version.starts_with("kustomize.config.k8s.io/");
    !name.is_empty() && !api_version.is_empty() && !is_configuration
}

#[cfg(test)]
mod tests {
    use super::read_objects;

    #[test]
    fn only_objects_are_read() {
        let text = "
---
# nothing
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}
---
{kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, metadata: {name: a}}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]}
";
        let objects = read_objects(text, "all.yaml").expect("valid");
        let kinds: Vec<_> = objects.into_iter().map(|object| object["kind"].clone()).collect();
        assert_eq!(kinds, ["ConfigMap", "Secret"]);
    }

    #[test]
    fn what_is_no_object_is_an_error_with_its_place() {
        for (text, expected) in [
            ("a: [", "all.yaml:"),
            ("a: b", "all.yaml:1:1: the document has no kind"),
            ("kind: ''", "all.yaml:1:1: the document has no kind"),
            ("kind: A\n---\n- a\n", "all.yaml:3:1: the document is no Kubernetes object"),
            (
                "kind: List\nitems:\n- {}\n- 3\n",
                "all.yaml:1:1: items[1] of the list is no Kubernetes object",
            ),
        ] {
            let error = read_objects(text, "all.yaml").expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
