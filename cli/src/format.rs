//! Objects as kubectl prints them with `-o json`, `-o yaml` and `-o name`.

use serde_json::{Value, json};

/// The objects as one document: a `List`, or the object itself when it was asked for by name.
pub(crate) fn document(mut objects: Vec<Value>, single: bool) -> Value {
    for object in &mut objects {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    }
    match objects.len() {
        1 if single => objects.remove(0),
        _ => json!({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {}}),
    }
}

/// JSON with four spaces, as kubectl has it.
pub(crate) fn pretty(document: &Value) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(document, &mut serializer)
        .expect("because a JSON value always serialises");
    text.push(b'\n');
    String::from_utf8(text).expect("because JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::{document, pretty};
    use serde_json::json;

    #[test]
    fn managed_fields_are_nobodys_business() {
        let object = json!({"metadata": {"name": "a", "managedFields": []}});
        assert_eq!(document(vec![object], true), json!({"metadata": {"name": "a"}}));
    }

    #[test]
    fn several_objects_are_a_list() {
        let list = document(vec![json!({}), json!({})], true);
        assert_eq!(
            (&list["kind"], list["items"].as_array().map(Vec::len)),
            (&json!("List"), Some(2))
        );
        assert_eq!(document(vec![json!({})], false)["kind"], "List");
    }

    #[test]
    fn json_is_indented_as_kubectl_does() {
        assert_eq!(pretty(&json!({"a": 1})), "{\n    \"a\": 1\n}\n");
    }
}
