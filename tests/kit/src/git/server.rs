//! The HTTP server in front of the backend: basic auth, and hooks after a push.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Request as HttpRequest, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;

use super::backend::{CgiRequest, serve};
use super::{PASSWORD, Repo, Request, State, TOKEN, USER};

/// The largest request: a push of examples, not of films.
const LARGEST: usize = 256 << 20;

/// Serves until the task is aborted.
pub(super) async fn run(listener: TcpListener, state: Arc<State>) {
    let app = Router::new().fallback(answer).with_state(state);
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!(%error, "the Git server ended");
    }
}

async fn answer(Shared(state): Shared<Arc<State>>, request: HttpRequest<Body>) -> Response<Body> {
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let response = checked(&state, request).await;
    let status = response.status().as_u16();
    state.requests().push(Request { method, path, status });
    response
}

async fn checked(state: &State, request: HttpRequest<Body>) -> Response<Body> {
    if state.down.load(Ordering::Relaxed) {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the server is down as a test asked");
    }
    if !is_authorised(request.headers()) {
        let mut response = plain(StatusCode::UNAUTHORIZED, "give user name and password");
        let realm = header::HeaderValue::from_static("Basic realm=\"capstan-kit\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        return response;
    }
    let Some(repo) = repo_of(state, request.uri().path()) else {
        return plain(StatusCode::NOT_FOUND, "there is no such repository");
    };
    forward(state, &repo, request).await
}

async fn forward(state: &State, repo: &Repo, request: HttpRequest<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request broke off or is too large");
    };
    let pushes = head.uri.path().ends_with("/git-receive-pack");
    let before = if pushes { repo.branches().await.unwrap_or_default() } else { Vec::new() };
    let served = serve(CgiRequest {
        root: &state.root,
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        user: USER,
        headers: &head.headers,
        body,
    });
    let response = match served.await {
        Ok(response) => response,
        Err(error) => return plain(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
    };
    if pushes {
        for (branch, commit) in repo.branches().await.unwrap_or_default() {
            if !before.contains(&(branch.clone(), commit.clone())) {
                repo.pushed(&branch, &commit);
            }
        }
    }
    response
}

/// The repository that a path names; both `name` and `name.git`, as hosted servers take it.
fn repo_of(state: &State, path: &str) -> Option<Repo> {
    let name = path.trim_start_matches('/').split('/').next()?;
    state.repos().get(name.trim_end_matches(".git")).cloned()
}

fn is_authorised(headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((kind, value)) = given.and_then(|value| value.split_once(' ')) else { return false };
    match kind {
        "Bearer" => value == TOKEN,
        "Basic" => STANDARD.decode(value).is_ok_and(|pair| {
            // A token opens with any user name, as on hosted servers.
            pair == format!("{USER}:{PASSWORD}").as_bytes()
                || pair.ends_with(format!(":{TOKEN}").as_bytes())
        }),
        _ => false,
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}
