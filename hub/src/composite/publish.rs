//! The connection Secret of a composite.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capstan_compose::connection::Details;
use capstan_compose::render::Rendered;
use capstan_compose::{configure, meta};
use capstan_model::{Manifest, NamespacedName};
use serde_json::{Map, Value, json};

use super::{CompositeError, Definition, apply, observe};
use crate::object::controller;
use crate::world::World;
use crate::{APPLY, kinds};

/// Namespaces whose connection Secrets are watched.
const WATCHED: [&str; 2] = ["flux-system", "crossplane-system"];

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// Was the Secret written just now?
    pub(super) changed: bool,
    /// Does a child keep its own Secret where nobody watches?
    pub(super) from_unwatched: bool,
}

/// Writes the Secret, if the composite asks for one and there is something to write: one without keys would let those who
/// wait for it go on too early.
pub(super) async fn run(
    world: &Arc<World>,
    definition: &Definition,
    composite: &Manifest,
    rendered: &Rendered,
) -> Result<Option<Published>, CompositeError> {
    let details = rendered.published(&definition.xrd.connection_secret_keys);
    let Some(place) = configure::connection_secret(composite) else { return Ok(None) };
    if details.is_empty() {
        return Ok(None);
    }
    let from_unwatched = rendered
        .children
        .iter()
        .filter_map(|child| observe::secret_of(child.desired.as_ref().ok()?));
    let from_unwatched = from_unwatched
        .map(|place| place.namespace)
        .any(|namespace| !WATCHED.contains(&namespace.as_str()));
    let changed = write(world, composite, &place, &details).await?;
    Ok(Some(Published { changed, from_unwatched }))
}

/// Writes a connection Secret that an object owns; true when it was different before.
pub(crate) async fn write(
    world: &World,
    owner: &Manifest,
    place: &NamespacedName,
    details: &Details,
) -> Result<bool, CompositeError> {
    let there = world.cluster.get(&kinds::secret(), &place.namespace, &place.name).await?;
    if let Some(there) = &there {
        if let Some(other) = controller(there).filter(|other| other.uid != owner.uid()) {
            return Err(CompositeError::Foreign {
                template: "writeConnectionSecretToRef".to_owned(),
                object: there.id().to_string(),
                controller: format!("{}/{}", other.gvk.kind, other.name),
            });
        }
        if observe::details(there) == *details && controller(there).is_some() {
            return Ok(false);
        }
    }
    world.cluster.apply(&secret(owner, place, details), APPLY).await?;
    Ok(true)
}

fn secret(owner: &Manifest, place: &NamespacedName, details: &Details) -> Manifest {
    let data: Map<String, Value> = details
        .iter()
        .map(|(key, value)| (key.clone(), BASE64_STANDARD.encode(value.expose()).into()))
        .collect();
    let value = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": meta::SECRET_TYPE,
        "metadata": {"name": place.name, "namespace": place.namespace, "ownerReferences": apply::owners(owner)},
        "data": data,
    });
    Manifest::try_from(value).expect("an object of ours is complete")
}

#[cfg(test)]
mod tests {
    use super::secret;
    use capstan_model::{Manifest, NamespacedName, Secret};
    use serde_json::json;

    #[test]
    fn a_connection_secret_is_owned_and_typed() {
        let owner =
            json!({"apiVersion": "g/v1", "kind": "X", "metadata": {"name": "x", "uid": "1"}});
        let owner = Manifest::try_from(owner).expect("valid");
        let details = [("value".to_owned(), Secret::new(b"a".to_vec()))].into();
        let secret = secret(&owner, &NamespacedName::new("n", "s"), &details);
        assert_eq!(secret.value()["type"], "connection.crossplane.io/v1alpha1");
        assert_eq!(secret.value()["data"], json!({"value": "YQ=="}));
        assert_eq!(secret.value()["metadata"]["ownerReferences"][0]["uid"], "1");
    }
}
