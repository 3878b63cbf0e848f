//! What a connection over HTTP needs beyond its URL.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gix::protocol::transport::client::blocking_io::http::options::FollowRedirects;
use gix::protocol::transport::client::blocking_io::http::{Options, reqwest as backend};
use reqwest::blocking::ClientBuilder;
use reqwest::{Certificate, Identity};

use crate::remote::Credentials;
use crate::{FetchError, Guard, Remote};

/// The header that says who we are, and a bound of the server's silence.
///
/// gix itself sends credentials only when it was refused without them, which costs a round trip a fetch, and never over plain
/// http, which Flux's users have inside their networks. Without the bound a server that does not answer would keep the thread,
/// and with it the repository's lock, long after nobody waits for it any more.
pub(crate) fn options(remote: &Remote) -> Result<Options, FetchError> {
    let configure = configured(remote)?;
    let client = backend::Options {
        configure_client: Some(Box::new(move |builder| Ok(configure(builder)))),
        ..backend::Options::default()
    };
    // A redirect could lead where the guard would not let the first address lead.
    let follow_redirects =
        if remote.bounds.guarded { FollowRedirects::None } else { FollowRedirects::default() };
    Ok(Options {
        follow_redirects,
        extra_headers: authorization(remote)
            .map(|value| format!("Authorization: {value}"))
            .into_iter()
            .collect(),
        backend: Some(Arc::new(Mutex::new(client))),
        ..Options::default()
    })
}

/// The value of the header `Authorization`.
pub(crate) fn authorization(remote: &Remote) -> Option<String> {
    match remote.credentials.as_ref()? {
        Credentials::Basic { username, password } => {
            let login = format!("{username}:{}", password.expose());
            Some(format!("Basic {}", STANDARD.encode(login)))
        }
        Credentials::Bearer(token) => Some(format!("Bearer {}", token.expose())),
        Credentials::Ssh(_) => None,
    }
}

/// Time, certificates, proxy and guard of a client.
pub(crate) fn configured(
    remote: &Remote,
) -> Result<impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static, FetchError> {
    let (timeout, guarded) = (remote.timeout, remote.bounds.guarded);
    let (authorities, identity) = (authorities(remote)?, identity(remote)?);
    let proxy = proxy(remote)?;
    Ok(move |builder: ClientBuilder| {
        let mut builder = builder.timeout(timeout).tls_certs_merge(authorities.clone());
        if let Some(identity) = &identity {
            builder = builder.identity(identity.clone());
        }
        if let Some(proxy) = &proxy {
            builder = builder.proxy(proxy.clone());
        }
        if guarded { builder.dns_resolver(Arc::new(Guard)) } else { builder }
    })
}

fn authorities(remote: &Remote) -> Result<Vec<Certificate>, FetchError> {
    let Some(pem) = &remote.tls.authorities else { return Ok(Vec::new()) };
    match Certificate::from_pem_bundle(pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(FetchError::Options("the key 'ca.crt' holds no certificate as PEM".to_owned())),
    }
}

fn identity(remote: &Remote) -> Result<Option<Identity>, FetchError> {
    let Some((certificate, key)) = &remote.tls.identity else { return Ok(None) };
    let pem = [certificate.as_slice(), b"\n", key.expose().as_slice()].concat();
    // What the parser says could quote the key.
    let refused = "the keys 'tls.crt' and 'tls.key' hold no certificate and private key as PEM";
    Identity::from_pem(&pem).map(Some).map_err(|_| FetchError::Options(refused.to_owned()))
}

fn proxy(remote: &Remote) -> Result<Option<reqwest::Proxy>, FetchError> {
    let Some(proxy) = &remote.proxy else { return Ok(None) };
    let refused = |_| FetchError::Proxy(format!("`{}` is no address of a proxy", proxy.address));
    let through = reqwest::Proxy::all(&proxy.address).map_err(refused)?;
    Ok(Some(match &proxy.credentials {
        Some((username, password)) => through.basic_auth(username, password.expose()),
        None => through,
    }))
}
