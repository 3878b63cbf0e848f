//! A Git server: bare repositories behind git's own http-backend, with basic auth.

mod backend;
mod fast_import;
mod hook;
mod proxy;
mod repo;
mod server;
mod ssh;
mod tls;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use hook::{Delivery, Push, WebHook};
pub use proxy::Proxy;
pub use repo::Repo;
pub use ssh::SshDoor;
pub use tls::TlsDoor;

/// The user that may read and write every repository.
pub const USER: &str = "git";
/// The user's password.
pub const PASSWORD: &str = "capstan-kit-password";
/// A token that opens as much.
pub const TOKEN: &str = "capstan-kit-token";

/// A Git server on a port of its own. Its repositories are gone when the last handle is dropped.
#[derive(Clone)]
pub struct GitServer {
    state: Arc<State>,
    _server: Arc<Server>,
}

struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The answer's status.
    pub status: u16,
}

/// What requests and repositories share.
pub(crate) struct State {
    root: PathBuf,
    address: String,
    down: AtomicBool,
    repos: Mutex<BTreeMap<String, Repo>>,
    requests: Mutex<Vec<Request>>,
}

impl GitServer {
    /// Starts a server that keeps its repositories in `dir`.
    ///
    /// # Errors
    /// When the folder cannot be made or no port is free.
    pub async fn start(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?.to_string();
        let state = Arc::new(State {
            root: dir.to_owned(),
            address,
            down: AtomicBool::new(false),
            repos: Mutex::default(),
            requests: Mutex::default(),
        });
        let server = tokio::spawn(server::run(listener, Arc::clone(&state)));
        Ok(Self { state, _server: Arc::new(Server(server)) })
    }

    /// The repository of that name, made if it is not there. Its branches are made by pushing.
    ///
    /// # Errors
    /// When git cannot make it.
    pub async fn repo(&self, name: &str) -> Result<Repo> {
        if let Some(repo) = self.state.repos().get(name) {
            return Ok(repo.clone());
        }
        let repo = Repo::create(&self.state.root, &self.state.address, name).await?;
        Ok(self.state.repos().entry(name.to_owned()).or_insert(repo).clone())
    }

    /// The URL of the server, without credentials.
    pub fn url(&self) -> String {
        format!("http://{}", self.state.address)
    }

    /// The user that may read and write every repository.
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The user's password.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The same repositories over TLS; with `asks`, only for who shows the certificate that the door holds.
    ///
    /// # Errors
    /// When certificates cannot be made or no port is free.
    pub async fn tls(&self, asks: bool) -> Result<TlsDoor> {
        TlsDoor::open(Ipv4Addr::LOCALHOST, &self.state.address, asks).await
    }

    /// The same repositories over ssh.
    ///
    /// # Errors
    /// When keys cannot be made or no port is free.
    pub async fn ssh(&self) -> Result<SshDoor> {
        SshDoor::open(&self.state.root).await
    }

    /// Answers every request with 503 from now on, or no longer.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::Relaxed);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests().clone()
    }
}

impl State {
    fn repos(&self) -> MutexGuard<'_, BTreeMap<String, Repo>> {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
