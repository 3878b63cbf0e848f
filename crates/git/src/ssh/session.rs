//! A session with a host that is known.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use capstan_model::Chain;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use tokio::net::TcpStream;

use super::known_hosts::HostKeys;
use super::{Place, socks};
use crate::{FetchError, Remote};

/// Decides about the host's key.
pub(super) struct Doorkeeper {
    keys: HostKeys,
    /// Fingerprint of a key that was refused.
    refused: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Doorkeeper {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let is_allowed = self.keys.allow(key);
        if !is_allowed && let Ok(mut refused) = self.refused.lock() {
            *refused = Some(key.fingerprint(HashAlg::Sha256).to_string());
        }
        Ok(is_allowed)
    }
}

/// The private key of a Secret. What is wrong with one is said without a word of it.
pub(super) fn identity(text: &str, password: Option<&str>) -> Result<PrivateKey, FetchError> {
    use russh::keys::Error;
    let password = password.filter(|password| !password.is_empty());
    russh::keys::decode_secret_key(text.trim_start(), password).map_err(|cause| {
        FetchError::Options(match (&cause, password) {
            (Error::KeyIsEncrypted, None) => {
                "SSH identity key is encrypted but no 'password' field was provided in the secret"
                    .to_owned()
            }
            (_, Some(_)) => "the key 'identity' is no private key that 'password' opens".to_owned(),
            _ => "the key 'identity' is no private key in a format of OpenSSH or as PEM".to_owned(),
        })
    })
}

/// Connects, lets the host prove who it is, and proves who we are.
pub(super) async fn open(
    remote: &Remote,
    place: &Place,
    keys: HostKeys,
    identity: PrivateKey,
) -> Result<Handle<Doorkeeper>, FetchError> {
    let failed = |cause: String| FetchError::Remote { url: remote.url.clone(), cause };
    let unknown = |cause: String| FetchError::HostKey { host: place.name(), cause };
    if keys.known().is_empty() {
        return Err(unknown("key is unknown: 'known_hosts' does not name the host".to_owned()));
    }
    let socket = socket(remote, place).await?;
    let refused = Arc::default();
    let config = Arc::new(config(&keys));
    let keeper = Doorkeeper { keys, refused: Arc::clone(&refused) };
    let mut session = client::connect_stream(config, socket, keeper).await.map_err(|cause| {
        match refused.lock().ok().and_then(|refused| refused.clone()) {
            Some(shown) => unknown(format!("key mismatch: the host shows {shown}")),
            None if matches!(cause, russh::Error::NoCommonAlgo { .. }) => unknown(format!(
                "the host has no key of a kind that 'known_hosts' names: {}",
                Chain(&cause)
            )),
            None => failed(Chain(&cause).to_string()),
        }
    })?;
    let hash = if identity.algorithm().is_rsa() {
        session.best_supported_rsa_hash().await.ok().flatten().flatten().or(Some(HashAlg::Sha256))
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(identity), hash);
    let answer = session.authenticate_publickey(&place.user, key).await;
    match answer.map_err(|cause| failed(Chain(&cause).to_string()))? {
        AuthResult::Success => Ok(session),
        AuthResult::Failure { .. } => Err(FetchError::KeyRefused { url: remote.url.clone() }),
    }
}

async fn socket(remote: &Remote, place: &Place) -> Result<TcpStream, FetchError> {
    match &remote.proxy {
        Some(proxy) => socks::connect(proxy, &place.host, place.port).await,
        None => TcpStream::connect((place.host.as_str(), place.port)).await.map_err(|cause| {
            FetchError::Remote { url: remote.url.clone(), cause: cause.to_string() }
        }),
    }
}

/// Asks the host for a key of a kind that is known of it: it may have several.
fn config(keys: &HostKeys) -> client::Config {
    let mut kinds: Vec<Algorithm> = Vec::new();
    for key in keys.known() {
        let of_key = match key.algorithm() {
            Algorithm::Rsa { .. } => vec![
                Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
                Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
            ],
            other => vec![other],
        };
        kinds.extend(of_key.into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
    }
    let preferred = russh::Preferred { key: Cow::Owned(kinds), ..russh::Preferred::default() };
    client::Config { preferred, nodelay: true, ..client::Config::default() }
}
