use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_model::{FluxDuration, Revision, Secret};
use gix::protocol::fetch::refmap::SpecIndex;
use gix::protocol::transport::client::blocking_io::http::options::FollowRedirects;
use gix::protocol::transport::client::blocking_io::http::{Options, reqwest};
use gix::remote::Direction;
use gix::remote::fetch::{Shallow, Tags};

use crate::bounds::Meter;
use crate::{Bounds, FetchError, GitTree, Guard, Repositories};

/// A repository and how we get in.
#[derive(Clone, Debug)]
pub struct Remote {
    /// http or https URL. Errors print it, so it holds no password: see [`Remote::new`].
    pub url: String,
    /// Basic authentication.
    pub credentials: Option<Credentials>,
    /// How long the server may be silent.
    pub timeout: Duration,
    /// What the fetch may cost, and where it may go.
    pub bounds: Bounds,
}

impl Remote {
    /// Takes user name and password out of a URL; the given credentials win over them.
    pub fn new(url: &str, credentials: Option<Credentials>, timeout: Duration) -> Self {
        let (url, inside) = split(url);
        let bounds = Bounds::default();
        Self { url, credentials: credentials.or(inside), timeout, bounds }
    }
}

/// A URL without `user:password@`, and what stood there.
fn split(url: &str) -> (String, Option<Credentials>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (user, host) = rest[..end].rsplit_once('@')?;
        Some((format!("{scheme}://{host}{}", &rest[end..]), user))
    });
    let Some((clean, user)) = parts else { return (url.to_owned(), None) };
    let Some((username, password)) = user.split_once(':') else { return (clean, None) };
    let password = Secret::new(decoded(password));
    (clean, Some(Credentials { username: decoded(username), password }))
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

/// User name and password, or token as password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret<String>,
}

/// Which revision is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The tip of a branch.
    Branch(String),
    /// A tag.
    Tag(String),
    /// A full reference name.
    Name(String),
    /// What the server calls so: a tag before a branch, as `git fetch` looks it up.
    Any(String),
    /// The tip of the branch that the server holds for the main one.
    Head,
    /// A commit; the branch is only where it is said to be.
    Commit {
        /// 40 hex digits.
        commit: String,
        /// The branch that `spec.ref` names beside it.
        branch: Option<String>,
    },
}

impl Wanted {
    /// What `git fetch` takes a text for: nothing is `HEAD`, 40 hex digits are a commit, all else is a name.
    pub fn parse(text: &str) -> Self {
        match text {
            "" | "HEAD" => Self::Head,
            id if id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Self::Commit { commit: id.to_ascii_lowercase(), branch: None }
            }
            name if name.starts_with("refs/") => Self::Name(name.to_owned()),
            name => Self::Any(name.to_owned()),
        }
    }

    /// Checks that the name is one: the text of a refspec could say more than that.
    fn check(&self) -> Result<(), FetchError> {
        let name = match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) | Self::Any(name) => name,
            Self::Commit { commit, .. } => commit,
            Self::Head => return Ok(()),
        };
        let cause = match gix::validate::reference::name_partial(name.as_str().into()) {
            Ok(_) if !name.starts_with('-') => return Ok(()),
            Ok(_) => "a reference must not begin with '-'".to_owned(),
            Err(cause) => cause.to_string(),
        };
        Err(FetchError::Reference { wanted: self.to_string(), cause })
    }

    /// What is asked for; the first that the server has counts.
    fn refspecs(&self) -> Vec<String> {
        let one = match self {
            Self::Branch(name) => format!("+refs/heads/{name}:refs/capstan/heads/{name}"),
            Self::Tag(name) => format!("+refs/tags/{name}:refs/capstan/tags/{name}"),
            Self::Name(name) => format!("+{name}:refs/capstan/names/{name}"),
            Self::Any(name) => {
                let one =
                    |folder: &&str| format!("+refs/{folder}{name}:refs/capstan/any/{folder}{name}");
                return ["", "tags/", "heads/"].iter().map(one).collect();
            }
            Self::Head => "+HEAD:refs/capstan/head".to_owned(),
            Self::Commit { commit, .. } => format!("+{commit}:refs/capstan/commits/{commit}"),
        };
        vec![one]
    }

    fn revision(&self, commit: String) -> Revision {
        let name = match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) | Self::Any(name) => {
                Some(name.clone())
            }
            Self::Head => Some("HEAD".to_owned()),
            Self::Commit { branch, .. } => branch.clone(),
        };
        Revision { name, commit }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "branch '{name}'"),
            Self::Tag(name) => write!(f, "tag '{name}'"),
            Self::Name(name) | Self::Any(name) => write!(f, "reference '{name}'"),
            Self::Head => f.write_str("reference 'HEAD'"),
            Self::Commit { commit, .. } => write!(f, "commit '{commit}'"),
        }
    }
}

/// A fetched revision.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What it is called.
    pub revision: Revision,
    /// Its files.
    pub tree: GitTree,
}

impl Repositories {
    /// Fetches a revision. Blocks: run it where blocking is allowed; `interrupt` ends it early as a timeout.
    ///
    /// Idempotent: what is there already is not transferred again. A failure leaves earlier revisions readable.
    pub fn fetch(
        &self,
        remote: &Remote,
        wanted: &Wanted,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Fetched, FetchError> {
        wanted.check()?;
        if remote.bounds.guarded && !Guard::allows(&remote.url) {
            return Err(FetchError::Refused { url: remote.url.clone() });
        }
        self.with(remote, |repository| {
            let commit = fetch(repository, remote, wanted, interrupt)?;
            read(repository, remote, wanted, &commit)
        })
    }
}

impl Repositories {
    /// A revision that was fetched before, from the disk alone; nothing when it is not there as a whole. Blocks.
    pub fn held(&self, remote: &Remote, revision: &Revision) -> Option<Fetched> {
        let id = gix::ObjectId::from_hex(revision.commit.as_bytes()).ok()?;
        let read = |repository: &gix::Repository| {
            let commit = repository.find_object(id).and_then(gix::Object::peel_to_commit).ok();
            let tree = commit.and_then(|commit| Some(commit.tree().ok()?.id));
            Ok(tree.map(|tree| GitTree::new(repository.clone().into_sync(), tree)))
        };
        let tree = self.with(remote, read).ok()??;
        Some(Fetched { revision: revision.clone(), tree })
    }
}

/// Brings the wanted objects here and returns the id that the remote has for them.
fn fetch(
    repository: &gix::Repository,
    remote: &Remote,
    wanted: &Wanted,
    interrupt: &Arc<AtomicBool>,
) -> Result<gix::ObjectId, FetchError> {
    let asked = Asked::default();
    let meter = Meter::new(remote.bounds, interrupt);
    let failed = |cause: gix::Error| match meter.passed() {
        Some(most) => FetchError::TooLarge { url: remote.url.clone(), most },
        None => fetch_error(remote, wanted, &asked, interrupt, &cause),
    };
    let invalid = |cause: String| FetchError::Url { url: remote.url.clone(), cause };
    let origin = repository
        .remote_at(remote.url.as_str())
        .map_err(|cause| invalid(cause.to_string()))?
        .with_fetch_tags(Tags::None)
        .with_refspecs(wanted.refspecs().iter().map(String::as_str), Direction::Fetch)
        .map_err(|cause| FetchError::Reference {
            wanted: wanted.to_string(),
            cause: cause.to_string(),
        })?;
    let mut connection = origin.connect(Direction::Fetch).map_err(failed)?;
    connection.set_transport_options(Box::new(transport_options(remote)));
    connection.set_credentials(|action| asked.answer(remote, &action));
    let prepared = connection
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
        .map_err(failed)?;
    let mappings = prepared.ref_map().mappings.iter();
    let found = mappings.min_by_key(|mapping| match mapping.spec_index {
        SpecIndex::ExplicitInRemote(index) | SpecIndex::Implicit(index) => index,
    });
    let found = found.and_then(|mapping| mapping.remote.as_id());
    let Some(commit) = found.map(ToOwned::to_owned) else {
        return Err(FetchError::NoSuchReference {
            url: remote.url.clone(),
            wanted: wanted.to_string(),
        });
    };
    if repository.has_object(commit) && repository.find_object(commit).is_ok_and(is_whole) {
        return Ok(commit);
    }
    prepared
        .with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN))
        .with_reflog_message(gix::remote::fetch::RefLogMessage::Override {
            message: "fetch".into(),
        })
        .receive(meter.clone(), interrupt)
        .map_err(failed)?;
    Ok(commit)
}

/// A commit whose tree is here came with a whole pack.
fn is_whole(object: gix::Object<'_>) -> bool {
    object.peel_to_tree().is_ok()
}

fn read(
    repository: &gix::Repository,
    remote: &Remote,
    wanted: &Wanted,
    id: &gix::ObjectId,
) -> Result<Fetched, FetchError> {
    let error = |cause: gix::Error| FetchError::Remote {
        url: remote.url.clone(),
        cause: cause.to_string(),
    };
    let commit =
        repository.find_object(*id).and_then(gix::Object::peel_to_commit).map_err(error)?;
    let tree = commit.tree_id().map_err(error)?.detach();
    Ok(Fetched {
        revision: wanted.revision(commit.id.to_string()),
        tree: GitTree::new(repository.clone().into_sync(), tree),
    })
}

/// Basic authentication as a header of every request, and a bound of the server's silence.
///
/// gix itself sends credentials only when it was refused without them, which costs a round trip a fetch, and never over plain
/// http, which Flux's users have inside their networks. Without the bound a server that does not answer would keep the thread,
/// and with it the repository's lock, long after nobody waits for it any more.
fn transport_options(remote: &Remote) -> Options {
    let authorization = |credentials: &Credentials| {
        let login = format!("{}:{}", credentials.username, credentials.password.expose());
        format!("Authorization: Basic {}", STANDARD.encode(login))
    };
    let (timeout, guarded) = (remote.timeout, remote.bounds.guarded);
    let configure = move |builder: ::reqwest::blocking::ClientBuilder| {
        let builder = builder.timeout(timeout);
        Ok(if guarded { builder.dns_resolver(Arc::new(Guard)) } else { builder })
    };
    let client = reqwest::Options {
        configure_client: Some(Box::new(configure)),
        ..reqwest::Options::default()
    };
    // A redirect could lead where the guard would not let the first address lead.
    let follow_redirects = if guarded { FollowRedirects::None } else { FollowRedirects::default() };
    Options {
        follow_redirects,
        extra_headers: remote.credentials.iter().map(authorization).collect(),
        backend: Some(Arc::new(Mutex::new(client))),
        ..Options::default()
    }
}

/// What the server made us do about credentials.
#[derive(Default)]
struct Asked {
    wanted: Cell<bool>,
    refused: Cell<bool>,
}

impl Asked {
    /// The transport asks when the server answered 401: with our header sent before, that is a refusal.
    fn answer(
        &self,
        remote: &Remote,
        action: &gix::credentials::helper::Action,
    ) -> Result<Option<gix::credentials::protocol::Outcome>, gix::Error> {
        if matches!(action, gix::credentials::helper::Action::Get(_)) {
            self.wanted.set(true);
            self.refused.set(remote.credentials.is_some());
        }
        Ok(None)
    }
}

fn fetch_error(
    remote: &Remote,
    wanted: &Wanted,
    asked: &Asked,
    interrupt: &AtomicBool,
    cause: &gix::Error,
) -> FetchError {
    let url = remote.url.clone();
    if interrupt.load(Ordering::Relaxed) || is_timeout(cause) {
        return FetchError::Timeout { url, timeout: FluxDuration(remote.timeout) };
    }
    if asked.refused.get() {
        return FetchError::CredentialsRefused { url };
    }
    if asked.wanted.get() {
        return FetchError::CredentialsMissing { url };
    }
    let cause = chain(cause);
    if cause.contains("HTTP status 404") {
        return FetchError::NoSuchRepository { url };
    }
    if cause.contains("did not match any refs") || cause.contains("not our ref") {
        return FetchError::NoSuchReference { url, wanted: wanted.to_string() };
    }
    FetchError::Remote { url, cause }
}

fn is_timeout(error: &gix::Error) -> bool {
    chain(error).contains("operation timed out")
}

fn chain(error: &gix::Error) -> String {
    capstan_model::Chain(error).to_string().replace('\n', ": ")
}

#[cfg(test)]
mod tests {
    use super::Remote;
    use std::time::Duration;

    #[test]
    fn a_password_leaves_the_url() {
        let remote = |url: &str| Remote::new(url, None, Duration::ZERO);
        let with = remote("https://me:p%40ss:w%2@host:1/a@b.git");
        assert_eq!(with.url, "https://host:1/a@b.git");
        let credentials = with.credentials.expect("some");
        assert_eq!((&*credentials.username, &**credentials.password.expose()), ("me", "p@ss:w%2"));
        for plain in ["http://host/a@b.git", "https://host?x=a:b@c", "nonsense"] {
            let remote = remote(plain);
            assert_eq!((&*remote.url, remote.credentials.is_none()), (plain, true));
        }
        assert_eq!(remote("https://token@host/a.git").url, "https://host/a.git");
    }
}
