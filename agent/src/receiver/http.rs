use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use capstan_api::flux::ReceiverSpec;
use capstan_model::{Manifest, NamespacedName};
use capstan_receive::{
    Credentials, Facts, Filters, Rates, Request, accept, identity, is_same_path,
};
use capstan_runtime::{Bounds, Stop, serve_bounded};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::issuers::Issuers;
use super::notify::notify;
use crate::kinds;
use crate::world::World;

/// Flux's limit of a payload.
const LONGEST_BODY: usize = 3 * 1024 * 1024;
/// Flux's limits of time: for the head of a request, and for the whole of it.
const HEAD_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(30);
/// Requests whose bodies are held at once; others wait.
const AT_ONCE: usize = 32;
const BOUNDS: Bounds = Bounds {
    connections: 512,
    head_bytes: 256 * 1024,
    head_time: HEAD_TIME,
    goodbye: Duration::from_secs(5),
};

/// What all requests share.
#[derive(Clone)]
struct Webhooks {
    world: World,
    shared: Arc<Shared>,
}

struct Shared {
    issuers: Issuers,
    rates: Mutex<Rates>,
    began: Instant,
    slots: Semaphore,
}

/// Receives webhooks until `stop`: Flux's paths, `/hook/<digest>`.
pub(crate) fn serve(
    listener: TcpListener,
    world: World,
    stop: Stop,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let issuers = Issuers::new(world.args.google_keys_url.clone())
        .context("no client for the keys of issuers")?;
    let shared = Shared {
        issuers,
        rates: Mutex::default(),
        began: Instant::now(),
        slots: Semaphore::new(AT_ONCE),
    };
    let webhooks = Webhooks { world, shared: Arc::new(shared) };
    let router = Router::new().route("/hook/{digest}", any(receive)).with_state(webhooks);
    Ok(serve_bounded(listener, router, BOUNDS, stop))
}

async fn receive(State(webhooks): State<Webhooks>, request: HttpRequest) -> Response {
    let metrics = webhooks.world.metrics.clone();
    let answer = answer(webhooks, request).await;
    metrics.answered(answer.status().as_u16());
    answer
}

async fn answer(webhooks: Webhooks, request: HttpRequest) -> Response {
    let path = request.uri().path();
    let has_path = |receiver: &Arc<Manifest>| {
        let status = kinds::status(receiver);
        let own = status.get("webhookPath").and_then(|path| path.as_str()).unwrap_or_default();
        !own.is_empty() && is_same_path(path, own)
    };
    let Some(receiver) = webhooks.world.receivers.all().into_iter().find(has_path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let name = receiver.id();
    let spec = match kinds::spec::<ReceiverSpec>(&receiver) {
        Ok(spec) if spec.suspend != Some(true) && kinds::is_ready(&receiver) => spec,
        _ => {
            tracing::warn!(receiver = %name, "unable to process request: suspended or not ready");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let key = NamespacedName::new(receiver.namespace(), receiver.name());
    if let Err(wait) = webhooks.take(&key) {
        tracing::warn!(receiver = %name, "too many requests");
        let seconds = wait.as_secs() + 1;
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())])
            .into_response();
    }
    let working = async {
        let Ok(_slot) = webhooks.shared.slots.acquire().await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let (head, body) = request.into_parts();
        match read(body).await {
            Ok(body) => webhooks.handle(&receiver, &spec, &head.headers, &body).await,
            Err(refused) => {
                tracing::warn!(receiver = %name, %refused, "reading the request body failed");
                refused.into_response()
            }
        }
    };
    working.await
}

/// The body, as long as it is not too long and comes in time.
async fn read(body: Body) -> Result<Bytes, StatusCode> {
    let reading = async {
        let mut chunks = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
            if bytes.len() + chunk.len() > LONGEST_BODY {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(bytes))
    };
    timeout(BODY_TIME, reading).await.unwrap_or(Err(StatusCode::BAD_REQUEST))
}

impl Webhooks {
    fn take(&self, receiver: &NamespacedName) -> Result<(), Duration> {
        let mut rates = self.shared.rates.lock().expect("no holder of this lock can panic");
        rates.take(receiver, self.shared.began.elapsed())
    }

    async fn handle(
        &self,
        receiver: &Manifest,
        spec: &ReceiverSpec,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let request = Request { headers: &headers, body };
        let name = receiver.id();
        let refuse = |why: &dyn std::fmt::Display| {
            tracing::warn!(receiver = %name, error = %why, "unable to validate payload");
            StatusCode::BAD_REQUEST
        };
        let (secret, keys) = match self.proofs(receiver, spec, &request).await {
            Ok(proofs) => proofs,
            Err(why) => return refuse(&why).into_response(),
        };
        let now = Timestamp::now().as_second();
        let accepted = match accept(spec, &request, &secret, keys.as_deref(), now) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                let told = refusal.told().unwrap_or_default().to_owned();
                return (refuse(&refusal), told).into_response();
            }
        };
        tracing::info!(receiver = %name, "{}", accepted.summary);
        let filters = match Filters::read(spec) {
            Ok(filters) => filters,
            Err((field, error)) => {
                tracing::error!(receiver = %name, field, %error, "unable to create resource filter");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        match Facts::read(&filters, &accepted) {
            Ok(facts) if notify(&self.world, receiver, spec, &filters, &facts).await => {
                StatusCode::OK.into_response()
            }
            Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Err(error) => {
                tracing::error!(receiver = %name, %error, "unable to create resource filter");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// What the sender is to be judged by: the Secret, and the keys of who claims to have signed.
    async fn proofs(
        &self,
        receiver: &Manifest,
        spec: &ReceiverSpec,
        request: &Request<'_>,
    ) -> Result<(Credentials, Option<Arc<capstan_receive::Keys>>), String> {
        let secret = match &spec.secret_ref {
            Some(secret) => {
                let (namespace, name) = (receiver.namespace(), &secret.name);
                let read = self.world.cluster.get(&kinds::secret(), namespace, name).await;
                let found = read.map_err(|error| capstan_model::Chain(&error).to_string())?;
                found.as_ref().and_then(Credentials::of).ok_or_else(|| {
                    format!("invalid '{namespace}/{name}' secret data: required field 'token'")
                })?
            }
            None => Credentials::default(),
        };
        let keys = match identity(spec, request).map_err(|refusal| refusal.to_string())? {
            Some(who) => Some(self.shared.issuers.keys(who.issuer, who.key.as_deref()).await?),
            None => None,
        };
        Ok((secret, keys))
    }
}
