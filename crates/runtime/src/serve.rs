use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Stop;

/// What strangers may ask of an HTTP server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// Bytes of the head of a request; at least 8192.
    pub head_bytes: usize,
    /// How long the head of a request may take, and a connection may be idle.
    pub head_time: Duration,
    /// How long requests may go on after `stop`.
    pub goodbye: Duration,
}

/// How soon an accept that failed is tried again: file descriptors may be short.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves HTTP/1.1 to strangers until `stop`: nobody can hold more than his share of connections, memory or time. How long
/// a body may take and be, the router says.
pub async fn serve_bounded(listener: TcpListener, router: Router, bounds: Bounds, stop: Stop) {
    let slots = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    while let Some((slot, stream)) = next(&listener, &slots, &stop).await {
        while connections.try_join_next().is_some() {}
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            serve(stream, router, bounds, stop).await;
            drop(slot);
        });
    }
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(bounds.goodbye, all).await.is_err() {
        tracing::warn!("requests were still open at the end");
    }
}

/// The next connection and its slot; nothing after `stop`.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &Stop,
) -> Option<(tokio::sync::OwnedSemaphorePermit, TcpStream)> {
    let accepted = async {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, SocketAddr::V4(_) | SocketAddr::V6(_))) => return Some((slot, stream)),
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    };
    tokio::select! {
        accepted = accepted => accepted,
        () = stop.cancelled() => None,
    }
}

async fn serve(stream: TcpStream, router: Router, bounds: Bounds, stop: Stop) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_time)
        .max_buf_size(bounds.head_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, serve_bounded};
    use crate::Stop;
    use axum::Router;
    use axum::routing::get;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    async fn server(stop: &Stop) -> std::net::SocketAddr {
        let bounds = Bounds {
            connections: 1,
            head_bytes: 8192,
            head_time: Duration::from_millis(200),
            goodbye: Duration::from_secs(5),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new().route("/", get(|| async { "hello" }));
        tokio::spawn(serve_bounded(listener, router, bounds, stop.clone()));
        address
    }

    /// Sends a text and reads until the server hangs up.
    async fn answer(address: std::net::SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // It may hang up before everything is sent.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn whoever_is_slow_or_wordy_is_hung_up_on_and_the_next_is_served() {
        let stop = Stop::new();
        let address = server(&stop).await;
        // The only connection is held by one who never ends his head.
        assert!(!answer(address, "GET / HTTP/1.1\r\nX: ").await.contains("200"));
        let wordy = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
        let refused = answer(address, &wordy).await;
        assert!(!refused.contains("200"), "{refused}");
        let served =
            answer(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(served.starts_with("HTTP/1.1 200") && served.ends_with("hello"), "{served}");
        stop.cancel();
    }
}
