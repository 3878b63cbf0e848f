use tokio_util::sync::CancellationToken;

/// The one signal that ends a process: checked between steps, never in the middle of a write.
pub type Stop = CancellationToken;

/// Cancels `stop` on SIGTERM or Ctrl-C, and returns then.
pub async fn stop_on_signals(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate =
        signal(SignalKind::terminate()).expect("a signal handler can be installed at start");
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM received, shutting down"),
        _ = tokio::signal::ctrl_c() => tracing::info!("interrupt received, shutting down"),
        () = stop.cancelled() => {}
    }
    stop.cancel();
}
