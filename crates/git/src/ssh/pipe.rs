//! The channel of a session as blocking input and output.

use std::future::Future;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use capstan_model::{Chain, FluxDuration};
use russh::client::{Handle, Msg};
use russh::keys::PrivateKey;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::runtime::{Builder, Runtime};

use super::Place;
use super::known_hosts::HostKeys;
use super::session::{self, Doorkeeper};
use crate::{FetchError, Remote};

/// How often a silent connection looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of what is said beside the protocol that are kept.
const MOST_SAID: usize = 4096;

/// What the other side said beside the protocol. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said(Arc<Mutex<String>>);

impl Said {
    fn add(&self, bytes: &[u8]) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID {
            said.push_str(&String::from_utf8_lossy(bytes));
        }
    }

    /// The lines that hold something.
    pub(crate) fn lines(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(": ")
    }
}

/// A session in which git runs. Its tasks live on a runtime of their own, which runs while somebody reads or writes.
pub(super) struct Pipe {
    shared: Arc<Shared>,
    reader: ChannelReadHalf,
    writer: ChannelWriteHalf<Msg>,
}

struct Shared {
    // Dropped before the runtime, which the session's tasks need.
    _session: Handle<Doorkeeper>,
    runtime: Runtime,
    timeout: Duration,
    interrupt: Arc<AtomicBool>,
    said: Said,
}

impl Shared {
    fn wait<T>(&self, work: impl Future<Output = T>) -> io::Result<T> {
        self.runtime.block_on(patient(work, self.timeout, &self.interrupt))
    }
}

/// Waits for something until it takes too long, or nobody waits for it any more.
async fn patient<T>(
    work: impl Future<Output = T>,
    timeout: Duration,
    interrupt: &AtomicBool,
) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "operation timed out");
    let watched = async {
        while !interrupt.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        done = tokio::time::timeout(timeout, work) => done.map_err(|_| late()),
        () = watched => Err(late()),
    }
}

impl Pipe {
    /// Opens a session and starts git in it.
    pub(super) fn open(
        remote: &Remote,
        place: &Place,
        keys: HostKeys,
        identity: PrivateKey,
        said: &Said,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Self, FetchError> {
        let failed = |cause: String| FetchError::Remote { url: remote.url.clone(), cause };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| failed(cause.to_string()))?;
        let work = async {
            let session = session::open(remote, place, keys, identity).await?;
            let chained = |cause: russh::Error| failed(Chain(&cause).to_string());
            let channel = session.channel_open_session().await.map_err(chained)?;
            // A host that does not take the variable speaks the protocol's first version.
            channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(chained)?;
            channel.exec(false, place.command()).await.map_err(chained)?;
            Ok::<_, FetchError>((session, channel.split()))
        };
        let opened = runtime.block_on(patient(work, remote.timeout, interrupt));
        let late = |_| FetchError::Timeout {
            url: remote.url.clone(),
            timeout: FluxDuration(remote.timeout),
        };
        let (session, (reader, writer)) = opened.map_err(late)??;
        let (timeout, interrupt) = (remote.timeout, Arc::clone(interrupt));
        let shared = Shared { _session: session, runtime, timeout, interrupt, said: said.clone() };
        Ok(Self { shared: Arc::new(shared), reader, writer })
    }

    /// What gix reads from and writes to.
    pub(super) fn halves(self) -> (Reader, Writer) {
        let Self { shared, reader, writer } = self;
        let input =
            Reader { shared: Arc::clone(&shared), channel: reader, left: Vec::new(), at: 0 };
        (input, Writer { shared, channel: writer })
    }
}

pub(super) struct Reader {
    shared: Arc<Shared>,
    channel: ChannelReadHalf,
    left: Vec<u8>,
    at: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.left.len() {
            let next = self.shared.wait(self.channel.wait())?;
            match next {
                Some(ChannelMsg::Data { data }) => (self.left, self.at) = (data.to_vec(), 0),
                Some(ChannelMsg::ExtendedData { data, .. }) => self.shared.said.add(&data),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return self.end(),
                Some(_) => {}
            }
        }
        let count = buffer.len().min(self.left.len() - self.at);
        buffer[..count].copy_from_slice(&self.left[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Reader {
    /// What is said of a failure may come after the end of the output.
    fn end(&mut self) -> io::Result<usize> {
        while let Ok(Some(message)) = self.shared.wait(self.channel.wait()) {
            match message {
                ChannelMsg::ExtendedData { data, .. } => self.shared.said.add(&data),
                ChannelMsg::Close => break,
                _ => {}
            }
        }
        Ok(0)
    }
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    channel: ChannelWriteHalf<Msg>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.shared.wait(self.channel.data_bytes(bytes.to_vec()))?;
        sent.map_err(|cause| io::Error::other(Chain(&cause).to_string()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
