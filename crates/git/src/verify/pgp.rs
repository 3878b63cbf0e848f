//! OpenPGP signatures, judged as go-crypto judges them: by keys that may sign, are not revoked and have not expired.

use std::time::{SystemTime, UNIX_EPOCH};

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

use super::payload::Signed;

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";

/// The id of the primary key, among some armored key rings, that signed something.
pub(super) fn signer<'a>(
    signed: &Signed,
    rings: impl Iterator<Item = &'a str>,
    now: SystemTime,
) -> Result<String, String> {
    if signed.signature.is_empty() {
        return Err("unable to verify payload: signature is empty".to_owned());
    }
    if !signed.signature.starts_with(BEGIN) {
        let kind = signed.kind();
        return Err(format!(
            "unable to verify openPGP signature, detected signature format: {kind}: signature format mismatch"
        ));
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let signature = DetachedSignature::from_string(&signed.signature).ok();
    let signature = signature
        .map(|(signature, _)| signature.signature)
        .filter(|signature| is_fit(signature, now));
    let (mut broken, mut tried) = (None, false);
    for ring in rings {
        let keys = match SignedPublicKey::from_string_many(ring) {
            Ok((keys, _)) => keys,
            Err(cause) => {
                broken.get_or_insert(format!("unable to read armored key ring: {cause}"));
                continue;
            }
        };
        tried = true;
        let Some(signature) = &signature else { continue };
        for key in keys.flatten() {
            if has_signed(&key, signature, &signed.payload, now) {
                return Ok(hex::encode_upper(key.primary_key.legacy_key_id()));
            }
        }
    }
    let none = "unable to verify payload with any of the given key rings: no matching key";
    Err(broken.filter(|_| !tried).unwrap_or_else(|| none.to_owned()))
}

/// Is a signature of a kind that counts, and still good?
fn is_fit(signature: &Signature, now: u64) -> bool {
    let is_weak = matches!(
        signature.hash_alg(),
        None | Some(
            HashAlgorithm::None
                | HashAlgorithm::Md5
                | HashAlgorithm::Sha1
                | HashAlgorithm::Ripemd160
        )
    );
    let is_data = matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text));
    is_data && !is_weak && !has_expired(signature, now)
}

fn has_expired(signature: &Signature, now: u64) -> bool {
    let (Some(created), Some(life)) = (signature.created(), signature.signature_expiration_time())
    else {
        return false;
    };
    life.as_secs() > 0 && u64::from(created.as_secs()) + u64::from(life.as_secs()) < now
}

fn has_signed(key: &SignedPublicKey, signature: &Signature, payload: &[u8], now: u64) -> bool {
    let primary = &key.primary_key;
    let is_revoked =
        key.details.revocation_signatures.iter().any(|found| found.verify_key(primary).is_ok());
    let Some(own) = own_signature(key) else { return false };
    if is_revoked || key_has_expired(primary, own, now) || has_expired(own, now) {
        return false;
    }
    if own.key_flags().sign() && signature.verify(primary, payload).is_ok() {
        return true;
    }
    key.public_subkeys
        .iter()
        .any(|subkey| may_sign(key, subkey, now) && signature.verify(&subkey.key, payload).is_ok())
}

/// The newest word of a key about itself.
fn own_signature(key: &SignedPublicKey) -> Option<&Signature> {
    let primary = &key.primary_key;
    let of_users =
        key.details.users.iter().filter(|user| !is_user_revoked(key, user)).flat_map(|user| {
            user.signatures.iter().filter(|found| {
                found.is_certification()
                    && found.verify_certification(primary, Tag::UserId, &user.id).is_ok()
            })
        });
    let direct =
        key.details.direct_signatures.iter().filter(|found| found.verify_key(primary).is_ok());
    of_users.chain(direct).max_by_key(|found| found.created().map(pgp::types::Timestamp::as_secs))
}

fn is_user_revoked(key: &SignedPublicKey, user: &pgp::types::SignedUser) -> bool {
    user.signatures.iter().any(|found| {
        found.typ() == Some(SignatureType::CertRevocation)
            && found.verify_certification(&key.primary_key, Tag::UserId, &user.id).is_ok()
    })
}

/// Is a subkey bound to its key, for signing, and still good?
fn may_sign(key: &SignedPublicKey, subkey: &SignedPublicSubKey, now: u64) -> bool {
    let primary = &key.primary_key;
    let is_valid = |found: &&Signature| found.verify_subkey_binding(primary, &subkey.key).is_ok();
    let of_kind = |kind| subkey.signatures.iter().filter(move |found| found.typ() == Some(kind));
    if of_kind(SignatureType::SubkeyRevocation).any(|found| is_valid(&found)) {
        return false;
    }
    let bindings = of_kind(SignatureType::SubkeyBinding).filter(is_valid);
    let newest = bindings.max_by_key(|found| found.created().map(pgp::types::Timestamp::as_secs));
    newest.is_some_and(|binding| {
        let agrees = binding
            .embedded_signature()
            .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok());
        binding.key_flags().sign() && agrees && !key_has_expired(&subkey.key, binding, now)
    })
}

fn key_has_expired(key: &impl KeyDetails, own: &Signature, now: u64) -> bool {
    let life = own.key_expiration_time().map_or(0, pgp::types::Duration::as_secs);
    life > 0 && u64::from(key.created_at().as_secs()) + u64::from(life) < now
}
