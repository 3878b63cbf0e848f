use std::io;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::store::Store;

/// Serves the artifacts of a store: `GET` and `HEAD` of `/<kind>/<namespace>/<name>/<file>`.
///
/// Nothing else below the root can be reached: each part of the path must be a plain name, and the
/// file must be a `.tar.gz`. There is no listing and no authentication, as in Flux: whoever may not
/// read sources must be kept out by a NetworkPolicy.
pub fn router(store: &Store) -> Router {
    Router::new()
        .route("/{kind}/{namespace}/{name}/{file}", get(artifact))
        .with_state(store.root().to_owned())
}

/// `get` answers `HEAD` too; then the body is not even read.
async fn artifact(
    State(root): State<PathBuf>,
    method: Method,
    Path((kind, namespace, name, file)): Path<(String, String, String, String)>,
) -> Response {
    let Some(commit) = file.strip_suffix(".tar.gz") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(path) = Store::path(&kind, &namespace, &name, commit) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match content(root.join(path), method == Method::HEAD).await {
        Ok((size, body)) => {
            let mut response = Response::new(body);
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
            response
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            StatusCode::NOT_FOUND.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn content(file: PathBuf, head: bool) -> io::Result<(u64, Body)> {
    if head {
        return Ok((tokio::fs::metadata(file).await?.len(), Body::empty()));
    }
    let bytes = tokio::fs::read(file).await?;
    Ok((bytes.len() as u64, Body::from(bytes)))
}
