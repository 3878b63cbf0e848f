use std::fmt;
use std::time::Duration;

use capstan_model::FluxDuration;

/// How long a fetch may take when the URL does not say it.
const TIMEOUT: Duration = Duration::from_secs(27);

/// A Git URL as `resources` and `components` may have it: repository, directory in it, revision.
///
/// `https://host/org/repo//dir?ref=v1`, `host/org/repo.git/dir`, `git@host:org/repo`, `ssh://…`, `file://…`; the directory
/// begins after `//`, after `.git`, after `_git/<name>`, or after two parts of the path (kustomize, `internal/git/repospec.go`).
#[derive(Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// Scheme, user and host with what divides them from the path: `https://github.com/`, `git@host:`.
    pub host: String,
    /// The path of the repository on its host.
    pub repo_path: String,
    /// The directory in the repository, as it was written; empty for the root.
    pub root: String,
    /// Branch, tag, reference or commit; empty for what `HEAD` is.
    pub reference: String,
    /// How long the fetch may take.
    pub timeout: Duration,
    /// Whether submodules are wanted.
    pub submodules: bool,
}

/// It may hold a password, so only the parts that cannot are shown.
impl fmt::Debug for RepoSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepoSpec")
            .field("url", &super::shown(&self.url()))
            .field("root", &self.root)
            .field("reference", &self.reference)
            .field("timeout", &self.timeout)
            .field("submodules", &self.submodules)
            .finish()
    }
}

impl RepoSpec {
    /// Reads a URL.
    ///
    /// # Errors
    /// Why the text is no Git URL, in kustomize's words: then it is the path of a local directory.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err("uri looks like abs path".to_owned());
        }
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let query = Query::parse(query);
        let (host, path) = split_host(text)?;
        let (repo_path, root) = split_path(path, &host)
            .filter(|(repo, _)| !repo.is_empty())
            .ok_or("failed to parse repo path segment")?;
        let root = root.strip_prefix('/').unwrap_or(root);
        if capstan_tree::normalise(root.strip_prefix('/').unwrap_or(root)).is_err() {
            return Err("url path exits repo".to_owned());
        }
        Ok(Self {
            repo_path: repo_path.to_owned(),
            root: root.to_owned(),
            reference: query.reference,
            timeout: query.timeout,
            submodules: query.submodules,
            host,
        })
    }

    /// The URL of the repository, as Git takes it. It may hold a password.
    pub fn url(&self) -> String {
        format!("{}{}", self.host, self.repo_path)
    }
}

/// Repository and directory of a path.
fn split_path<'a>(path: &'a str, host: &str) -> Option<(&'a str, &'a str)> {
    const DEVOPS: &str = "_git/";
    const SUFFIX: &str = ".git";
    if let Some(at) = path.find(DEVOPS) {
        let name = at + DEVOPS.len();
        let end = path[name..].find('/').map(|end| name + end);
        return Some(end.map_or((path, ""), |end| (&path[..end], &path[end + 1..])));
    }
    if let Some(halves) = path.split_once("//") {
        return Some(halves);
    }
    if let Some(at) = path.find(SUFFIX) {
        return Some(path.split_at(at + SUFFIX.len()));
    }
    if host.starts_with("file://") {
        return Some((path, ""));
    }
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    let (_organisation, repository) = (slashes.next()?, slashes.next());
    Some(repository.map_or((path, ""), |end| (&path[..end], &path[end + 1..])))
}

/// Scheme, user and host, normalised, and the path behind them.
fn split_host(text: &str) -> Result<(String, &str), String> {
    let text = strip_ignoring_case(text, "git::").unwrap_or(text);
    let (scheme, text) = ["ssh://", "https://", "http://", "file://"]
        .into_iter()
        .find_map(|scheme| Some((scheme, strip_ignoring_case(text, scheme)?)))
        .unwrap_or(("", text));
    if scheme == "file://" {
        return Ok((scheme.to_owned(), text));
    }
    let (user, text) = text.split_at(user_length(text));
    let is_github =
        ["github.com/", "github.com:"].iter().any(|host| strip_ignoring_case(text, host).is_some());
    // scp's form `user@host:path`; GitHub is known without a user.
    let is_scp = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !is_scp {
        return Err("failed to parse scheme".to_owned());
    }
    let slash = text.find('/');
    let colon =
        text.find(':').filter(|at| is_scp && slash.is_none_or(|slash| *at > 0 && *at < slash));
    let Some(end) = colon.or(slash) else {
        // Without a path there is no host either, and so it goes on to what is said of the path.
        return if text.is_empty() {
            Err("failed to parse host segment".to_owned())
        } else {
            Ok((format!("{scheme}{user}{text}"), ""))
        };
    };
    let (host, path) = text.split_at(end + 1);
    if !is_github {
        return Ok((format!("{scheme}{user}{host}"), path));
    }
    let normal = if scheme == "ssh://" || !user.is_empty() {
        format!("{user}github.com:")
    } else {
        "https://github.com/".to_owned()
    };
    Ok((normal, path))
}

/// Bytes of `user@` at the beginning: a letter, then letters, digits and dashes.
fn user_length(text: &str) -> usize {
    let Some((user, _)) = text.split_once('@') else { return 0 };
    let is_plain = user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_plain { user.len() + 1 } else { 0 }
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// What a query says; a value that makes no sense counts as not given, and a query that makes none says nothing.
struct Query {
    reference: String,
    timeout: Duration,
    submodules: bool,
}

impl Query {
    fn parse(text: &str) -> Self {
        let pairs = pairs(text).unwrap_or_default();
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        Self {
            reference: get("ref").or_else(|| get("version")).unwrap_or_default().to_owned(),
            timeout: get("timeout").and_then(timeout).unwrap_or(TIMEOUT),
            submodules: get("submodules").and_then(boolean).unwrap_or(true),
        }
    }
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.contains(';')).then_some(())?;
        Some((unescaped(key)?, unescaped(value)?))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// A part of a query without its escapes.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Seconds, or a duration with its unit; more than nothing.
fn timeout(text: &str) -> Option<Duration> {
    let seconds = text.parse::<i64>().ok().and_then(|seconds| u64::try_from(seconds).ok());
    let duration = match seconds {
        Some(seconds) => Duration::from_secs(seconds),
        None => text.strip_prefix('+').unwrap_or(text).parse::<FluxDuration>().ok()?.0,
    };
    (!duration.is_zero()).then_some(duration)
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
