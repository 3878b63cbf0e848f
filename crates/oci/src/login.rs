use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_model::Secret;
use serde::Deserialize;

use crate::{OciError, Repository};

/// How we prove who we are.
#[derive(Clone, Debug)]
pub enum Login {
    /// User name and password.
    Basic {
        /// User name.
        username: String,
        /// Password, or token.
        password: Secret<String>,
    },
    /// A refresh token, which the registry's own authority exchanges.
    Refresh(Secret<String>),
    /// A token that is shown as it is.
    Bearer(Secret<String>),
}

/// Logins, and for which repositories they are.
#[derive(Clone, Debug, Default)]
pub struct Keychain(Vec<(Pattern, Login)>);

/// A part of a registry: its host, in which `*` stands for a label or a part of one, and the beginning of names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    host: String,
    path: String,
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    username: String,
    password: String,
    auth: String,
    identitytoken: String,
    registrytoken: String,
}

impl Keychain {
    /// Adds the logins of a `.dockerconfigjson`.
    ///
    /// # Errors
    /// [`OciError::Credentials`], which quotes nothing of it.
    pub fn add_docker_config(&mut self, text: &str) -> Result<(), OciError> {
        let config: DockerConfig = serde_json::from_str(text).map_err(|_| refused())?;
        self.add(config.auths)
    }

    /// Adds the logins of a `.dockercfg`, its older form.
    ///
    /// # Errors
    /// [`OciError::Credentials`], which quotes nothing of it.
    pub fn add_docker_cfg(&mut self, text: &str) -> Result<(), OciError> {
        self.add(serde_json::from_str(text).map_err(|_| refused())?)
    }

    /// Adds a login for one registry.
    pub fn add_login(&mut self, registry: &str, login: Login) {
        self.0.push((Pattern::read(registry), login));
    }

    fn add(&mut self, entries: BTreeMap<String, Entry>) -> Result<(), OciError> {
        for (registry, entry) in entries {
            if let Some(login) = entry.login()? {
                self.0.push((Pattern::read(&registry), login));
            }
        }
        Ok(())
    }

    /// The login for a repository: that of the most exact pattern, the first of two.
    pub fn find(&self, repository: &Repository) -> Option<&Login> {
        let mut best: Option<&(Pattern, Login)> = None;
        for entry in self.0.iter().filter(|(pattern, _)| pattern.matches(repository)) {
            if best.is_none_or(|(pattern, _)| pattern.weight() < entry.0.weight()) {
                best = Some(entry);
            }
        }
        best.map(|(_, login)| login)
    }
}

fn refused() -> OciError {
    OciError::Credentials("the Secret holds no Docker configuration that can be read".to_owned())
}

impl Entry {
    fn login(self) -> Result<Option<Login>, OciError> {
        if !self.registrytoken.is_empty() {
            return Ok(Some(Login::Bearer(Secret::new(self.registrytoken))));
        }
        if !self.identitytoken.is_empty() {
            return Ok(Some(Login::Refresh(Secret::new(self.identitytoken))));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username, self.password)
        } else {
            let bytes = STANDARD.decode(self.auth.trim()).map_err(|_| refused())?;
            let text = String::from_utf8(bytes).map_err(|_| refused())?;
            let (username, password) = text.split_once(':').ok_or_else(refused)?;
            (username.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        let login = Login::Basic { username, password: Secret::new(password) };
        Ok(match &login {
            Login::Basic { username, .. } if username.is_empty() => None,
            _ => Some(login),
        })
    }
}

impl Pattern {
    fn read(text: &str) -> Self {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        // Docker writes the version of its API behind the host.
        let path = path.trim_matches('/');
        let path = path.strip_prefix("v1").or_else(|| path.strip_prefix("v2")).unwrap_or(path);
        let host = match host {
            "docker.io" | "registry-1.docker.io" => "index.docker.io",
            host => host,
        };
        Self { host: host.to_owned(), path: path.trim_matches('/').to_owned() }
    }

    fn matches(&self, repository: &Repository) -> bool {
        let split = |host: &str| match host.rsplit_once(':') {
            Some((name, port)) => (name.to_owned(), port.to_owned()),
            None => (host.to_owned(), String::new()),
        };
        let ((pattern, port), (host, its_port)) = (split(&self.host), split(&repository.registry));
        let (labels, of_host): (Vec<_>, Vec<_>) =
            (pattern.split('.').collect(), host.split('.').collect());
        port == its_port
            && labels.len() == of_host.len()
            && labels.iter().zip(of_host).all(|(label, text)| is_like(label, text))
            && repository.name.starts_with(&self.path)
    }

    fn weight(&self) -> (usize, bool) {
        (self.path.len(), !self.host.contains('*'))
    }
}

/// Does a text look like a pattern in which `*` stands for anything?
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.any(|at| is_like(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::{Keychain, Login};
    use crate::Repository;

    fn user(config: &str, url: &str) -> Option<String> {
        let mut keychain = Keychain::default();
        keychain.add_docker_config(config).expect("a configuration");
        match keychain.find(&Repository::parse(url).expect("a repository"))? {
            Login::Basic { username, password } => {
                Some(format!("{username}:{}", password.expose()))
            }
            Login::Refresh(token) => Some(format!("refresh {}", token.expose())),
            Login::Bearer(token) => Some(format!("bearer {}", token.expose())),
        }
    }

    #[test]
    fn a_login_is_for_its_registry() {
        let config = r#"{"auths": {"ghcr.io": {"username": "u", "password": "p"},
            "https://index.docker.io/v1/": {"auth": "aHViOnA6dw=="},
            "*.example.org:5000": {"identitytoken": "t"}, "r.local": {"registrytoken": "b"}}}"#;
        let is = |url, login: &str| assert_eq!(user(config, url).as_deref(), Some(login), "{url}");
        is("oci://ghcr.io/a/b", "u:p");
        is("oci://docker.io/a/b", "hub:p:w");
        is("oci://a.example.org:5000/x/y", "refresh t");
        is("oci://r.local/x/y", "bearer b");
        for other in [
            "oci://ghcr.io.evil.org/a/b",
            "oci://a.example.org/x/y",
            "oci://a.b.example.org:5000/x/y",
        ] {
            assert_eq!(user(config, other), None, "{other}");
        }
    }

    #[test]
    fn the_most_exact_pattern_counts() {
        let config = r#"{"auths": {"r.io": {"username": "all", "password": "p"}, "*.io": {"username": "any", "password": "p"},
            "r.io/team": {"username": "team", "password": "p"}}}"#;
        assert_eq!(user(config, "oci://r.io/team/app").as_deref(), Some("team:p"));
        assert_eq!(user(config, "oci://r.io/other/app").as_deref(), Some("all:p"));
        assert_eq!(user(config, "oci://q.io/other/app").as_deref(), Some("any:p"));
    }

    #[test]
    fn nothing_is_quoted_of_what_cannot_be_read() {
        let mut keychain = Keychain::default();
        for text in [
            "hunter2",
            r#"{"auths": {"r.io": {"auth": "hunter2"}}}"#,
            r#"{"auths": {"r.io": {"auth": "aHVudGVyMg=="}}}"#,
            r#"{"auths": ["hunter2"]}"#,
        ] {
            let says = keychain.add_docker_config(text).expect_err(text).to_string();
            assert!(!says.contains("hunter2"), "{says}");
        }
    }
}
