use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use crate::Stop;

/// Is the process ready to do its work? Shared by whoever knows and by `/readyz`.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on `/readyz` answers 200.
    pub fn set_ready(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What `/readyz` answers.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why the health endpoints could not be served.
#[derive(Debug, thiserror::Error)]
#[error("failed to serve health endpoints on {address}")]
pub struct HealthError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// Serves `/healthz` (the process lives) and `/readyz` (it can work) until `stop`.
pub async fn serve_health(
    address: SocketAddr,
    ready: Readiness,
    stop: Stop,
) -> Result<(), HealthError> {
    let error = |cause| HealthError { address, cause };
    let readyz = move || async move {
        if ready.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(readyz));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(error)?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
        .map_err(error)
}
