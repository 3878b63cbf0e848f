//! HTTP clients by what a user's Secrets say: authorities, certificates of our own, proxies; and answers with a bound.

use std::time::Duration;

use capstan_model::{Chain, Secret};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Identity, Response};

/// Servers that an answer may come from after the first.
const REDIRECTS: usize = 10;

/// How a server is reached.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// What secures it beyond the system's own certificates.
    pub tls: Tls,
    /// What it goes through.
    pub proxy: Option<Proxy>,
    /// How long one request may take, its answer among it.
    pub timeout: Duration,
}

/// Certificates, as PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Authorities that are trusted beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate, and its key.
    pub identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    /// Takes any certificate.
    pub unverified: bool,
}

/// An HTTP proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `http` or `https` URL without user and password.
    pub address: String,
    /// User name and password.
    pub credentials: Option<(String, Secret<String>)>,
}

/// Why nothing came. No variant carries a credential, nor a URL that may hold one.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The Secrets cannot be used.
    #[error("{0}")]
    Settings(String),
    /// The server could not be reached, or broke off.
    #[error("{0}")]
    Transport(String),
    /// The answer has more bytes than it may.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Transport("the server took too long to answer".to_owned());
        }
        Self::Transport(Chain(&error.without_url()).to_string())
    }
}

impl Connection {
    /// A client. It follows redirects, but never from https to http, and shows credentials only to the host that it asked.
    ///
    /// # Errors
    /// [`HttpError::Settings`] when a certificate, a key or the proxy cannot be read.
    pub fn client(&self) -> Result<Client, HttpError> {
        let mut builder = Client::builder()
            .timeout(self.timeout)
            .referer(false)
            .user_agent(concat!("capstan/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(redirect))
            .tls_certs_merge(self.tls.authorities()?)
            .tls_danger_accept_invalid_certs(self.tls.unverified);
        if let Some(identity) = self.tls.identity()? {
            builder = builder.identity(identity);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.read()?);
        }
        let failed = |error| HttpError::Settings(Chain(&error).to_string());
        builder.build().map_err(failed)
    }
}

fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let leaves_tls = attempt.url().scheme() != "https"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if leaves_tls {
        attempt.error("the server sends us on from https to http")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("the server sends us on without an end")
    } else {
        attempt.follow()
    }
}

impl Tls {
    fn authorities(&self) -> Result<Vec<Certificate>, HttpError> {
        let Some(pem) = &self.authorities else { return Ok(Vec::new()) };
        match Certificate::from_pem_bundle(pem) {
            Ok(found) if !found.is_empty() => Ok(found),
            _ => Err(HttpError::Settings(
                "the key 'ca.crt' holds no certificate in PEM format".to_owned(),
            )),
        }
    }

    fn identity(&self) -> Result<Option<Identity>, HttpError> {
        let Some((certificate, key)) = &self.identity else { return Ok(None) };
        let pem = [certificate.as_slice(), b"\n", key.expose().as_slice()].concat();
        // What the parser says could quote the key.
        let refused =
            "the keys 'tls.crt' and 'tls.key' hold no certificate and private key in PEM format";
        Identity::from_pem(&pem).map(Some).map_err(|_| HttpError::Settings(refused.to_owned()))
    }
}

impl Proxy {
    fn read(&self) -> Result<reqwest::Proxy, HttpError> {
        // What the parser says could quote a password in the address.
        let refused =
            || HttpError::Settings("the key 'address' is no URL of an HTTP proxy".to_owned());
        if !self.address.starts_with("http://") && !self.address.starts_with("https://") {
            return Err(refused());
        }
        let proxy = reqwest::Proxy::all(&self.address).map_err(|_| refused())?;
        Ok(match &self.credentials {
            Some((user, password)) => proxy.basic_auth(user, password.expose()),
            None => proxy,
        })
    }
}

/// The body of an answer, of at most `most` bytes.
///
/// # Errors
/// [`HttpError::TooLarge`], or [`HttpError::Transport`] when it breaks off.
pub async fn body(mut response: Response, most: u64) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() as u64 + chunk.len() as u64 > most {
            return Err(HttpError::TooLarge(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Connection, HttpError, Proxy, Tls};
    use capstan_model::Secret;

    #[test]
    fn what_cannot_be_used_is_said_without_quoting_it() {
        let key = Some((b"hunter2".to_vec(), Secret::new(b"hunter2".to_vec())));
        let wrong = [
            Connection {
                tls: Tls { authorities: Some(b"hunter2".to_vec()), ..Tls::default() },
                ..Connection::default()
            },
            Connection { tls: Tls { identity: key, ..Tls::default() }, ..Connection::default() },
            Connection {
                proxy: Some(Proxy { address: "ftp://hunter2".to_owned(), credentials: None }),
                ..Connection::default()
            },
        ];
        for connection in wrong {
            let Err(HttpError::Settings(why)) = connection.client() else { panic!("a client") };
            assert!(why.contains("key") && !why.contains("hunter2"), "{why}");
        }
        assert!(Connection::default().client().is_ok());
    }
}
