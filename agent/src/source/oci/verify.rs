use capstan_api::flux::{OciRepositorySpec, OciVerification};
use capstan_model::Manifest;
use capstan_oci::cosign::{self, PublicKey};
use capstan_oci::{Found, OciError, Registry};
use capstan_report::{Failure, Verification};
use serde_json::Value;

use super::{Asking, failure};
use crate::kinds;
use crate::source::connection::secret_bytes;
use crate::source::secret::secret;

/// Must a revision that is held be verified (again)? Flux does so for a new spec and after a failure.
pub(super) fn is_due(object: &Manifest, spec: &OciRepositorySpec) -> bool {
    if spec.verify.is_none() {
        return false;
    }
    let status = kinds::status(object);
    let list = status.get("conditions").and_then(Value::as_array);
    let is_good = |condition: &Value| {
        condition["type"] == "SourceVerified"
            && condition["status"] == "True"
            && condition["observedGeneration"].as_i64() == object.generation()
    };
    !list.is_some_and(|list| list.iter().any(is_good))
}

/// Looks for the signature that the spec asks for.
pub(super) async fn verify(
    asked: &Asking<'_>,
    registry: &Registry,
    found: &Found,
) -> Result<Verification, Failure> {
    let Some(wanted) = &asked.spec.verify else { return Ok(Verification::Unwanted) };
    let refuse = |why: String| {
        let provider = match (&*wanted.provider, &wanted.secret_ref) {
            ("cosign", None) => "cosign keyless",
            (provider, _) => provider,
        };
        failure(&OciError::Signature { provider: provider.to_owned(), why })
    };
    // Nothing that we could be told by an edit of something else.
    let unsupported = |what: &str| Failure {
        stalled: true,
        ..refuse(format!(
            "{what} is not supported: sign with a key of cosign, and name a Secret with its public key in \
             spec.verify.secretRef"
        ))
    };
    let OciVerification { provider, secret_ref, .. } = wanted;
    if provider != "cosign" {
        return Err(unsupported("verification by notation"));
    }
    let Some(reference) = secret_ref else {
        return Err(unsupported("verification without a key"));
    };
    let place = (asked.object.namespace(), &*reference.name);
    let keys = secret(asked.world, place, "verify.secretRef").await;
    let keys = public_keys(&keys.map_err(|failure| refuse(failure.message))?).map_err(refuse)?;
    cosign::verify(registry, &found.digest, &keys).await.map_err(|error| match &error {
        OciError::Signature { .. } => failure(&error),
        other => refuse(other.to_string()),
    })?;
    Ok(Verification::Verified(format!("verified signature of revision {}", found.revision())))
}

/// The keys of a Secret: what stands under names that end in `.pub`.
fn public_keys(secret: &Manifest) -> Result<Vec<PublicKey>, String> {
    let data = secret.value().get("data").and_then(Value::as_object);
    let names = data.into_iter().flatten().map(|(name, _)| name);
    let mut keys = Vec::new();
    for name in names.filter(|name| name.ends_with(".pub")) {
        let pem = secret_bytes(secret, name).unwrap_or_default();
        let key =
            PublicKey::parse(&pem).map_err(|why| format!("the key '{name}' is wrong: {why}"))?;
        keys.push(key);
    }
    if keys.is_empty() {
        let (namespace, name) = (secret.namespace(), secret.name());
        return Err(format!("the Secret '{namespace}/{name}' has no key that ends in '.pub'"));
    }
    Ok(keys)
}
