//! Tokens of a GitHub App's installation.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use capstan_model::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::blocking::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::http::configured;
use crate::{Credentials, FetchError, Remote};

/// Where GitHub's own API is.
const PUBLIC: &str = "https://api.github.com";
/// The user name that goes with a token.
const USER: &str = "x-access-token";

/// A GitHub App, and where it is installed.
#[derive(Clone)]
pub struct GithubApp {
    /// Id of the App.
    pub id: u64,
    /// Where it is installed.
    pub installation: Installation,
    /// RSA key of the App, as PEM.
    pub key: Secret<String>,
    /// URL of the API; GitHub's own when absent.
    pub api: Option<String>,
}

/// An installation of an App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    /// By its id.
    Id(u64),
    /// By the organisation or user that has it.
    Owner(String),
}

impl fmt::Debug for GithubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubApp").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Tokens that are good for some time yet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(Arc<Mutex<HashMap<String, Token>>>);

#[derive(Clone, Debug)]
struct Token {
    token: Secret<String>,
    renewed_after: SystemTime,
}

impl Tokens {
    /// Credentials of an installation: those of the last call while four fifths of their life have not passed. Blocks.
    pub(crate) fn credentials(
        &self,
        app: &GithubApp,
        remote: &Remote,
        now: SystemTime,
    ) -> Result<Credentials, FetchError> {
        let key = app.cache_key();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let token = match known.filter(|token| now < token.renewed_after) {
            Some(token) => token,
            None => {
                let token = app.token(remote, now)?;
                let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|_, token| now < token.renewed_after);
                all.insert(key, token.clone());
                token
            }
        };
        Ok(Credentials::Basic { username: USER.to_owned(), password: token.token })
    }
}

#[derive(Serialize)]
struct Claims {
    iat: u64,
    exp: u64,
    iss: String,
}

#[derive(Deserialize)]
struct Found {
    id: u64,
}

#[derive(Deserialize)]
struct Issued {
    token: String,
    expires_at: Option<jiff::Timestamp>,
}

impl GithubApp {
    /// Whoever has the same key shares the token.
    fn cache_key(&self) -> String {
        let api = self.api.as_deref().unwrap_or_default();
        let key = Sha256::digest(self.key.expose());
        format!("{} {:?} {api} {}", self.id, self.installation, hex::encode(key))
    }

    fn token(&self, remote: &Remote, now: SystemTime) -> Result<Token, FetchError> {
        let api = self.api.as_deref().unwrap_or(PUBLIC).trim_end_matches('/');
        let client = configured(remote)?(Client::builder());
        let client = client.build().map_err(|cause| failed(&capstan_model::Chain(&cause)))?;
        let bearer = self.signed(now)?;
        let asked = |request: RequestBuilder| {
            request
                .bearer_auth(&bearer)
                .header("Accept", "application/vnd.github+json")
                .header("User-Agent", "capstan")
        };
        let installation = match &self.installation {
            Installation::Id(id) => *id,
            Installation::Owner(owner) => {
                let find = |folder: &str| {
                    let request = client.get(format!("{api}/{folder}/{owner}/installation"));
                    answer::<Found>(asked(request)).map(|found| found.id)
                };
                find("orgs").or_else(|first| {
                    find("users").map_err(|second| failed(&format_args!("{first}; {second}")))
                })?
            }
        };
        let request = client.post(format!("{api}/app/installations/{installation}/access_tokens"));
        let issued: Issued = answer(asked(request)).map_err(|said| failed(&said))?;
        let ends = issued.expires_at.and_then(|at| u64::try_from(at.as_second()).ok());
        let ends = ends.map_or(now, |seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        let life = ends.duration_since(now).unwrap_or_default();
        Ok(Token { token: Secret::new(issued.token), renewed_after: now + life * 4 / 5 })
    }

    /// A token for the App itself, good for two minutes.
    fn signed(&self, now: SystemTime) -> Result<String, FetchError> {
        let refused = "could not parse private key: it is no RSA key as PEM";
        let key = EncodingKey::from_rsa_pem(self.key.expose().as_bytes())
            .map_err(|_| failed(&refused))?;
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        // Our clock may be ahead of theirs.
        let iat = seconds.saturating_sub(30);
        let claims = Claims { iat, exp: iat + 120, iss: self.id.to_string() };
        encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| failed(&refused))
    }
}

fn answer<T: for<'a> Deserialize<'a>>(request: RequestBuilder) -> Result<T, String> {
    let chained = |cause: reqwest::Error| capstan_model::Chain(&cause).to_string();
    let answer = request.send().map_err(chained)?;
    let (status, url) = (answer.status(), answer.url().clone());
    if !status.is_success() {
        return Err(format!("`{url}` answered {status}"));
    }
    answer.json().map_err(chained)
}

fn failed(cause: &dyn fmt::Display) -> FetchError {
    FetchError::Options(cause.to_string())
}
