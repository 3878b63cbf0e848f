//! Tokens of OpenID Connect: who claims to have signed one, and whether he did.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use capstan_api::flux::{OidcProvider, ReceiverSpec};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::{Refusal, Request};

/// Who signs the tokens of Google's Pub/Sub.
pub const GOOGLE: &str = "https://accounts.google.com";
/// Seconds by which the clock of an issuer may be ahead, for the claim `nbf`.
const LEEWAY: i64 = 300;
/// What `Authorization` begins with.
const BEARER: &str = "Bearer ";

/// Who claims to have signed the token of a request. Nothing of it is to be trusted before its signature is checked.
#[derive(Clone, Debug)]
pub struct Identity<'a> {
    /// The issuer, as the Receiver names him.
    pub issuer: &'a str,
    /// The key that is said to have signed.
    pub key: Option<String>,
    pub(crate) provider: Option<&'a OidcProvider>,
    pub(crate) token: &'a str,
}

/// Who is to have signed; nothing for types that know no tokens.
///
/// # Errors
/// When the type needs a token, and there is none, or none of an issuer that the Receiver names.
pub fn identity<'a>(
    spec: &'a ReceiverSpec,
    request: &Request<'a>,
) -> Result<Option<Identity<'a>>, Refusal> {
    if !matches!(&*spec.type_, "gcr" | "generic-oidc") {
        return Ok(None);
    }
    let missing = || Refusal::new("the Authorization header is missing or malformed");
    let token = request.header("Authorization").strip_prefix(BEARER).ok_or_else(missing)?.trim();
    let key = jsonwebtoken::decode_header(token).ok().and_then(|header| header.kid);
    if spec.type_ == "gcr" {
        return Ok(Some(Identity { issuer: GOOGLE, key, provider: None, token }));
    }
    let issuer = unverified_issuer(token)
        .map_err(|why| Refusal::new(format!("failed to parse bearer token: {why}")))?;
    let provider = spec.oidc_providers.iter().find(|provider| provider.issuer_url == issuer);
    let provider = provider.ok_or_else(|| {
        Refusal::new(format!("no oidcProvider configured for issuer \"{issuer}\""))
    })?;
    Ok(Some(Identity { issuer: &provider.issuer_url, key, provider: Some(provider), token }))
}

fn unverified_issuer(token: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = &parts[..] else { return Err("token is not a JWT") };
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| "its payload is not base64")?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| "its payload is not JSON")?;
    let issuer = claims.get("iss").and_then(Value::as_str).filter(|issuer| !issuer.is_empty());
    issuer.map(str::to_owned).ok_or("token is missing the 'iss' claim")
}

/// The keys of an issuer.
#[derive(Clone, Debug)]
pub struct Keys {
    set: JwkSet,
    algorithms: Vec<Algorithm>,
}

impl Keys {
    /// Reads a JWK set. Of the algorithms that the issuer announces those count that sign with a private key; RS256 alone
    /// when he announces none.
    ///
    /// # Errors
    /// When it is no JWK set.
    pub fn read(jwks: &[u8], algorithms: &[String]) -> Result<Self, serde_json::Error> {
        let mut announced: Vec<_> =
            algorithms.iter().filter_map(|name| name.parse().ok()).filter(is_asymmetric).collect();
        if announced.is_empty() {
            announced.push(Algorithm::RS256);
        }
        Ok(Self { set: serde_json::from_slice(jwks)?, algorithms: announced })
    }

    /// Is there a key of this name? Without a name every key is tried.
    pub fn holds(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| self.set.find(name).is_some())
    }

    /// The claims of a token that one of the keys signed.
    fn claims(&self, token: &str) -> Result<Map<String, Value>, Refusal> {
        let unreadable = |error: jsonwebtoken::errors::Error| {
            Refusal::new(format!("failed to verify OIDC token: {error}"))
        };
        let header = jsonwebtoken::decode_header(token).map_err(unreadable)?;
        if !self.algorithms.contains(&header.alg) {
            let message = format!("failed to verify OIDC token: signed with {:?}", header.alg);
            return Err(Refusal::new(message));
        }
        let may_be = |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
        let keys = self.set.keys.iter().filter(may_be);
        let verified = keys.filter_map(|key| signed_by(key, token, header.alg)).next();
        verified.ok_or_else(|| {
            Refusal::new("failed to verify OIDC token: no key of the issuer has signed it")
        })
    }
}

fn is_asymmetric(algorithm: &Algorithm) -> bool {
    !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

fn signed_by(key: &Jwk, token: &str, algorithm: Algorithm) -> Option<Map<String, Value>> {
    // Only the signature is asked for: times and audience are checked here, where the clock is an argument.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_jwk(key).ok()?;
    jsonwebtoken::decode(token, &key, &validation).ok().map(|data| data.claims)
}

/// Checks signature, issuer, audience and times, and gives the claims. `now` is in seconds since 1970.
pub(crate) fn verify(
    identity: &Identity<'_>,
    audience: &str,
    keys: &Keys,
    now: i64,
) -> Result<Map<String, Value>, Refusal> {
    let claims = keys.claims(identity.token)?;
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let is_google = identity.issuer == GOOGLE && issuer == "accounts.google.com";
    if issuer != identity.issuer && !is_google {
        let wanted = identity.issuer;
        return Err(Refusal::new(format!("token issuer is '{issuer}', want '{wanted}'")));
    }
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audiences.contains(&audience) {
        let found = audiences.join(", ");
        return Err(Refusal::new(format!("token audience is '{found}', want '{audience}'")));
    }
    let seconds = |claim: &str| claims.get(claim).and_then(Value::as_f64);
    let now = now as f64;
    if seconds("exp").is_none_or(|expires| now > expires) {
        return Err(Refusal::new("failed to verify OIDC token: token is expired"));
    }
    if seconds("nbf").is_some_and(|begins| now + (LEEWAY as f64) < begins) {
        return Err(Refusal::new("failed to verify OIDC token: token is not valid yet"));
    }
    Ok(claims)
}
