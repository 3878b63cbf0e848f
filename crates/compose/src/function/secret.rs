use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_model::NamespacedName;
use serde_json::{Value, json};

use super::{SecretRef, type_name};
use crate::connection::Details;
use crate::meta;
use crate::patch::{self, PatchKind};

/// The Secret with these details.
pub(super) fn compose(
    composite: &Value,
    details: &Details,
    wanted: Option<&SecretRef>,
) -> Result<Value, String> {
    let reference = secret_reference(composite, wanted)?;
    let data: BTreeMap<&str, String> = details
        .iter()
        .map(|(key, value)| (key.as_str(), STANDARD.encode(value.expose())))
        .collect();
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": reference.name},
        "type": meta::SECRET_TYPE,
        "data": data,
    });
    if !reference.namespace.is_empty() {
        secret["metadata"]["namespace"] = reference.namespace.into();
    }
    Ok(secret)
}

/// A text of `metadata`; empty when absent.
pub(super) fn metadata<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|m| m.get(key)?.as_str()).unwrap_or_default()
}

/// Does the composite have connection details of its own? Those of the second generation, known by
/// `spec.crossplane`, do not.
pub fn supports_connection_details(composite: &Value) -> bool {
    composite.pointer("/spec/crossplane").is_none()
}

/// Where the connection Secret of a composite of the second generation goes: the composite's own
/// `spec.writeConnectionSecretToRef`, else the step's, else `<composite>-connection`; then patched.
pub fn secret_reference(
    composite: &Value,
    wanted: Option<&SecretRef>,
) -> Result<NamespacedName, String> {
    let own = composite.pointer("/spec/writeConnectionSecretToRef").filter(|r| r.is_object());
    let text =
        |value: &Value, key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let base = match (own, wanted) {
        (Some(own), _) => NamespacedName::new(text(own, "namespace"), text(own, "name")),
        (None, Some(wanted)) if !wanted.name.is_empty() || !wanted.namespace.is_empty() => {
            NamespacedName::new(&wanted.namespace, &wanted.name)
        }
        _ => NamespacedName::new(
            metadata(composite, "namespace"),
            format!("{}-connection", metadata(composite, "name")),
        ),
    };
    let mut object = json!({"name": base.name, "namespace": base.namespace});
    let patches = wanted.map_or(&[][..], |wanted| &wanted.patches);
    for (index, patch) in patches.iter().enumerate() {
        let kind = patch.kind();
        if !matches!(kind, Some(PatchKind::FromComposite | PatchKind::CombineFromComposite)) {
            return Err(format!("unsupported patch type {} at index {index}", type_name(patch)));
        }
        let result = patch::apply(patch, composite, &mut object);
        let optional = kind == Some(PatchKind::FromComposite) && !patch.is_required();
        if let (Err(fault), false) = (&result, optional) {
            return Err(format!(
                "cannot apply patch type {} at index {index}: {fault}",
                type_name(patch)
            ));
        }
    }
    Ok(NamespacedName::new(text(&object, "namespace"), text(&object, "name")))
}
