//! Remote bases: what a build reads from other repositories and servers, which somebody else fetches for it.

mod load;
mod mount;
mod spec;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use capstan_tree::Tree;

use crate::error::Place;

pub(crate) use load::AtUrl;
pub(crate) use mount::{Mount, Mounts, join, split};
pub use spec::RepoSpec;

/// A repository at a revision. URLs may hold passwords, so neither `Debug` nor `Display` shows one.
#[derive(Clone, PartialEq, Eq)]
pub struct Repository {
    /// As Git takes it.
    pub url: String,
    /// Branch, tag, reference or commit; empty for what `HEAD` is.
    pub reference: String,
    /// Whether the URL wants submodules, which it does unless it says otherwise.
    pub submodules: bool,
    /// How long the fetch may take.
    pub timeout: Duration,
}

impl From<&RepoSpec> for Repository {
    fn from(spec: &RepoSpec) -> Self {
        Self {
            url: spec.url(),
            reference: spec.reference.clone(),
            submodules: spec.submodules,
            timeout: spec.timeout,
        }
    }
}

/// Something that a build reads and that its tree does not hold.
#[derive(Clone, PartialEq, Eq)]
pub enum Remote {
    /// The file at an http or https URL.
    File(String),
    /// The tree of a commit.
    Repository(Repository),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(url) => f.write_str(&shown(url)),
            Self::Repository(repository) => {
                f.write_str(&shown(&repository.url))?;
                match repository.reference.as_str() {
                    "" => Ok(()),
                    reference => write!(f, "?ref={reference}"),
                }
            }
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::File(_) => "File",
            Self::Repository(_) => "Repository",
        };
        write!(f, "{kind}({self})")
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Remote::Repository(self.clone()))
    }
}

/// Something that must be fetched before the build can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub remote: Remote,
    /// A URL may be that of a file or of a repository. When no file is there ([`Fetched::Absent`]), the build needs this, so
    /// whoever learns that fetches it at once.
    pub instead: Option<Repository>,
    /// The line that names it.
    pub place: Place,
}

/// What was found.
#[derive(Clone)]
pub enum Fetched {
    /// The content of a file.
    File(Vec<u8>),
    /// The tree of a commit, which shows symbolic links as what they lead to.
    Tree(Arc<dyn Tree>),
    /// The URL is not that of a file.
    Absent,
}

/// What was fetched for a build so far.
#[derive(Clone, Default)]
pub struct Remotes {
    is_off: bool,
    fetched: Vec<(Remote, Fetched)>,
}

impl Remotes {
    /// Whatever is remote is an error.
    pub const fn off() -> Self {
        Self { is_off: true, fetched: Vec::new() }
    }

    /// Adds what was found for a need.
    pub fn insert(&mut self, remote: Remote, fetched: Fetched) {
        self.fetched.push((remote, fetched));
    }

    /// Is it there already?
    pub fn holds(&self, remote: &Remote) -> bool {
        self.find(remote).is_some()
    }

    pub(crate) const fn is_off(&self) -> bool {
        self.is_off
    }

    /// What was found, and its number.
    pub(crate) fn find(&self, remote: &Remote) -> Option<(usize, &Fetched)> {
        let found = self.fetched.iter().position(|(key, _)| key == remote)?;
        Some((found, &self.fetched[found].1))
    }

    pub(crate) fn get(&self, index: usize) -> Option<&(Remote, Fetched)> {
        self.fetched.get(index)
    }
}

/// Is this the URL of a file, as far as one can tell by looking at it?
pub(crate) fn is_file_url(text: &str) -> bool {
    let is = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    (is("http://") || is("https://")) && !text.contains(|c: char| c.is_ascii_control() || c == ' ')
}

/// Does a path lead to another machine?
pub(crate) fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.starts_with("github.com")
}

/// A URL without what may be secret: who logs in, and what a query holds beside Git's revision.
pub(crate) fn shown(url: &str) -> String {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        // `git@host:path` is no secret, and not the same without it.
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => host,
        _ => authority,
    };
    let divider = if scheme.is_empty() { "" } else { "://" };
    let is_plain = |pair: &&str| pair.starts_with("ref=") || pair.starts_with("version=");
    let kept: Vec<&str> = query.split('&').filter(is_plain).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{scheme}{divider}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn secrets_are_not_shown() {
        for (url, expected) in [
            ("https://me:pass@host/o/r?ref=v1", "https://host/o/r?ref=v1"),
            ("https://token@host/o/r", "https://host/o/r"),
            ("https://a@b@host/o", "https://host/o"),
            ("https://host/f.yaml?sig=secret&ref=main", "https://host/f.yaml?ref=main"),
            ("git::https://me:pass@host/o", "git::https://host/o"),
            ("git@host:o/r", "git@host:o/r"),
            ("ssh://git@host/o/r@v1", "ssh://host/o/r@v1"),
            ("me:pass@host/o/r", "host/o/r"),
            ("github.com/o/r?timeout=9", "github.com/o/r"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
