use std::fmt;
use std::net::Ipv4Addr;

use crate::OciError;

/// Docker Hub, as credentials know it.
const HUB: &str = "index.docker.io";

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Host of the registry, with a port where one was written.
    pub registry: String,
    /// Name below it.
    pub name: String,
}

impl Repository {
    /// Reads `oci://<registry>/<name>`, by the rules of go-containerregistry.
    ///
    /// # Errors
    /// [`OciError::Url`] when it is none, or names a tag.
    pub fn parse(url: &str) -> Result<Self, OciError> {
        let refuse = |why: String| OciError::Url { url: url.to_owned(), why };
        let rest = url.strip_prefix("oci://").ok_or_else(|| {
            refuse("URL must be in format 'oci://<domain>/<org>/<repo>'".to_owned())
        })?;
        let is_host = |text: &str| text.contains(['.', ':']) || text == "localhost";
        let (registry, name) = match rest.split_once('/') {
            Some((host, name)) if is_host(host) => (host, name),
            _ => (HUB, rest),
        };
        if let Some((_, tag)) = name.split_once(':') {
            return Err(refuse(format!("URL must not contain a tag; remove ':{tag}'")));
        }
        let plain = |b: u8| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-' | b'/')
        };
        let parts = || name.split('/');
        if name.len() < 2 || name.len() > 255 || !name.bytes().all(plain) {
            return Err(refuse(format!(
                "'{name}' is no repository: it has 2 to 255 of the characters a-z, 0-9 and ._-/"
            )));
        }
        if parts().any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(refuse(format!(
                "'{name}' is no repository: a part of it is empty or hidden"
            )));
        }
        let host =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        if !registry.bytes().all(host) {
            return Err(refuse(format!("'{registry}' is no host")));
        }
        let is_hub = matches!(registry, "docker.io" | "index.docker.io" | "registry-1.docker.io");
        let registry = if is_hub { HUB } else { registry };
        let name = match parts().count() {
            1 if is_hub => format!("library/{name}"),
            _ => name.to_owned(),
        };
        Ok(Self { registry: registry.to_owned(), name })
    }

    /// Is the registry on this machine or in a private network, where plain HTTP is usual?
    pub(crate) fn is_local(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(&*self.registry, |(host, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { host } else { &*self.registry }
        });
        let private = |ip: Ipv4Addr| ip.is_private() || ip.is_loopback();
        host == "localhost"
            || host.ends_with(".local")
            || host == "[::1]"
            || host.parse().is_ok_and(private)
    }

    /// The host that is asked.
    pub(crate) fn host(&self) -> &str {
        if self.registry == HUB { "registry-1.docker.io" } else { &self.registry }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::Repository;
    use crate::OciError;

    fn parse(url: &str) -> Result<(String, String), OciError> {
        Repository::parse(url).map(|repository| (repository.registry, repository.name))
    }

    fn is(registry: &str, name: &str) -> (String, String) {
        (registry.to_owned(), name.to_owned())
    }

    #[test]
    fn the_first_part_is_a_host_when_it_looks_like_one() {
        let cases = [
            (
                "oci://ghcr.io/stefanprodan/manifests/podinfo",
                "ghcr.io",
                "stefanprodan/manifests/podinfo",
            ),
            ("oci://localhost/a/b", "localhost", "a/b"),
            ("oci://localhost:5000/app", "localhost:5000", "app"),
            ("oci://nginx", "index.docker.io", "library/nginx"),
            ("oci://docker.io/grafana/loki", "index.docker.io", "grafana/loki"),
            ("oci://stefanprodan/podinfo", "index.docker.io", "stefanprodan/podinfo"),
        ];
        for (url, registry, name) in cases {
            assert_eq!(parse(url).expect(url), is(registry, name));
        }
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        let says = |url: &str| parse(url).expect_err(url).to_string();
        assert!(says("https://ghcr.io/a/b").contains("must be in format"));
        assert!(says("oci://ghcr.io/a/b:v1").contains("must not contain a tag; remove ':v1'"));
        for url in [
            "oci://",
            "oci://ghcr.io/",
            "oci://ghcr.io/A/b",
            "oci://ghcr.io/a//b",
            "oci://ghcr.io/../b",
            "oci://ghcr.io/a?b",
            "oci://user@ghcr.io/a/b",
            "oci://gh cr.io/a",
        ] {
            says(url);
        }
    }

    #[test]
    fn private_networks_are_local() {
        let local = |registry: &str| {
            Repository { registry: registry.to_owned(), name: "a/b".to_owned() }.is_local()
        };
        for registry in ["localhost", "localhost:5000", "127.0.0.1:5000", "10.1.2.3", "r.local:80"]
        {
            assert!(local(registry), "{registry}");
        }
        for registry in ["ghcr.io", "8.8.8.8:5000", "localhost.example.org", "172.32.0.1"] {
            assert!(!local(registry), "{registry}");
        }
    }
}
