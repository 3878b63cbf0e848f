//! A TCP door before a server: open, closed to answers, or closed after some bytes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How many bytes of the server's answers a connection still lets through.
type Budget = Option<u64>;

/// A door before a server on this machine. It is closed when it is dropped.
pub struct Door {
    address: String,
    budget: watch::Sender<Budget>,
    stalled: Arc<watch::Sender<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    /// An open door before the server of an `http://` URL.
    pub async fn open(server: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (budget, stalled) = (watch::Sender::new(None), Arc::new(watch::Sender::new(0)));
        let server = server.replace("http://", "");
        let task = tokio::spawn(serve(listener, server, budget.subscribe(), Arc::clone(&stalled)));
        Ok(Self { address, budget, stalled, task })
    }

    /// The server's URL through the door.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// New connections are accepted, and get that many bytes of an answer and no more, until the door opens again.
    pub fn close_after(&self, bytes: u64) {
        self.budget.send_replace(Some(bytes));
    }

    /// New connections get everything.
    pub fn open_again(&self) {
        self.budget.send_replace(None);
    }

    /// Waits until somebody stands before the closed door.
    pub async fn somebody_waits(&self, timeout: Duration) -> Result<()> {
        let mut stalled = self.stalled.subscribe();
        let waits = tokio::time::timeout(timeout, stalled.wait_for(|count| *count > 0)).await;
        ensure!(waits.is_ok(), "nobody came to the door within {timeout:?}");
        Ok(())
    }
}

async fn serve(
    listener: TcpListener,
    server: String,
    budget: watch::Receiver<Budget>,
    stalled: Arc<watch::Sender<usize>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, budget, stalled) = (server.clone(), *budget.borrow(), Arc::clone(&stalled));
        tokio::spawn(async move {
            let Ok(upstream) = TcpStream::connect(server).await else { return };
            let (from_client, mut to_client) = client.into_split();
            let (from_server, mut to_server) = upstream.into_split();
            let asking = copy(from_client, &mut to_server, None);
            let answering = async {
                if copy(from_server, &mut to_client, budget).await {
                    stalled.send_modify(|count| *count += 1);
                    std::future::pending::<()>().await;
                }
            };
            tokio::join!(asking, answering);
        });
    }
}

/// Copies until the end, or until the budget is used up: is it?
async fn copy(
    from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
    budget: Budget,
) -> bool {
    let mut limited = from.take(budget.unwrap_or(u64::MAX));
    let copied = tokio::io::copy(&mut limited, to).await;
    if budget.is_some() && copied.ok() == budget {
        return true;
    }
    let _ = to.shutdown().await;
    false
}
