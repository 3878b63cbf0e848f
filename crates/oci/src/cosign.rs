//! Signatures as cosign makes them, with keys.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;

use crate::{Digest, OciError, Registry};

/// Bytes of a signature or a bundle.
const MOST_BYTES: u64 = 4 << 20;
/// Signatures of one artifact that are looked at.
const MOST_SIGNATURES: usize = 100;
/// Where a signature stands, in the annotations of its layer.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What a bundle is called.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// A public key.
#[derive(Clone, Debug)]
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Reads a key of ECDSA (P-256, P-384), RSA or Ed25519 in PEM format.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        let refused = || "it holds no public key in PEM format".to_owned();
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| refused())?;
        // The key itself says which of them it is for; the others refuse it.
        let algorithms: [&'static dyn VerificationAlgorithm; 4] = [
            &ECDSA_P256_SHA256_ASN1,
            &ECDSA_P384_SHA256_ASN1,
            &RSA_PKCS1_2048_8192_SHA256,
            &ED25519,
        ];
        let read = |algorithm| ParsedPublicKey::new(algorithm, key.as_ref()).ok();
        algorithms.into_iter().find_map(read).map(Self).ok_or_else(refused)
    }

    /// Did the owner of the key sign this?
    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// Has the owner of one of the keys signed an artifact? Bundles count, where there are some, else signatures of the older form.
///
/// # Errors
/// [`OciError::Signature`] when nobody has.
pub async fn verify(
    registry: &Registry,
    digest: &Digest,
    keys: &[PublicKey],
) -> Result<(), OciError> {
    let bundles: Vec<_> = registry
        .referrers(digest)
        .await?
        .into_iter()
        .filter(|entry| entry.artifact_type.starts_with(BUNDLE))
        .take(MOST_SIGNATURES)
        .collect();
    for bundle in &bundles {
        let Some(its_digest) = Digest::parse(&bundle.digest) else { continue };
        let manifest = registry.manifest_as_is(&its_digest).await?;
        let Some(layer) = manifest.layers.first() else { continue };
        if is_bundle_for(&registry.layer(layer, MOST_BYTES).await?, digest, keys) {
            return Ok(());
        }
    }
    if bundles.is_empty() && has_signature(registry, digest, keys).await? {
        return Ok(());
    }
    let why = format!("no matching signatures were found for '{}@{digest}'", registry.repository());
    Err(OciError::Signature { provider: "cosign".to_owned(), why })
}

async fn has_signature(
    registry: &Registry,
    digest: &Digest,
    keys: &[PublicKey],
) -> Result<bool, OciError> {
    let tag = format!("{}.sig", digest.as_str().replace(':', "-"));
    let found = match registry.find(&crate::Wanted::Tag(tag), None).await {
        Err(OciError::NotFound { .. }) => return Ok(false),
        found => found?,
    };
    let manifest = registry.manifest_as_is(&found.digest).await?;
    for layer in manifest.layers.iter().take(MOST_SIGNATURES) {
        let Some(signature) = layer.annotations.get(SIGNATURE) else { continue };
        let payload = registry.layer(layer, MOST_BYTES).await?;
        if is_signature_for(&payload, signature, digest, keys) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What cosign signs.
#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

fn is_signature_for(payload: &[u8], signature: &str, digest: &Digest, keys: &[PublicKey]) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
    let says = serde_json::from_slice::<Payload>(payload);
    says.is_ok_and(|says| says.critical.image.digest == digest.as_str())
        && keys.iter().any(|key| key.has_signed(payload, &signature))
}

/// A bundle, as far as a key can vouch for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

/// What an envelope holds: something that is said of artifacts.
#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: std::collections::BTreeMap<String, String>,
}

fn is_bundle_for(bundle: &[u8], digest: &Digest, keys: &[PublicKey]) -> bool {
    let Ok(Bundle { dsse_envelope: envelope }) = serde_json::from_slice(bundle) else {
        return false;
    };
    let Ok(payload) = STANDARD.decode(&envelope.payload) else { return false };
    let Ok(statement) = serde_json::from_slice::<Statement>(&payload) else { return false };
    let is_it = |subject: &Subject| {
        let mut digests = subject.digest.iter();
        digests.any(|(algorithm, hex)| format!("{algorithm}:{hex}") == digest.as_str())
    };
    let message = encoding(&envelope.payload_type, &payload);
    let mut signatures = envelope.signatures.iter().filter_map(|s| STANDARD.decode(&s.sig).ok());
    statement.subject.iter().any(is_it)
        && signatures.any(|sig| keys.iter().any(|key| key.has_signed(&message, &sig)))
}

/// What is signed of an envelope: the pre-authentication encoding of DSSE.
fn encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, encoding, is_bundle_for, is_signature_for};
    use crate::Digest;
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
        }

        fn key(&self) -> PublicKey {
            let der = self.0.public_key().as_der().expect("a key");
            let pem = format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(der.as_ref())
            );
            PublicKey::parse(pem.as_bytes()).expect("a key")
        }

        fn sign(&self, message: &[u8]) -> String {
            let signature = self.0.sign(&SystemRandom::new(), message).expect("a signature");
            STANDARD.encode(signature.as_ref())
        }
    }

    fn payload(digest: &Digest) -> Vec<u8> {
        json!({"critical": {"identity": {"docker-reference": ""}, "type": "cosign container image signature",
            "image": {"docker-manifest-digest": digest.as_str()}}, "optional": null})
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_signature_is_for_its_artifact_and_of_its_key() {
        let (signer, digest) = (Signer::new(), Digest::of(b"artifact"));
        let payload = payload(&digest);
        let signature = signer.sign(&payload);
        let is_good = |digest: &Digest, key: PublicKey, signature: &str| {
            is_signature_for(&payload, signature, digest, &[Signer::new().key(), key])
        };
        assert!(is_good(&digest, signer.key(), &signature));
        assert!(!is_good(&digest, Signer::new().key(), &signature), "of another key");
        assert!(!is_good(&Digest::of(b"other"), signer.key(), &signature), "for another artifact");
        assert!(!is_good(&digest, signer.key(), &signer.sign(b"other")), "of something else");
        assert!(!is_good(&digest, signer.key(), "no signature"));
    }

    #[test]
    fn a_bundle_is_for_its_artifact_and_of_its_key() {
        let (signer, digest) = (Signer::new(), Digest::of(b"artifact"));
        let hex = digest.as_str().trim_start_matches("sha256:");
        let statement = json!({"_type": "https://in-toto.io/Statement/v1",
            "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {},
            "subject": [{"name": "", "digest": {"sha256": hex}}]})
        .to_string();
        let kind = "application/vnd.in-toto+json";
        let bundle = |signature: String| {
            json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"publicKey": {"hint": "x"}},
                "dsseEnvelope": {"payload": STANDARD.encode(&statement), "payloadType": kind,
                    "signatures": [{"sig": signature}]}})
            .to_string()
        };
        let good = bundle(signer.sign(&encoding(kind, statement.as_bytes())));
        let is_good = |bundle: &str, digest: &Digest, key: PublicKey| {
            is_bundle_for(bundle.as_bytes(), digest, &[key])
        };
        assert!(is_good(&good, &digest, signer.key()));
        assert!(!is_good(&good, &Digest::of(b"other"), signer.key()));
        assert!(!is_good(&good, &digest, Signer::new().key()));
        let bare = bundle(signer.sign(statement.as_bytes()));
        assert!(!is_good(&bare, &digest, signer.key()), "the type is signed too");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "hunter2", "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----"] {
            let refused = PublicKey::parse(text.as_bytes());
            assert!(refused.is_err_and(|why| !why.contains("hunter2")), "{text}");
        }
    }
}
