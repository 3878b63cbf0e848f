//! Git over ssh: a session of our own under gix's protocol.

mod known_hosts;
mod pipe;
mod session;
mod socks;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::bstr::ByteSlice;
use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;

use crate::remote::{Credentials, SshKey};
use crate::{FetchError, Remote};
use pipe::Pipe;
pub(crate) use pipe::Said;

/// Whom hosts take for git when the URL names nobody.
const USER: &str = "git";
const PORT: u16 = 22;

/// Where a repository is.
struct Place {
    user: String,
    host: String,
    port: u16,
    path: String,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let url = gix::url::parse(url.as_bytes().as_bstr()).ok()?;
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let user = url.user().filter(|user| !user.is_empty()).unwrap_or(USER).to_owned();
        let path = url.path.to_str().ok()?;
        // What begins with a home is looked up by the shell there, as git has it.
        let path = if path.starts_with("/~") { &path[1..] } else { path };
        Some(Self { user, host, port: url.port.unwrap_or(PORT), path: path.to_owned() })
    }

    /// As `known_hosts` has it.
    fn name(&self) -> String {
        if self.port == PORT { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }

    fn command(&self) -> String {
        format!("git-upload-pack '{}'", self.path.replace('\'', "'\\''"))
    }
}

/// Connects to a repository; what the other side says beside the protocol is kept in `said`.
pub(crate) fn connect(
    remote: &Remote,
    said: &Said,
    interrupt: &Arc<AtomicBool>,
) -> Result<Box<dyn Transport + Send>, FetchError> {
    let url = || remote.url.clone();
    if remote.bounds.guarded {
        return Err(FetchError::Refused { url: url() });
    }
    let place = Place::of(&remote.url)
        .ok_or_else(|| FetchError::Url { url: url(), cause: "it names no host".to_owned() })?;
    let Some(Credentials::Ssh(key)) = &remote.credentials else {
        return Err(missing("identity"));
    };
    let SshKey { identity, password, known_hosts } = key;
    if identity.expose().trim().is_empty() {
        return Err(missing("identity"));
    }
    if known_hosts.trim().is_empty() {
        return Err(missing("known_hosts"));
    }
    let keys = known_hosts::keys(known_hosts, &place.name());
    let identity =
        session::identity(identity.expose(), password.as_ref().map(|p| p.expose().as_str()))?;
    let pipe = Pipe::open(remote, &place, keys, identity, said, interrupt)?;
    let (reader, writer) = pipe.halves();
    let connection = Connection::new(
        reader,
        writer,
        Protocol::V2,
        place.path.as_str(),
        None::<(&str, _)>,
        ConnectMode::Process,
        false,
    );
    Ok(Box::new(connection.custom_url(Some(remote.url.as_str().into()))))
}

/// What go-git says of a Secret that lacks a key.
fn missing(key: &str) -> FetchError {
    FetchError::Options(format!("invalid 'ssh' auth option: '{key}' is required"))
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn urls_name_a_place() {
        for (url, name, user, command) in [
            ("ssh://git@host/o/r.git", "host", "git", "git-upload-pack '/o/r.git'"),
            ("ssh://host:2222/r", "[host]:2222", "git", "git-upload-pack '/r'"),
            ("ssh://me@host:22/~/r", "host", "me", "git-upload-pack '~/r'"),
            ("ssh://me@[::1]:2222/r';x", "[::1]:2222", "me", "git-upload-pack '/r'\\'';x'"),
        ] {
            let place = Place::of(url).expect(url);
            assert_eq!((&*place.name(), &*place.user, &*place.command()), (name, user, command));
        }
        assert!(Place::of("ssh://").is_none());
    }
}
