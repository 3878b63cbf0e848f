//! Tokens: who may have signed them, for whom, and what they must claim.

use capstan_api::flux::{OidcProvider, OidcValidation, OidcVariable, ReceiverSpec};
use capstan_model::Secret;
use capstan_receive::{Credentials, GOOGLE, Keys, Request, accept, identity};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::spec;

const ISSUER: &str = "https://issuer.example";
const NOW: i64 = 1_000_000;

pub(crate) fn provider(validations: &[(&str, &str)]) -> OidcProvider {
    let validation = |&(expression, message): &(&str, &str)| OidcValidation {
        expression: expression.to_owned(),
        message: message.to_owned(),
    };
    OidcProvider {
        issuer_url: ISSUER.to_owned(),
        validations: validations.iter().map(validation).collect(),
        variables: vec![OidcVariable {
            name: "owner".to_owned(),
            expression: "claims.repository.split('/')[0]".to_owned(),
        }],
        audience: None,
    }
}

fn oidc(validations: &[(&str, &str)]) -> ReceiverSpec {
    let mut spec = spec("generic-oidc", &[]);
    spec.secret_ref = None;
    spec.oidc_providers = vec![provider(validations)];
    spec
}

/// An issuer with a key.
struct Issuer {
    key: EncodingKey,
    jwk: Jwk,
}

impl Issuer {
    fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        jwk.common.key_id = Some("one".to_owned());
        Self { key, jwk }
    }

    fn keys(&self) -> Keys {
        self.keys_for(&["ES256"])
    }

    fn keys_for(&self, algorithms: &[&str]) -> Keys {
        let set = serde_json::to_vec(&JwkSet { keys: vec![self.jwk.clone()] }).expect("JSON");
        let algorithms: Vec<_> = algorithms.iter().map(|&name| name.to_owned()).collect();
        Keys::read(&set, &algorithms).expect("keys")
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).expect("signed")
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": ["other", "notification-controller"], "exp": NOW + 60,
        "repository": "acme/app"})
}

/// What a Receiver answers, and whether the sender is told why not.
fn answer(spec: &ReceiverSpec, token: &str, keys: &Keys) -> Result<String, (String, bool)> {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
    // {"action": "INSERT", "digest": "gcr.io/a", "tag": "v1"}
    let data = "eyJhY3Rpb24iOiAiSU5TRVJUIiwgImRpZ2VzdCI6ICJnY3IuaW8vYSIsICJ0YWciOiAidjEifQ==";
    let body = json!({"message": {"data": data}}).to_string();
    let request = Request { headers: &headers, body: body.as_bytes() };
    let secret = Credentials {
        token: Secret::new(b"token".to_vec()),
        email: "push@project".to_owned(),
        audience: "https://hook".to_owned(),
    };
    match accept(spec, &request, &secret, Some(keys), NOW) {
        Ok(accepted) => Ok(accepted.summary),
        Err(refusal) => Err((refusal.to_string(), refusal.told().is_some())),
    }
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

#[test]
fn a_genuine_token_whose_claims_hold_is_believed() {
    let (issuer, spec) = (Issuer::new(), oidc(&[("vars.owner == 'acme'", "not of acme")]));
    let given = answer(&spec, &issuer.sign(&claims()), &issuer.keys());
    assert!(given.is_ok(), "{given:?}");
    let stranger = issuer.sign(&with("repository", json!("evil/app")));
    let refused = answer(&spec, &stranger, &issuer.keys());
    let told = "token validation failed: not of acme".to_owned();
    assert_eq!(refused, Err((told, true)), "he is known, so he may learn why");
}

#[test]
fn a_token_that_is_not_genuine_is_refused_in_silence() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let spec = oidc(&[("true", "m")]);
    for (claims, why) in [
        (with("exp", json!(NOW - 1)), "token is expired"),
        (with("exp", Value::Null), "token is expired"),
        (with("nbf", json!(NOW + 301)), "token is not valid yet"),
        (with("aud", json!("other")), "token audience is 'other', want 'notification-controller'"),
        (with("aud", Value::Null), "token audience is ''"),
        (with("iss", json!("https://evil.example")), "no oidcProvider configured for issuer"),
        (with("iss", Value::Null), "missing the 'iss' claim"),
    ] {
        let (refused, told) =
            answer(&spec, &issuer.sign(&claims), &issuer.keys()).expect_err("refused");
        assert!(refused.contains(why) && !told, "{refused}");
    }
    let forged = answer(&spec, &other.sign(&claims()), &issuer.keys()).expect_err("refused");
    assert!(forged.0.contains("no key of the issuer has signed it"), "{}", forged.0);
    let unannounced = answer(&spec, &issuer.sign(&claims()), &issuer.keys_for(&[]));
    assert!(unannounced.expect_err("RS256 alone").0.contains("signed with ES256"));
    for token in ["", "x", "a.b.c", "e30.e30.e30"] {
        assert!(answer(&spec, token, &issuer.keys()).is_err(), "{token}");
    }
}

/// The public key as the secret of an HMAC is the classic forgery.
#[test]
fn a_shared_secret_signs_nothing() {
    let (issuer, spec) = (Issuer::new(), oidc(&[("true", "m")]));
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let public = serde_json::to_vec(&issuer.jwk).expect("JSON");
    let forged = encode(&header, &claims(), &EncodingKey::from_secret(&public)).expect("signed");
    let keys = issuer.keys_for(&["HS256", "ES256"]);
    assert!(answer(&spec, &forged, &keys).expect_err("refused").0.contains("HS256"));
}

#[test]
fn google_pushes_for_the_account_of_the_secret() {
    let (issuer, spec) = (Issuer::new(), spec("gcr", &[]));
    let google = |change: (&str, Value)| {
        let mut claims = json!({"iss": GOOGLE, "aud": "https://hook", "exp": NOW + 60,
            "email": "push@project", "email_verified": true});
        claims[change.0] = change.1;
        answer(&spec, &issuer.sign(&claims), &issuer.keys())
    };
    let accepted = Ok("handling GCR event from gcr.io/a for tag v1".to_owned());
    assert_eq!(google(("iss", json!(GOOGLE))), accepted);
    assert_eq!(google(("iss", json!("accounts.google.com"))), accepted);
    for (change, why) in [
        (("iss", json!("https://evil.example")), "token issuer is"),
        (("aud", json!("https://other")), "token audience is 'https://other', want 'https://hook'"),
        (("email", json!("other@project")), "token email is 'other@project'"),
        (("email_verified", json!(false)), "is not verified"),
    ] {
        let (refused, told) = google(change).expect_err("refused");
        assert!(refused.contains(why) && !told, "{refused}");
    }
}

#[test]
fn only_types_with_tokens_name_an_issuer() {
    let request = Request { headers: &[("Authorization", "Bearer x.y.z")], body: b"" };
    assert!(identity(&spec("github", &[]), &request).expect("no need").is_none());
    let google = spec("gcr", &[]);
    assert_eq!(identity(&google, &request).expect("a token").expect("Google").issuer, GOOGLE);
}
