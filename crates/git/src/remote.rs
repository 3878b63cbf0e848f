use std::time::Duration;

use capstan_model::Secret;

use crate::Bounds;

/// A repository and how we get in.
#[derive(Clone, Debug)]
pub struct Remote {
    /// http, https or ssh URL. Errors print it, so it holds no password: see [`Remote::new`].
    pub url: String,
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// What secures the connection beyond the system's own certificates.
    pub tls: Tls,
    /// What we connect through.
    pub proxy: Option<Proxy>,
    /// How long the server may be silent.
    pub timeout: Duration,
    /// What the fetch may cost, and where it may go.
    pub bounds: Bounds,
}

/// How we prove who we are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// User name and password, or token as password.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret<String>,
    },
    /// A token in the header `Authorization`.
    Bearer(Secret<String>),
    /// A key for ssh.
    Ssh(SshKey),
}

/// A key for ssh, and which hosts it may be shown to.
#[derive(Clone, Debug)]
pub struct SshKey {
    /// The private key, in a format of OpenSSH or as PEM.
    pub identity: Secret<String>,
    /// What the key is encrypted with.
    pub password: Option<Secret<String>>,
    /// The keys that hosts may show, as OpenSSH's file has them. A host that it does not name is not spoken to.
    pub known_hosts: String,
}

/// Certificates, as PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Authorities that are trusted beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate, and its key.
    pub identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

/// An HTTP or SOCKS5 proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `http`, `https` or `socks5` URL without user and password.
    pub address: String,
    /// User name and password.
    pub credentials: Option<(String, Secret<String>)>,
}

impl Remote {
    /// Takes user name and password out of a URL; the given credentials win over them.
    pub fn new(url: &str, credentials: Option<Credentials>, timeout: Duration) -> Self {
        let (url, inside) = split(url);
        let credentials = credentials.or(inside);
        let (tls, proxy, bounds) = (Tls::default(), None, Bounds::default());
        Self { url, credentials, tls, proxy, timeout, bounds }
    }

    /// Another repository, with the same credentials where those mean something there: over the same kind of connection,
    /// and never over one that everybody can listen to when this one is not.
    pub(crate) fn beside(&self, url: &str) -> Self {
        let is = |url: &str, scheme: &str| url.starts_with(scheme);
        let is_safe = match &self.credentials {
            Some(Credentials::Ssh(_)) => is(url, "ssh://"),
            _ => is(url, "https://") || (is(url, "http://") && is(&self.url, "http://")),
        };
        let given = self.credentials.clone().filter(|_| is_safe);
        Self { url: split(url).0, credentials: given.or(split(url).1), ..self.clone() }
    }

    /// Whoever asks with other credentials may see something else: each has a repository of its own.
    pub(crate) fn user(&self) -> &str {
        match &self.credentials {
            Some(Credentials::Basic { username, .. }) => username,
            Some(Credentials::Bearer(_)) => "bearer",
            Some(Credentials::Ssh(_)) => "ssh",
            None => "",
        }
    }
}

/// A URL without `user:password@`, and what stood there.
fn split(url: &str) -> (String, Option<Credentials>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (user, host) = rest[..end].rsplit_once('@')?;
        // With ssh the user is part of the address.
        let kept = match user.split(':').next() {
            Some(name) if scheme == "ssh" => format!("{name}@"),
            _ => String::new(),
        };
        Some((format!("{scheme}://{kept}{host}{}", &rest[end..]), user))
    });
    let Some((clean, user)) = parts else { return (url.to_owned(), None) };
    let Some((username, password)) = user.split_once(':') else { return (clean, None) };
    if clean.starts_with("ssh://") {
        return (clean, None);
    }
    let password = Secret::new(decoded(password));
    (clean, Some(Credentials::Basic { username: decoded(username), password }))
}

/// Text with its percent escapes undone; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten();
        match escaped.and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => {
                bytes.extend(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Remote};
    use std::time::Duration;

    #[test]
    fn a_password_leaves_the_url() {
        let remote = |url: &str| Remote::new(url, None, Duration::ZERO);
        let with = remote("https://me:p%40ss:w%2@host:1/a@b.git");
        assert_eq!(with.url, "https://host:1/a@b.git");
        let Some(Credentials::Basic { username, password }) = with.credentials else {
            panic!("some")
        };
        assert_eq!((&*username, &**password.expose()), ("me", "p@ss:w%2"));
        for plain in ["http://host/a@b.git", "https://host?x=a:b@c", "nonsense"] {
            let remote = remote(plain);
            assert_eq!((&*remote.url, remote.credentials.is_none()), (plain, true));
        }
        assert_eq!(remote("https://token@host/a.git").url, "https://host/a.git");
        assert_eq!(remote("ssh://me:secret@host/a.git").url, "ssh://me@host/a.git");
    }

    #[test]
    fn credentials_go_along_except_into_the_open() {
        let here = Remote::new("https://me:secret@host/a.git", None, Duration::ZERO);
        assert_eq!(here.beside("https://other/b.git").user(), "me");
        assert_eq!(here.beside("http://host/b.git").user(), "");
        let open = Remote::new("http://me:secret@host/a.git", None, Duration::ZERO);
        assert_eq!(open.beside("http://host/b.git").user(), "me");
    }
}
