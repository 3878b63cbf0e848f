//! The same repositories over ssh.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::PASSWORD;
use super::repo::isolate;

/// A door for ssh. It closes when it is dropped.
pub struct SshDoor {
    address: String,
    /// What a client has to know of the door, a line of `known_hosts`.
    pub known_hosts: String,
    /// A key that the door lets in, as OpenSSH writes it.
    pub identity: String,
    /// The same key, encrypted with the server's password.
    pub encrypted: String,
    /// A key that it does not let in.
    pub stranger: String,
    task: JoinHandle<()>,
}

impl Drop for SshDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SshDoor {
    pub(super) async fn open(root: &Path) -> Result<Self> {
        let key =
            || PrivateKey::random(&mut rand_core_10::rng(), Algorithm::Ed25519).context("no key");
        let (host, client, stranger) = (key()?, key()?, key()?);
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?;
        let public = host.public_key().to_openssh().context("a key as text")?;
        let known_hosts = format!("[127.0.0.1]:{} {public}\n", address.port());
        let text = |key: &PrivateKey| -> Result<String> {
            Ok(key.to_openssh(LineEnding::LF).context("a key as text")?.to_string())
        };
        let encrypted =
            client.encrypt(&mut rand_core_10::rng(), PASSWORD).context("an encrypted key")?;
        let door = Door { root: root.to_owned(), allowed: client.public_key().clone() };
        let task = tokio::spawn(serve(listener, host, door));
        Ok(Self {
            address: address.to_string(),
            known_hosts,
            identity: text(&client)?,
            encrypted: text(&encrypted)?,
            stranger: text(&stranger)?,
            task,
        })
    }

    /// The URL of a repository behind the door.
    pub fn url(&self, repo: &str) -> String {
        format!("ssh://git@{}/{repo}.git", self.address)
    }
}

async fn serve(listener: TcpListener, host: PrivateKey, door: Door) {
    let config = server::Config {
        keys: vec![host],
        auth_rejection_time: std::time::Duration::ZERO,
        auth_rejection_time_initial: Some(std::time::Duration::ZERO),
        ..server::Config::default()
    };
    let config = Arc::new(config);
    while let Ok((socket, _)) = listener.accept().await {
        let visit = Visit { door: door.clone(), protocol: String::new(), channels: Arc::default() };
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            if let Ok(session) = server::run_stream(config, socket, visit).await {
                let _ = session.await;
            }
        });
    }
}

#[derive(Clone)]
struct Door {
    root: PathBuf,
    allowed: PublicKey,
}

/// One connection.
struct Visit {
    door: Door,
    protocol: String,
    channels: Arc<Mutex<Vec<Channel<Msg>>>>,
}

impl server::Handler for Visit {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        let is_known = user == "git" && key.public_key.key_data() == self.door.allowed.key_data();
        Ok(if is_known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.lock().expect("nobody panics with it").push(channel);
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        _: ChannelId,
        name: &str,
        value: &str,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        if name == "GIT_PROTOCOL" {
            value.clone_into(&mut self.protocol);
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        let channel = {
            let mut channels = self.channels.lock().expect("nobody panics with it");
            let at = channels.iter().position(|channel| channel.id() == id);
            at.map(|at| channels.remove(at))
        };
        let (command, root) =
            (String::from_utf8_lossy(command).into_owned(), self.door.root.clone());
        let protocol = self.protocol.clone();
        if let Some(channel) = channel {
            tokio::spawn(async move {
                if let Err(error) = run(channel, &command, &root, &protocol).await {
                    tracing::debug!(%error, command, "a git over ssh ended");
                }
            });
        }
        Ok(())
    }
}

/// Runs `git-upload-pack '/x.git'` or `git-receive-pack '/x.git'` in a channel.
async fn run(channel: Channel<Msg>, command: &str, root: &Path, protocol: &str) -> Result<()> {
    let (program, path) = command.split_once(' ').context("an odd command")?;
    let program = program.strip_prefix("git-").context("an odd command")?;
    anyhow::ensure!(matches!(program, "upload-pack" | "receive-pack"), "an odd command");
    let path = path.trim_matches('\'').trim_start_matches('/');
    anyhow::ensure!(!path.contains(".."), "a path that leads out");
    let mut git = Command::new("git");
    isolate(&mut git).arg(program).arg(root.join(path)).env("GIT_PROTOCOL", protocol);
    let mut child =
        git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (mut input, mut output) =
        (child.stdin.take().context("input")?, child.stdout.take().context("output")?);
    let mut errors = child.stderr.take().context("errors")?;
    let (mut reader, writer) = channel.split();
    let incoming = tokio::spawn(async move {
        let mut from = reader.make_reader();
        let _ = tokio::io::copy(&mut from, &mut input).await;
        let _ = input.shutdown().await;
    });
    let mut to = writer.make_writer();
    let outgoing = tokio::io::copy(&mut output, &mut to).await;
    let mut said = Vec::new();
    errors.read_to_end(&mut said).await?;
    writer.extended_data_bytes(1, said).await?;
    let status = child.wait().await?;
    writer.exit_status(u32::from(!status.success())).await?;
    writer.eof().await?;
    writer.close().await?;
    incoming.abort();
    outgoing?;
    Ok(())
}
