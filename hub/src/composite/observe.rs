//! The children of a composite, as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_cluster::ClusterError;
use capstan_compose::composition::Composition;
use capstan_compose::connection::Details;
use capstan_compose::render::{Observed, ResourceRef, template_of};
use capstan_model::{GroupVersionKind, Manifest, NamespacedName, Secret};
use serde_json::Value;

use crate::kinds;
use crate::object::text;
use crate::world::World;

/// A child with its place in `spec.resourceRefs`.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) index: usize,
    pub(super) object: Arc<Manifest>,
}

/// The children that the composite records and that exist. Nothing when a kind has not been read whole yet.
pub(super) async fn children(
    world: &Arc<World>,
    composite: &Manifest,
) -> Result<Option<Vec<Seen>>, ClusterError> {
    let mut seen = Vec::new();
    for (index, reference) in ResourceRef::list(composite).into_iter().enumerate() {
        let gvk = GroupVersionKind::from_api_version(&reference.api_version, &reference.kind);
        if reference.name.is_empty() || gvk.kind.is_empty() {
            continue;
        }
        let mirror = world.watch(&gvk);
        if !mirror.is_synced() {
            match world.cluster.resource(&gvk).await {
                // No object of a kind exists that is not served.
                Err(ClusterError::NoSuchKind(_)) => continue,
                Err(error) => return Err(error),
                Ok(_) => return Ok(None),
            }
        }
        if let Some(object) = mirror.get(&NamespacedName::new("", reference.name)) {
            seen.push(Seen { index, object });
        }
    }
    Ok(Some(seen))
}

/// The children by template, with their connection details where a template wants some.
pub(super) async fn by_template(
    world: &Arc<World>,
    composition: &Composition,
    seen: Vec<Seen>,
) -> Result<BTreeMap<String, Observed>, ClusterError> {
    let mut observed = BTreeMap::new();
    for Seen { index, object } in seen {
        // A template without a name is known by its place.
        let template = template_of(&object).map_or_else(|| index.to_string(), str::to_owned);
        let wanted = composition
            .templates
            .iter()
            .any(|known| known.name == template && !known.connection.is_empty());
        let connection = if wanted { details_of(world, &object).await? } else { Details::new() };
        observed.insert(template, Observed { object: Manifest::clone(&object), connection });
    }
    Ok(observed)
}

/// Where an object writes its connection Secret.
pub(super) fn secret_of(object: &Manifest) -> Option<NamespacedName> {
    let namespace = text(object, "/spec/writeConnectionSecretToRef/namespace");
    let name = text(object, "/spec/writeConnectionSecretToRef/name");
    (!namespace.is_empty() && !name.is_empty()).then(|| NamespacedName::new(namespace, name))
}

async fn details_of(world: &World, object: &Manifest) -> Result<Details, ClusterError> {
    let Some(place) = secret_of(object) else { return Ok(Details::new()) };
    let secret = world.cluster.get(&kinds::secret(), &place.namespace, &place.name).await?;
    Ok(secret.map(|secret| details(&secret)).unwrap_or_default())
}

/// The data of a Secret.
pub(crate) fn details(secret: &Manifest) -> Details {
    let data = secret.value().get("data").and_then(Value::as_object);
    let decoded = data.into_iter().flatten().filter_map(|(key, value)| {
        let bytes = BASE64_STANDARD.decode(value.as_str()?).ok()?;
        Some((key.clone(), Secret::new(bytes)))
    });
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::{details, secret_of};
    use capstan_model::{Manifest, NamespacedName};
    use serde_json::json;

    #[test]
    fn a_secret_is_decoded_and_never_printed() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "aHVudGVyMg==", "broken": "?"}});
        let details = details(&Manifest::try_from(secret).expect("valid"));
        assert_eq!(details.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(details["a"].expose(), b"hunter2");
        assert!(!format!("{details:?}").contains("hunter"));
    }

    #[test]
    fn a_secret_needs_both_names() {
        let object = |reference| {
            let value = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"},
                "spec": {"writeConnectionSecretToRef": reference}});
            Manifest::try_from(value).expect("valid")
        };
        assert_eq!(secret_of(&object(json!({"name": "a"}))), None);
        let place = secret_of(&object(json!({"name": "a", "namespace": "n"})));
        assert_eq!(place, Some(NamespacedName::new("n", "a")));
    }
}
