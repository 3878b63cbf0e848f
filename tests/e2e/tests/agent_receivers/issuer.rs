//! Who signs tokens, as OpenID Connect has it: Google and a provider of one's own.

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// An issuer that answers on this machine.
pub(crate) struct Issuer {
    pub(crate) url: String,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes())?;
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)?;
        jwk.common.key_id = Some("one".to_owned());
        let keys = serde_json::to_string(&JwkSet { keys: vec![jwk] })?;
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys"),
            "id_token_signing_alg_values_supported": ["ES256"]})
        .to_string();
        let router = Router::new()
            .route("/keys", get(|| async move { keys }))
            .route("/.well-known/openid-configuration", get(|| async move { discovery }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, key })
    }

    /// A bearer token with claims; it expires in a minute.
    pub(crate) fn bearer(&self, mut claims: Value) -> Result<String> {
        claims["exp"] = (jiff::Timestamp::now().as_second() + 60).into();
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        let token = encode(&header, &claims, &self.key).context("no token")?;
        Ok(format!("Bearer {token}"))
    }
}
