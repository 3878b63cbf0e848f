//! `spec.verify`: who signed the revision.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_git::{Fetched, TrustedKeys, Verify, VerifyError};
use capstan_model::Manifest;
use capstan_report::{Failure, SourceFailure, Trouble, Verification};

use super::Asking;
use crate::source::secret::secret;

/// Verifies a revision, when that is wanted.
pub(super) async fn verify(
    asked: &Asking<'_>,
    fetched: &Fetched,
) -> Result<Verification, SourceFailure> {
    let Some(wanted) = &asked.spec.verify else { return Ok(Verification::Unwanted) };
    let place = (asked.object.namespace(), wanted.secret_ref.name.as_str());
    let found = secret(asked.world, place, "verify.secretRef").await.map_err(|failure| {
        let message = format!("public keys secret error: {}", failure.message);
        unverified("VerificationError", message, false)
    })?;
    let (keys, fetched) = (trusted(&found), fetched.clone());
    let what = Verify { head: wanted.head(), tag: wanted.tag() };
    let work = move || capstan_git::verify(&fetched, what, &keys, SystemTime::now());
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(how)) => Ok(Verification::Verified(how)),
        Ok(Err(error)) => {
            let hint = match &error {
                VerifyError::NoTag => "set spec.ref.tag, semver or name, or spec.verify.mode HEAD",
                _ => {
                    "sign it with a key of the Secret of spec.verify.secretRef, or add its key there"
                }
            };
            let message = format!("{error}; {hint}");
            Err(unverified(error.reason(), message, error == VerifyError::NoTag))
        }
        Err(panic) => {
            Err(unverified("VerificationError", format!("verifying panicked: {panic}"), false))
        }
    }
}

fn unverified(reason: &str, message: String, stalled: bool) -> SourceFailure {
    let failure = Failure { reason: reason.to_owned(), message, stalled };
    SourceFailure { trouble: Trouble::Verify, ..failure.into() }
}

/// Everything in a Secret that is text.
fn trusted(secret: &Manifest) -> TrustedKeys {
    let data = secret.value().get("data").and_then(|data| data.as_object());
    let decoded = |text: &str| String::from_utf8(STANDARD.decode(text).ok()?).ok();
    let entries = data.into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), decoded(value.as_str()?)?))).collect()
}
