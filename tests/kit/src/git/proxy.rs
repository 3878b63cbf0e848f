//! An HTTP proxy that wants user name and password.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{PASSWORD, USER};

/// Bytes of a request's head.
const LARGEST: usize = 64 << 10;

/// A proxy with the user and password of the Git server. It ends when it is dropped.
pub struct Proxy {
    address: String,
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?.to_string();
        let passed = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, Arc::clone(&passed)));
        Ok(Self { address, passed, task })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it let through.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, passed: Arc<AtomicUsize>) {
    while let Ok((socket, _)) = listener.accept().await {
        let passed = Arc::clone(&passed);
        tokio::spawn(async move {
            if let Err(error) = pass(socket, &passed).await {
                tracing::debug!(%error, "a proxied connection ended");
            }
        });
    }
}

async fn pass(mut inside: TcpStream, passed: &AtomicUsize) -> Result<()> {
    let (head, rest) = head(&mut inside).await?;
    let wanted = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let (given, others): (Vec<_>, Vec<_>) =
        lines.partition(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    if !given.iter().any(|line| line.split_once(": ").is_some_and(|(_, value)| value == wanted)) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        inside.write_all(answer.as_bytes()).await?;
        return Ok(());
    }
    passed.fetch_add(1, Ordering::Relaxed);
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method == "CONNECT" {
        let mut outside = TcpStream::connect(target).await?;
        inside.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        outside.write_all(&rest).await?;
        tokio::io::copy_bidirectional(&mut inside, &mut outside).await?;
        return Ok(());
    }
    let rest_of_url = target.strip_prefix("http://").context("an odd target")?;
    let host = rest_of_url.split('/').next().unwrap_or_default();
    let path = &rest_of_url[host.len()..];
    let mut outside = TcpStream::connect(host).await?;
    let kept = others.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let kept: Vec<&str> = kept.copied().filter(|line| !line.is_empty()).collect();
    // One request a connection: the next one brings its password again.
    let request =
        format!("{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", kept.join("\r\n"));
    outside.write_all(request.as_bytes()).await?;
    outside.write_all(&rest).await?;
    tokio::io::copy_bidirectional(&mut inside, &mut outside).await?;
    Ok(())
}

/// The head of a request, and what came of its body.
async fn head(socket: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        let end = read.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            return Ok((head, read.split_off(end + 4)));
        }
        let mut part = [0; 4096];
        let count = socket.read(&mut part).await?;
        anyhow::ensure!(count > 0 && read.len() < LARGEST, "no request came");
        read.extend_from_slice(&part[..count]);
    }
}
