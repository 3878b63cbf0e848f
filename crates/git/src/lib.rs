//! Git: fetches a revision and reads its tree. The only crate that sees gix.
//!
//! One bare repository a URL and user; a fetch is shallow and brings one commit. A revision is read straight from the object
//! database: nothing is ever checked out.

mod bounds;
mod cache;
mod directories;
mod error;
mod fetch;
mod github;
mod http;
mod objects;
mod redirect;
mod remote;
mod ssh;
mod submodules;
mod tags;
mod tree;
mod verify;
mod wanted;

pub use bounds::{Bounds, Guard};
pub use cache::Repositories;
pub use error::FetchError;
pub use fetch::Fetched;
pub use github::{GithubApp, Installation};
pub use objects::{Commit, Tag};
pub use remote::{Credentials, Proxy, Remote, SshKey, Tls};
pub use tree::GitTree;
pub use verify::{TrustedKeys, Verify, VerifyError, verify};
pub use wanted::Wanted;
