use capstan_model::Manifest;
use capstan_ssa::ManagerRule;
use serde_json::{Value, json};

/// Annotations that older ways to apply left behind.
const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];

/// A label that they left.
const LABEL: &str = "fluxcd.io/sync-gc-mark";

/// The merge patch that makes an object ours alone before it is applied: the fields of those who wrote by hand become ours, and
/// what older ways to apply left goes. Nothing when there is nothing to do.
pub(crate) fn patch(live: &Manifest, rules: &[ManagerRule], own: &str) -> Option<Value> {
    let entries = live.value().pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let mut metadata = json!({});
    if let Some(entries) = capstan_ssa::taken_over(entries, rules, own) {
        metadata["managedFields"] = entries.into();
    }
    for key in ANNOTATIONS.into_iter().filter(|key| live.annotation(key).is_some()) {
        metadata["annotations"][key] = Value::Null;
    }
    if live.label(LABEL).is_some() {
        metadata["labels"][LABEL] = Value::Null;
    }
    if metadata == json!({}) {
        return None;
    }
    // Whatever was written meanwhile makes it a conflict.
    metadata["resourceVersion"] = live.resource_version().into();
    Some(json!({ "metadata": metadata }))
}

#[cfg(test)]
mod tests {
    use super::patch;
    use capstan_model::Manifest;
    use capstan_ssa::managers_taken_over;
    use serde_json::{Value, json};

    fn patched(metadata: &Value) -> Option<Value> {
        let mut all = json!({"name": "x", "namespace": "n", "resourceVersion": "7"});
        all.as_object_mut().expect("a map").extend(metadata.as_object().expect("a map").clone());
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": all});
        let object = Manifest::try_from(object).expect("valid");
        patch(&object, &managers_taken_over("us", &[]), "us")
    }

    #[test]
    fn what_is_ours_is_left_as_it_is() {
        let ours = json!({"manager": "us", "operation": "Apply", "fieldsV1": {}});
        assert_eq!(patched(&json!({"managedFields": [ours]})), None);
    }

    #[test]
    fn what_kubectl_left_goes() {
        let theirs = json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {}});
        let key = "kubectl.kubernetes.io/last-applied-configuration";
        let found = patched(&json!({"managedFields": [theirs], "annotations": {key: "{}"}}));
        let ours = json!({"manager": "us", "operation": "Apply", "fieldsV1": {}});
        let metadata =
            json!({"managedFields": [ours], "annotations": {key: null}, "resourceVersion": "7"});
        assert_eq!(found, Some(json!({ "metadata": metadata })));
    }
}
