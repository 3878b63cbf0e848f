use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use crate::is_crd;

/// The certificates by which a CRD's conversion webhook is trusted.
const CLIENT_CONFIG: &str = "/spec/conversion/webhook/clientConfig";

/// Removes `caBundle` from the conversion webhook of a CRD when it holds no certificate: API servers since 1.31 refuse such
/// a CRD, and its owner (cert-manager, say) fills the field in later. Other objects stay as they are.
pub fn remove_invalid_ca_bundle(object: &mut Value) {
    if !is_crd(object) {
        return;
    }
    let Some(config) = object.pointer_mut(CLIENT_CONFIG).and_then(Value::as_object_mut) else {
        return;
    };
    let bundle = config.get("caBundle").and_then(Value::as_str).unwrap_or_default();
    if !bundle.is_empty() && !is_valid(bundle) {
        config.remove("caBundle");
    }
}

/// Is it base64 of nothing, or of PEM with at least one certificate?
fn is_valid(bundle: &str) -> bool {
    let bundle: String = bundle.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let Ok(pem) = STANDARD.decode(bundle) else { return false };
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    pem.is_empty()
        || certificates.into_iter().any(|der| webpki::anchor_from_trusted_cert(&der).is_ok())
}

#[cfg(test)]
mod tests {
    use super::remove_invalid_ca_bundle;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    /// A self-signed certificate, made for these tests.
    const CERTIFICATE: &str = include_str!("ca_bundle.pem");

    fn is_kept(api_version: &str, kind: &str, bundle: &str) -> bool {
        let config = json!({"caBundle": bundle});
        let conversion = json!({"webhook": {"clientConfig": config}});
        let mut object =
            json!({"apiVersion": api_version, "kind": kind, "spec": {"conversion": conversion}});
        remove_invalid_ca_bundle(&mut object);
        object.pointer("/spec/conversion/webhook/clientConfig/caBundle").is_some()
    }

    #[test]
    fn a_crd_loses_a_bundle_without_certificates() {
        let is_kept =
            |bundle: &str| is_kept("apiextensions.k8s.io/v1", "CustomResourceDefinition", bundle);
        assert!(is_kept(&STANDARD.encode(CERTIFICATE)));
        assert!(is_kept(&STANDARD.encode(format!("a comment\n{CERTIFICATE}"))));
        assert!(is_kept(""));
        let half = CERTIFICATE.get(..200).expect("long enough");
        let body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in [half, body, "no certificate"] {
            assert!(!is_kept(&STANDARD.encode(text)), "{text}");
        }
        assert!(!is_kept("invalid-cert-data"));
        assert!(!is_kept("Cg=="));
    }

    #[test]
    fn other_kinds_keep_theirs() {
        assert!(is_kept("v1", "ConfigMap", "invalid"));
        assert!(is_kept("example.org/v1", "CustomResourceDefinition", "invalid"));
    }

    #[test]
    fn what_has_no_bundle_stays() {
        let before = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"conversion": {"webhook": "no map"}}});
        let mut after = before.clone();
        remove_invalid_ca_bundle(&mut after);
        assert_eq!(after, before);
    }
}
