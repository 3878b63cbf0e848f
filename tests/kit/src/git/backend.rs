//! git's http-backend as a CGI program.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::repo::isolate;

/// A request for the backend.
pub(super) struct CgiRequest<'a> {
    pub(super) root: &'a Path,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) user: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
}

/// Runs the backend for one request.
pub(super) async fn serve(request: CgiRequest<'_>) -> Result<Response<Body>> {
    let mut child = command(&request).spawn().context("cannot start git http-backend")?;
    let mut stdin = child.stdin.take().context("git http-backend without an input")?;
    let body = request.body.clone();
    let (_, output) = tokio::join!(
        async move {
            // The backend may answer without reading to the end.
            let _ = stdin.write_all(&body).await;
            let _ = stdin.shutdown().await;
        },
        child.wait_with_output()
    );
    let output = output.context("git http-backend did not end")?;
    if !output.stderr.is_empty() {
        tracing::debug!(said = %String::from_utf8_lossy(&output.stderr), "git http-backend");
    }
    response(&output.stdout)
}

fn command(request: &CgiRequest<'_>) -> Command {
    let header = |name: &str| {
        request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let mut command = Command::new("git");
    isolate(&mut command)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", request.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.method)
        .env("PATH_INFO", request.path)
        .env("QUERY_STRING", request.query)
        .env("REMOTE_USER", request.user)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A CGI answer: headers, an empty line, a body; the status is a header too.
fn response(output: &[u8]) -> Result<Response<Body>> {
    let (head, body) = split(output).context("git http-backend sent no headers")?;
    let head = std::str::from_utf8(head).context("git http-backend sent odd headers")?;
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body)));
    for line in head.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').context("git http-backend sent an odd header")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            ensure!(code.len() == 3, "git http-backend sent the status `{value}`");
            *response.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            let name: HeaderName = name.parse()?;
            response.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
    }
    Ok(response)
}

fn split(output: &[u8]) -> Option<(&[u8], &[u8])> {
    for mark in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if let Some(at) = output.windows(mark.len()).position(|window| window == mark) {
            return Some((&output[..at], &output[at + mark.len()..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_cgi_answer() {
        let answer = b"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno\r\n\r\nsuch";
        let response = response(answer).unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "text/plain");
    }

    #[test]
    fn without_a_status_all_is_well() {
        assert_eq!(response(b"Content-Type: x\r\n\r\n").unwrap().status(), 200);
        assert!(response(b"nonsense").is_err());
    }
}
