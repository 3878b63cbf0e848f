use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capstan_model::{FluxDuration, Revision};
use gix::protocol::fetch::refmap::SpecIndex;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::remote::Direction;
use gix::remote::fetch::{Shallow, Tags};

use crate::bounds::Meter;
use crate::objects::{Commit, Tag};
use crate::{FetchError, GitTree, Guard, Remote, Repositories, Wanted, http, redirect, ssh, tags};

/// A fetched revision.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What it is called.
    pub revision: Revision,
    /// Its files.
    pub tree: GitTree,
    /// The commit itself.
    pub commit: Commit,
    /// The tag that led to it, when one was asked for.
    pub tag: Option<Tag>,
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
            let fetched = fetch(&Fetch { repository, remote, interrupt }, wanted);
            match fetched {
                Err(FetchError::Remote { cause, .. }) if redirect::is_due(&cause, remote) => {
                    let remote = &redirect::follow(remote)?;
                    fetch(&Fetch { repository, remote, interrupt }, wanted)
                }
                fetched => fetched,
            }
        })
    }

    /// A revision that was fetched before, from the disk alone; nothing when it is not there as a whole. Blocks.
    pub fn held(&self, remote: &Remote, revision: &Revision) -> Option<Fetched> {
        let id = gix::ObjectId::from_hex(revision.commit.as_bytes()).ok()?;
        let read = |repository: &gix::Repository| {
            Ok(read(repository, id).ok().map(|(commit, tree)| Fetched {
                revision: revision.clone(),
                tree,
                commit,
                tag: None,
            }))
        };
        self.with(remote, read).ok()?
    }
}

fn fetch(fetch: &Fetch<'_>, wanted: &Wanted) -> Result<Fetched, FetchError> {
    let resolved = match wanted {
        Wanted::Semver(range) => Wanted::Tag(tags::newest(fetch, range)?),
        other => other.clone(),
    };
    let id = match fetch.receive(&resolved, &resolved.refspecs(), Depth::One) {
        Err(error) if fetch.may_be_elsewhere(&error) => match resolved.history() {
            Some(history) => fetch.history(&resolved, history)?,
            None if matches!(resolved, Wanted::Branch(_)) => return Err(fetch.explained(error)),
            None => return Err(error),
        },
        received => received?,
    };
    fetch.read(&resolved, id)
}

/// One fetch into a repository.
pub(crate) struct Fetch<'a> {
    pub(crate) repository: &'a gix::Repository,
    pub(crate) remote: &'a Remote,
    pub(crate) interrupt: &'a Arc<AtomicBool>,
}

/// How much history comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    One,
    All,
}

impl Depth {
    /// All is what git itself says for it.
    const fn shallow(self) -> Shallow {
        let all = NonZeroU32::MIN.saturating_add(i32::MAX.unsigned_abs() - 1);
        Shallow::DepthAtRemote(match self {
            Self::One => NonZeroU32::MIN,
            Self::All => all,
        })
    }
}

impl Fetch<'_> {
    /// Brings the wanted objects here and returns the id that the remote has for them.
    pub(crate) fn receive(
        &self,
        wanted: &Wanted,
        refspecs: &[String],
        depth: Depth,
    ) -> Result<gix::ObjectId, FetchError> {
        let asked = Asked::default();
        let meter = Meter::new(self.remote.bounds, self.interrupt);
        let failed = |cause: gix::Error| match meter.passed() {
            Some(most) => FetchError::TooLarge { url: self.remote.url.clone(), most },
            None => self.error(wanted, &asked, &cause),
        };
        let origin = self.origin(wanted, refspecs)?;
        let mut connection = self.connect(&origin, &asked, failed)?;
        connection.set_credentials(|action| asked.answer(self.remote, &action));
        let prepared = connection
            .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
            .map_err(&failed)?;
        let mappings = prepared.ref_map().mappings.iter();
        let found = mappings.min_by_key(|mapping| match mapping.spec_index {
            SpecIndex::ExplicitInRemote(index) | SpecIndex::Implicit(index) => index,
        });
        let found = found.and_then(|mapping| mapping.remote.as_id());
        let Some(id) = found.map(ToOwned::to_owned) else { return Err(self.absent(wanted)) };
        let is_here =
            self.repository.has_object(id) && self.repository.find_object(id).is_ok_and(is_whole);
        if is_here && depth == Depth::One {
            return Ok(id);
        }
        prepared
            .with_shallow(depth.shallow())
            .with_reflog_message(gix::remote::fetch::RefLogMessage::Override {
                message: "fetch".into(),
            })
            .receive(meter.clone(), self.interrupt)
            .map_err(&failed)?;
        Ok(id)
    }

    /// Brings the whole history in which a commit should be.
    fn history(&self, wanted: &Wanted, refspec: String) -> Result<gix::ObjectId, FetchError> {
        let Wanted::Commit { commit, .. } = wanted else { return Err(self.absent(wanted)) };
        let id = gix::ObjectId::from_hex(commit.as_bytes()).map_err(|_| self.absent(wanted))?;
        self.receive(wanted, &[refspec], Depth::All)?;
        let is_here =
            self.repository.has_object(id) && self.repository.find_object(id).is_ok_and(is_whole);
        if is_here { Ok(id) } else { Err(self.absent(wanted)) }
    }

    /// What the remote lists.
    pub(crate) fn list(&self, wanted: &Wanted, refspec: &str) -> Result<Vec<String>, FetchError> {
        let asked = Asked::default();
        let failed = |cause: gix::Error| self.error(wanted, &asked, &cause);
        let origin = self.origin(wanted, &[refspec.to_owned()])?;
        let mut connection = self.connect(&origin, &asked, failed)?;
        connection.set_credentials(|action| asked.answer(self.remote, &action));
        let options = gix::remote::ref_map::Options::default();
        let (map, _) = connection.ref_map(gix::progress::Discard, options).map_err(&failed)?;
        let names = map.mappings.iter().filter_map(|mapping| mapping.remote.as_name());
        Ok(names.map(ToString::to_string).collect())
    }

    fn origin(&self, wanted: &Wanted, refspecs: &[String]) -> Result<gix::Remote<'_>, FetchError> {
        let url = &self.remote.url;
        self.repository
            .remote_at(url.as_str())
            .map_err(|cause| FetchError::Url { url: url.clone(), cause: cause.to_string() })?
            .with_fetch_tags(Tags::None)
            .with_refspecs(refspecs.iter().map(String::as_str), Direction::Fetch)
            .map_err(|cause| FetchError::Reference {
                wanted: wanted.to_string(),
                cause: cause.to_string(),
            })
    }

    fn connect<'a, 'r>(
        &self,
        origin: &'a gix::Remote<'r>,
        asked: &Asked,
        failed: impl Fn(gix::Error) -> FetchError,
    ) -> Result<gix::remote::Connection<'a, 'static, 'r, Box<dyn Transport + Send>>, FetchError>
    {
        let is = |scheme: &str| self.remote.url.starts_with(scheme);
        if is("ssh://") {
            let transport = ssh::connect(self.remote, &asked.said, self.interrupt)?;
            return Ok(origin.to_connection_with_transport(transport));
        }
        if !is("http://") && !is("https://") {
            let cause = "only http, https and ssh are spoken".to_owned();
            return Err(FetchError::Url { url: self.remote.url.clone(), cause });
        }
        let options = http::options(self.remote)?;
        let mut connection = origin.connect(Direction::Fetch).map_err(failed)?;
        connection.set_transport_options(Box::new(options));
        Ok(connection)
    }

    pub(crate) fn read(&self, wanted: &Wanted, id: gix::ObjectId) -> Result<Fetched, FetchError> {
        let error = |cause: gix::Error| FetchError::Remote {
            url: self.remote.url.clone(),
            cause: cause.to_string(),
        };
        let tag = match wanted.tag() {
            Some(name) => Some(Tag::read(self.repository, name, id).map_err(error)?),
            None => None,
        };
        let (commit, tree) = read(self.repository, id).map_err(error)?;
        Ok(Fetched { revision: wanted.revision(commit.id.clone()), tree, commit, tag })
    }

    fn absent(&self, wanted: &Wanted) -> FetchError {
        FetchError::NoSuchReference { url: self.remote.url.clone(), wanted: wanted.to_string() }
    }

    /// Does a failure leave open that the object is in the history of a branch? Old servers say nothing better.
    fn may_be_elsewhere(&self, error: &FetchError) -> bool {
        matches!(error, FetchError::NoSuchReference { .. } | FetchError::Remote { .. })
            && !self.interrupt.load(Ordering::Relaxed)
            && !matches!(error, FetchError::Remote { cause, .. } if redirect::is_due(cause, self.remote))
    }

    /// A branch may be absent because there is nothing at all.
    fn explained(&self, error: FetchError) -> FetchError {
        let all = || self.list(&Wanted::Head, "+refs/heads/*:refs/capstan/heads/*");
        match error {
            FetchError::NoSuchReference { url, .. } if all().is_ok_and(|all| all.is_empty()) => {
                FetchError::Empty { url }
            }
            error => error,
        }
    }

    fn error(&self, wanted: &Wanted, asked: &Asked, cause: &gix::Error) -> FetchError {
        let url = self.remote.url.clone();
        let cause = capstan_model::Chain(cause).to_string().replace('\n', ": ");
        if self.interrupt.load(Ordering::Relaxed) || cause.contains("operation timed out") {
            return FetchError::Timeout { url, timeout: FluxDuration(self.remote.timeout) };
        }
        if asked.refused.get() {
            return FetchError::CredentialsRefused { url };
        }
        if asked.wanted.get() {
            return FetchError::CredentialsMissing { url };
        }
        let said = asked.said.lines();
        if cause.contains("HTTP status 404") || is_absence(&said) {
            return FetchError::NoSuchRepository { url };
        }
        if cause.contains("did not match any refs") || cause.contains("not our ref") {
            return FetchError::NoSuchReference { url, wanted: wanted.to_string() };
        }
        let cause = if said.is_empty() { cause } else { format!("{said}: {cause}") };
        FetchError::Remote { url, cause }
    }
}

/// What hosts say over ssh of a repository that they do not have, or hide.
fn is_absence(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["not found", "does not appear to be a git repository", "could not be found", "does not exist"]
        .iter()
        .any(|words| said.contains(words))
}

/// A commit whose tree is here came with a whole pack.
fn is_whole(object: gix::Object<'_>) -> bool {
    object.peel_to_tree().is_ok()
}

fn read(repository: &gix::Repository, id: gix::ObjectId) -> Result<(Commit, GitTree), gix::Error> {
    let commit = repository.find_object(id)?.peel_to_commit()?;
    let tree = commit.tree()?.id;
    let commit = Commit { id: commit.id.to_string(), content: commit.data.clone() };
    Ok((commit, GitTree::new(repository.clone().into_sync(), tree)))
}

/// What the server made us do about credentials.
#[derive(Default)]
struct Asked {
    wanted: Cell<bool>,
    refused: Cell<bool>,
    /// What it said beside the protocol.
    said: ssh::Said,
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
