use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capstan_receive::{GOOGLE, Keys};
use reqwest::redirect::Policy;
use serde::Deserialize;
use tokio::time::Instant;

/// How long an issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer of an issuer, in bytes.
const LONGEST: usize = 1024 * 1024;
/// How long keys are held.
const HELD: Duration = Duration::from_secs(300);
/// How soon an issuer is asked again for a key that he did not have.
const AGAIN: Duration = Duration::from_secs(10);
/// Issuers whose keys are held.
const ISSUERS: usize = 64;

/// The keys of those who sign tokens, fetched when they are needed.
pub(super) struct Issuers {
    client: reqwest::Client,
    google: String,
    known: Mutex<HashMap<String, (Arc<Keys>, Instant)>>,
}

/// What an issuer says of himself.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
}

impl Issuers {
    /// Nobody is asked yet; `google` is the URL of Google's keys.
    pub(super) fn new(google: String) -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::limited(3));
        Ok(Self { client: builder.build()?, google, known: Mutex::default() })
    }

    /// The keys of an issuer. They are fetched anew when they are old, or do not hold the wanted one.
    pub(super) async fn keys(
        &self,
        issuer: &str,
        wanted: Option<&str>,
    ) -> Result<Arc<Keys>, String> {
        let known =
            self.known.lock().expect("no holder of this lock can panic").get(issuer).cloned();
        if let Some((keys, read)) = known {
            let age = read.elapsed();
            if age < AGAIN || (age < HELD && keys.holds(wanted)) {
                return Ok(keys);
            }
        }
        let fetched = self.fetch(issuer).await;
        let keys = fetched.map_err(|why| {
            format!("failed to initialize OIDC provider for issuer \"{issuer}\": {why}")
        })?;
        let keys = Arc::new(keys);
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        if known.len() >= ISSUERS {
            known.clear();
        }
        known.insert(issuer.to_owned(), (Arc::clone(&keys), Instant::now()));
        Ok(keys)
    }

    async fn fetch(&self, issuer: &str) -> Result<Keys, String> {
        let (url, algorithms) = if issuer == GOOGLE {
            (self.google.clone(), vec!["RS256".to_owned(), "ES256".to_owned()])
        } else {
            let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            let discovery: Discovery = serde_json::from_slice(&self.get(&url).await?)
                .map_err(|error| format!("{url} is no discovery document: {error}"))?;
            if discovery.issuer != issuer {
                return Err(format!("{url} is of another issuer, \"{}\"", discovery.issuer));
            }
            (discovery.jwks_uri, discovery.id_token_signing_alg_values_supported)
        };
        Keys::read(&self.get(&url).await?, &algorithms)
            .map_err(|error| format!("{url} is no set of keys: {error}"))
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let error = |error: reqwest::Error| format!("{}", capstan_model::Chain(&error));
        let answer = self.client.get(url).send().await.map_err(error)?;
        let mut answer = answer.error_for_status().map_err(error)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(error)? {
            if bytes.len() + chunk.len() > LONGEST {
                return Err(format!("{url} answers with more than {LONGEST} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
