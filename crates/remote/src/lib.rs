//! Remote bases: fetches what a build needs from elsewhere, and builds again.
//!
//! A build is pure and says what it needs ([`Built::Needs`]). [`Fetcher::run`] fetches all of that side by side, and builds
//! again with it, until nothing is missing. Repositories come over http and https, by capstan-git; files by one GET.
//! What a URL of a kustomization may make this process do is bounded by a [`Policy`].

mod error;
mod file;
mod repository;
mod within;

use std::sync::Arc;
use std::time::Duration;

use capstan_build::{BuildError, Built, Fetched, Need, Remote, Remotes, Repository};
use capstan_git::{Bounds, Repositories};

pub use error::{Failed, RemoteError};

/// Rounds of one build: bases of bases of bases.
const ROUNDS: usize = 10;
/// What one build may fetch.
const MOST: usize = 100;
/// What is fetched at once.
const AT_ONCE: usize = 8;

/// What a URL may make this process do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Refuses hosts that are this machine or on its link. Others share the machine of a controller, and its metadata are
    /// nobody's base; at a command line it is the user's own.
    pub guarded: bool,
    /// How long a fetch may take, whatever its URL says.
    pub timeout: Duration,
    /// Bytes of a file.
    pub file_size: u64,
    /// Bytes that come of a repository, packed.
    pub repository_size: usize,
}

impl Policy {
    /// For a controller, which builds what tenants write.
    pub const CONTROLLER: Self = Self {
        guarded: true,
        timeout: Duration::from_secs(60),
        file_size: 32 << 20,
        repository_size: 256 << 20,
    };
    /// For a command line, whose user sees what is fetched and waits for it.
    pub const COMMAND_LINE: Self =
        Self { guarded: false, timeout: Duration::from_secs(300), ..Self::CONTROLLER };

    const fn bounds(&self) -> Bounds {
        Bounds { bytes: Some(self.repository_size), guarded: self.guarded }
    }
}

/// Fetches what builds need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    repositories: Repositories,
    policy: Policy,
}

impl Fetcher {
    /// A fetcher that keeps repositories where it is told. No other credentials than those of a URL are ever sent.
    pub const fn new(repositories: Repositories, policy: Policy) -> Self {
        Self { repositories, policy }
    }

    /// Builds until nothing is missing. Blocks: run it where blocking is allowed.
    ///
    /// # Errors
    /// What the build fails with, or all that could not be fetched, each with the line that names it.
    pub fn run<T>(
        &self,
        build: impl Fn(&Remotes) -> Result<Built<T>, BuildError>,
    ) -> Result<T, RemoteError> {
        let mut remotes = Remotes::default();
        let mut fetched = 0;
        for _ in 0..ROUNDS {
            let needs = match build(&remotes)? {
                Built::Done(built) => return Ok(built),
                Built::Needs(needs) => needs,
            };
            fetched += needs.len();
            if fetched > MOST {
                break;
            }
            for (remote, found) in self.fetch_all(&needs)? {
                if !remotes.holds(&remote) {
                    remotes.insert(remote, found);
                }
            }
        }
        Err(RemoteError::TooMany { rounds: ROUNDS, most: MOST })
    }

    /// Fetches side by side; one that fails does not keep the others from being tried, so that all faults are told.
    fn fetch_all(&self, needs: &[Need]) -> Result<Vec<(Remote, Fetched)>, RemoteError> {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for some in needs.chunks(AT_ONCE) {
            let answers: Vec<_> = std::thread::scope(|scope| {
                let running: Vec<_> =
                    some.iter().map(|need| scope.spawn(|| self.fetch(need))).collect();
                running.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
            });
            for (need, answer) in some.iter().zip(answers) {
                match answer {
                    Ok(Ok(all)) => found.extend(all),
                    Ok(Err(cause)) => failed.push(Failed::new(need, cause)),
                    Err(_panic) => failed.push(Failed::new(need, error::Cause::ended())),
                }
            }
        }
        if failed.is_empty() { Ok(found) } else { Err(RemoteError::Fetch(failed)) }
    }

    /// Fetches one need, and what it is instead when it is no file.
    fn fetch(&self, need: &Need) -> Result<Vec<(Remote, Fetched)>, error::Cause> {
        tracing::debug!(remote = %need.remote, "fetching");
        let repository = |repository: &Repository| {
            let tree = repository::fetch(&self.repositories, repository, &self.policy);
            tree.map(|tree| (Remote::Repository(repository.clone()), Fetched::Tree(Arc::new(tree))))
        };
        match (&need.remote, &need.instead) {
            (Remote::Repository(wanted), _) => Ok(vec![repository(wanted)?]),
            (Remote::File(url), instead) => match file::get(url, &self.policy)? {
                file::Answer::Content(content) => {
                    Ok(vec![(need.remote.clone(), Fetched::File(content))])
                }
                file::Answer::Absent(why) => match instead {
                    None => Err(error::Cause::new(why, "check the URL")),
                    Some(wanted) => {
                        Ok(vec![(need.remote.clone(), Fetched::Absent), repository(wanted)?])
                    }
                },
            },
        }
    }
}
