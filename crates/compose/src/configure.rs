//! What a composite is given before it is composed.

use capstan_model::{Manifest, NamespacedName};
use serde_json::{Value, json};

use crate::composition::Composition;
use crate::meta;

/// The prefix of its children's names: label `crossplane.io/composite`, else its own name.
pub fn name_prefix(composite: &Manifest) -> &str {
    match composite.label(meta::LABEL_COMPOSITE) {
        Some(prefix) if !prefix.is_empty() => prefix,
        _ => composite.name(),
    }
}

/// Where its connection Secret goes; `None` when it publishes none.
pub fn connection_secret(composite: &Manifest) -> Option<NamespacedName> {
    let reference = composite.value().pointer("/spec/writeConnectionSecretToRef")?;
    let text = |key| reference.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(NamespacedName::new(text("namespace")?, text("name")?))
}

/// The composite with its label, and with a Secret of the Composition's namespace, named by the
/// composite's UID, where it asks for none itself. `None` when nothing is to be written.
pub fn configure(composite: &Manifest, composition: &Composition) -> Option<Manifest> {
    let mut configured = composite.clone();
    if composite.label(meta::LABEL_COMPOSITE).is_none_or(str::is_empty) {
        configured.set_label(meta::LABEL_COMPOSITE, composite.name());
    }
    let asks = composite.value().pointer("/spec/writeConnectionSecretToRef").is_some();
    if let (false, Some(namespace)) = (asks, &composition.secrets_namespace)
        && let Some(spec) = configured.value_mut().get_mut("spec").and_then(Value::as_object_mut)
    {
        let reference = json!({"name": composite.uid(), "namespace": namespace});
        spec.insert("writeConnectionSecretToRef".to_owned(), reference);
    }
    (configured != *composite).then_some(configured)
}
