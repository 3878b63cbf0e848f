use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_model::{Advice, Manifest};
use capstan_report::Failure;

use crate::kinds;
use crate::world::World;

/// A Secret that a spec's `field` names.
pub(super) async fn secret(
    world: &World,
    (namespace, name): (&str, &str),
    field: &str,
) -> Result<Manifest, Failure> {
    let found = world.cluster.get(&kinds::secret(), namespace, name).await;
    found.map_err(|error| authentication(Advice(&error).to_string()))?.ok_or_else(|| {
        authentication(format!(
            "failed to get secret '{namespace}/{name}': not found; create it, or correct spec.{field}"
        ))
    })
}

/// What we would show is not there, or cannot be used. It may come.
pub(super) fn authentication(message: String) -> Failure {
    Failure { reason: "AuthenticationFailed".to_owned(), message, stalled: false }
}

/// A key of a Secret, decoded; absent when it is not there or not text.
pub(crate) fn secret_text(secret: &Manifest, key: &str) -> Option<String> {
    let encoded = secret.value().get("data")?.get(key)?.as_str()?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}
