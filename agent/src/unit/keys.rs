use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_api::flux::KustomizationSpec;
use capstan_model::{Advice, Manifest};
use capstan_report::Failure;
use capstan_sops::Keys;
use serde_json::Value;

use super::failure;
use crate::kinds;
use crate::world::World;

/// What a unit decrypts with; nothing where it says nothing about decryption.
#[derive(Clone, Default)]
pub(super) struct UnitKeys {
    pub(super) keys: Option<Arc<Keys>>,
    /// Tells sets of keys apart, without saying anything about them.
    pub(super) version: String,
}

/// Reads the keys of the Secret that the unit names, else those of the agent's own.
pub(super) async fn read(
    world: &World,
    unit: &Manifest,
    spec: &KustomizationSpec,
) -> Result<UnitKeys, Failure> {
    let Some(decryption) = &spec.decryption else { return Ok(UnitKeys::default()) };
    let own = &*world.args.sops_age_secret;
    let (namespace, name) = match &decryption.secret_ref {
        Some(secret) => (unit.namespace(), &*secret.name),
        None if !own.is_empty() => (&*world.args.runtime_namespace, own),
        // Keys may be in a service that only needs an identity.
        None => return Ok(UnitKeys { keys: Some(Arc::default()), version: "none".to_owned() }),
    };
    let refuse = |why: String| {
        failure("BuildFailed", format!("cannot get decryption Secret '{namespace}/{name}': {why}"))
    };
    let found = world.cluster.get(&kinds::secret(), namespace, name).await;
    let secret = found.map_err(|error| refuse(Advice(&error).to_string()))?.ok_or_else(|| {
        refuse("not found; create it, or correct spec.decryption.secretRef".to_owned())
    })?;
    let (data, place) = (bytes(&secret), format!("{namespace}/{name}"));
    let entries = data.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    let keys = match &decryption.secret_ref {
        Some(_) => Keys::of_secret(&place, entries),
        None => Keys::of_age_secret(&place, entries),
    };
    let keys = keys.map_err(|error| failure("BuildFailed", Advice(&error).to_string()))?;
    let version = format!("{}/{}", secret.uid(), secret.resource_version());
    Ok(UnitKeys { keys: Some(Arc::new(keys)), version })
}

/// The entries of a Secret.
fn bytes(secret: &Manifest) -> BTreeMap<String, Vec<u8>> {
    let data = secret.value().get("data").and_then(Value::as_object);
    let entry = |(key, value): (&String, &Value)| {
        Some((key.clone(), STANDARD.decode(value.as_str()?).ok()?))
    };
    data.into_iter().flatten().filter_map(entry).collect()
}
