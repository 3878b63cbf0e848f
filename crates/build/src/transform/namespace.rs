use serde_json::Value;

use crate::error::{BuildError, Place};
use crate::fields::Field;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::scope::is_cluster_scoped;

/// Moves every namespaced object to the namespace, and what names a namespace along with it.
pub(super) fn set(
    namespace: &str,
    file: &str,
    resources: &mut Resources,
) -> Result<(), BuildError> {
    if namespace.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        resource.remember_id();
        one(resource, namespace);
    }
    let ids: Vec<_> = resources.iter().map(Resource::id).collect();
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].iter().any(|other| other.is_same(id)) {
            return Err(BuildError::new(format!(
                "{id} exists twice after `namespace: {namespace}`"
            ))
            .at(&Place { file: file.to_owned(), line: 1 })
            .hint("two objects differed only by their namespace; rename one of them"));
        }
    }
    Ok(())
}

fn one(resource: &mut Resource, namespace: &str) {
    let gvk = resource.gvk();
    if gvk.group.is_empty() && gvk.kind == "Namespace" {
        resource.set_name(namespace);
    } else if !is_cluster_scoped(&gvk) {
        resource.set_namespace(namespace);
    }
    if matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
        subjects(&mut resource.value, namespace);
    }
    for (group, kind, path) in [
        ("apiregistration.k8s.io", "APIService", "spec/service/namespace"),
        (
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            "spec/conversion/webhook/clientConfig/service/namespace",
        ),
    ] {
        let field = Field::of(group, kind, path).existing();
        if field.admits(&gvk) {
            field.visit(&mut resource.value, &Value::Null, &mut |value| *value = namespace.into());
        }
    }
}

/// The `default` service account of a binding moves along; others follow their own object.
fn subjects(binding: &mut Value, namespace: &str) {
    let Some(Value::Array(subjects)) = binding.get_mut("subjects") else { return };
    for subject in subjects {
        let is = |field: &str, text: &str| subject.get(field).and_then(Value::as_str) == Some(text);
        if is("kind", "ServiceAccount") && is("name", "default") {
            subject["namespace"] = namespace.into();
        }
    }
}
