//! The annotations in which kustomize keeps its notes on an object. A file may bring them along: they count.

use capstan_model::GroupVersionKind;
use capstan_yaml::Value;

use crate::error::BuildError;
use crate::generate::Behavior;
use crate::resource::{Id, Resource};
use crate::transform::names::Side;

const PREFIX: &str = "/metadata/annotations/internal.config.kubernetes.io~1";
const OURS: &str = "internal.config.kubernetes.io/";

/// Takes over the notes that an object's annotations hold. They are removed with all others at the end.
///
/// # Errors
/// When the lists of former names, namespaces and kinds differ in length.
pub(crate) fn adopt(resource: &mut Resource) -> Result<(), BuildError> {
    let annotations = resource.get("/metadata/annotations").and_then(Value::as_object);
    if !annotations.is_some_and(|map| map.keys().any(|key| key.starts_with(OURS))) {
        return Ok(());
    }
    for id in previous(resource)? {
        resource.remember(id);
    }
    for (side, note) in [(Side::Prefix, "prefixes"), (Side::Suffix, "suffixes")] {
        list(resource, note).iter().for_each(|affix| resource.remember_affix(side, affix));
    }
    resource.needs_hash |= text(resource, "needsHashSuffix") == "enabled";
    if resource.behavior == Behavior::Unspecified {
        resource.behavior = Behavior::from(text(resource, "generatorBehavior").to_owned());
    }
    Ok(())
}

fn previous(resource: &Resource) -> Result<Vec<Id>, BuildError> {
    let [names, namespaces, kinds] =
        ["previousNames", "previousNamespaces", "previousKinds"].map(|note| list(resource, note));
    if names.len() != namespaces.len() || names.len() != kinds.len() {
        let message = "number of previous names, number of previous namespaces, number of previous kinds not equal";
        return Err(BuildError::new(message)
            .at(&resource.place)
            .hint("remove the annotations that begin with internal.config.kubernetes.io"));
    }
    let GroupVersionKind { group, version, .. } = resource.gvk();
    let ids = names.into_iter().zip(namespaces).zip(kinds).map(|((name, namespace), kind)| Id {
        gvk: GroupVersionKind::new(group.as_str(), version.as_str(), kind),
        namespace,
        name,
    });
    Ok(ids.collect())
}

fn text<'a>(resource: &'a Resource, note: &str) -> &'a str {
    resource.text(&format!("{PREFIX}{note}"))
}

fn list(resource: &Resource, note: &str) -> Vec<String> {
    match resource.get(&format!("{PREFIX}{note}")) {
        Some(_) => text(resource, note).split(',').map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::adopt;
    use crate::error::Place;
    use crate::resource::Resource;
    use serde_json::{Value, json};

    fn object(annotations: &Value) -> Resource {
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "p-web", "annotations": annotations}});
        Resource::new(value.into(), Place::default())
    }

    #[test]
    fn former_ids_are_known() {
        let mut resource = object(&json!({
            "internal.config.kubernetes.io/previousNames": "web,web",
            "internal.config.kubernetes.io/previousNamespaces": "a,b",
            "internal.config.kubernetes.io/previousKinds": "CronJob,Deployment",
            "internal.config.kubernetes.io/needsHashSuffix": "enabled",
        }));
        adopt(&mut resource).expect("valid");
        let ids: Vec<String> = resource.previous_ids().iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["CronJob.v1.apps/web.a", "Deployment.v1.apps/web.b"]);
        assert!(resource.needs_hash);
    }

    #[test]
    fn lists_of_unequal_length_are_refused() {
        let mut resource = object(&json!({"internal.config.kubernetes.io/previousNames": "web"}));
        let error = adopt(&mut resource).expect_err("refused").to_string();
        assert!(error.contains("not equal"), "{error}");
    }
}
