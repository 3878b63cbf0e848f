//! Remote bases of a build at the command line.

use capstan_build::{BuildError, Built, Remotes};
use capstan_git::Repositories;
use capstan_remote::{Fetcher, Policy, RemoteError};

use super::source::Source;
use crate::failure::Failure;

/// Builds, and fetches what is remote into a folder that is gone afterwards.
pub(super) fn run<T>(
    source: &Source,
    no_remote_bases: bool,
    build: impl Fn(&Remotes) -> Result<Built<T>, BuildError>,
) -> Result<T, Failure> {
    let built = if no_remote_bases {
        build(&Remotes::off()).and_then(Built::finished).map_err(RemoteError::from)
    } else {
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::new(format!("failed to make a folder for remote bases: {error}"))
                .hint("set TMPDIR to a folder that can be written, or use --no-remote-bases")
        })?;
        Fetcher::new(Repositories::new(folder.path()), Policy::COMMAND_LINE).run(build)
    };
    built.map_err(|error| source.failure(&error))
}
