//! What a kubelet says of the logs of its pods.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Options of a kubelet that need what the log files do not hold, or a file that goes on.
const UNKNOWN: [&str; 4] = ["follow", "sinceSeconds", "sinceTime", "previous"];

/// A server of log files, without TLS. It ends when it is dropped.
pub(super) struct LogServer {
    address: String,
    task: JoinHandle<()>,
}

impl Drop for LogServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LogServer {
    /// Serves the logs in a folder.
    pub(super) async fn start(dir: PathBuf) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?.to_string();
        let path = "/containerLogs/{namespace}/{pod}/{container}";
        let app = Router::new().route(path, get(answer)).with_state(dir);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the server of logs ended");
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

async fn answer(
    State(dir): State<PathBuf>,
    Path((namespace, pod, container)): Path<(String, String, String)>,
    Query(options): Query<HashMap<String, String>>,
) -> (StatusCode, String) {
    if let Some(option) = UNKNOWN.iter().find(|option| options.contains_key(**option)) {
        return (StatusCode::NOT_IMPLEMENTED, format!("the nodes of the kit do not know {option}"));
    }
    // A container that only pretends has said nothing.
    let log = dir.join(file(&namespace, &pod, &container));
    let text = tokio::fs::read_to_string(log).await.unwrap_or_default();
    let lines = options.get("tailLines").and_then(|lines| lines.parse().ok());
    (
        StatusCode::OK,
        match lines {
            Some(lines) => tail(&text, lines).to_owned(),
            None => text,
        },
    )
}

/// The name of a container's log file.
pub(super) fn file(namespace: &str, pod: &str, container: &str) -> String {
    format!("{namespace}_{pod}_{container}.log")
}

/// The last lines of a text.
fn tail(text: &str, lines: usize) -> &str {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let before = if text.ends_with('\n') { ends.len() } else { ends.len() + 1 };
    let skipped = before.saturating_sub(lines);
    let from = if skipped == 0 { Some(0) } else { ends.get(skipped - 1).copied() };
    text.get(from.unwrap_or(text.len())..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_last_lines() {
        for text in ["a\nb\nc\n", "a\nb\nc"] {
            assert_eq!(tail(text, 2), &text[2..]);
            assert_eq!(tail(text, 9), text);
            assert_eq!(tail(text, 0), "");
        }
        assert_eq!(tail("", 3), "");
    }
}
