//! What holds for every client of this process: how often it asks, and whether it may change anything.

use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{Method, Request};
use kube::Client;
use kube::client::ClientBuilder;
use tower::buffer::BufferLayer;
use tower::{BoxError, Service};

use crate::ConnectError;
use crate::bearer::{BearerSource, Shown};

/// Lets changes through for as long as this process leads. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Fence(Arc<Mutex<Option<Instant>>>);

impl Fence {
    /// Changes are let through until then.
    pub fn open_until(&self, end: Instant) {
        *self.0.lock().expect("no holder of this lock can panic") = Some(end);
    }

    /// Nothing is let through any more.
    pub fn close(&self) {
        *self.0.lock().expect("no holder of this lock can panic") = None;
    }

    /// May something be changed now?
    pub fn is_open(&self) -> bool {
        let end = *self.0.lock().expect("no holder of this lock can panic");
        end.is_some_and(|end| Instant::now() < end)
    }
}

/// Requests a second: a token bucket.
#[derive(Clone, Debug)]
pub struct RequestRate(Arc<Mutex<Bucket>>);

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    /// May be below zero: what was promised to those who wait.
    left: f64,
    at: Instant,
}

impl RequestRate {
    /// So many requests a second for long, and so many at once.
    pub fn new(per_second: f64, burst: f64) -> Self {
        let bucket = Bucket { per_second, burst, left: burst, at: Instant::now() };
        Self(Arc::new(Mutex::new(bucket)))
    }

    /// How long the next request has to wait.
    fn take(&self, now: Instant) -> Duration {
        let mut bucket = self.0.lock().expect("no holder of this lock can panic");
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = bucket.burst.min(bucket.left + since * bucket.per_second) - 1.0;
        bucket.at = now;
        Duration::try_from_secs_f64(-bucket.left / bucket.per_second).unwrap_or_default()
    }
}

/// What holds for every client of this process.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Lets changes through only while it is open.
    pub fence: Option<Fence>,
    /// How often the API server is asked.
    pub rate: Option<RequestRate>,
}

/// Requests that may wait for the connection of a client whose tokens are renewed.
const WAITING: usize = 1024;

static ACCESS: OnceLock<Access> = OnceLock::new();

impl Access {
    /// Holds for every client that is made from now on. Said once, at the start of a process; false when it was said before.
    pub fn install(self) -> bool {
        ACCESS.set(self).is_ok()
    }
}

/// An API server that was silent for so long is not there any more: it ends a request after a minute, and a watch says
/// something, or ends, within five. Without a bound a connection that was cut silently would hold a worker for ever.
const SILENCE: Duration = Duration::from_secs(300);

/// A client that keeps to what was installed. One that is not `fenced` may change things while others lead.
pub(crate) fn client(
    mut config: kube::Config,
    fenced: bool,
    bearer: Option<Arc<dyn BearerSource>>,
) -> Result<Client, ConnectError> {
    config.read_timeout = Some(SILENCE);
    // The time for which a connection lay idle before does not count.
    config.reset_reader_on_write = true;
    let failed = |error| ConnectError::Client(Box::new(error));
    let builder = ClientBuilder::try_from(config).map_err(failed)?;
    let mut access = ACCESS.get().cloned().unwrap_or_default();
    access.fence = access.fence.filter(|_| fenced);
    let Some(source) = bearer else { return Ok(builder.with_layer(&guarded(access)).build()) };
    let shown = tower::layer::layer_fn(|inner| Shown { inner, source: Arc::clone(&source) });
    let buffer = BufferLayer::<Request<kube::client::Body>>::new(WAITING);
    Ok(builder.with_layer(&buffer).with_layer(&shown).with_layer(&guarded(access)).build())
}

fn guarded<S>(access: Access) -> impl tower::Layer<S, Service = Guarded<S>> {
    tower::layer::layer_fn(move |inner| Guarded { inner, access: access.clone() })
}

struct Guarded<S> {
    inner: S,
    access: Access,
}

/// Why a change was not sent.
#[derive(Debug, thiserror::Error)]
#[error("another process leads, or may begin to: nothing is changed")]
struct NotLeading;

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let fence = self.access.fence.clone().filter(|_| changes);
        let wait = self.access.rate.as_ref().map(|rate| rate.take(Instant::now()));
        // It sends nothing before it is polled.
        let answer = self.inner.call(request);
        Box::pin(async move {
            if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                tokio::time::sleep(wait).await;
            }
            if fence.is_some_and(|fence| !fence.is_open()) {
                return Err(NotLeading.into());
            }
            answer.await.map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Fence, Guarded, RequestRate};
    use http::{Method, Request};
    use std::time::{Duration, Instant};
    use tower::{BoxError, Service};

    #[test]
    fn whoever_asks_too_often_waits() {
        let rate = RequestRate::new(10.0, 2.0);
        let now = Instant::now();
        let waits: Vec<_> = (0..4).map(|_| rate.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200]);
        assert_eq!(rate.take(now + Duration::from_secs(60)), Duration::ZERO);
    }

    async fn answer(access: &Access, method: Method) -> Result<(), BoxError> {
        let inner = tower::service_fn(|_: Request<()>| async { Ok::<_, BoxError>(()) });
        let mut guarded = Guarded { inner, access: access.clone() };
        let request = Request::builder().method(method).body(()).expect("a request");
        guarded.call(request).await
    }

    #[tokio::test]
    async fn only_who_leads_changes_anything() {
        let fence = Fence::default();
        let access = Access { fence: Some(fence.clone()), rate: None };
        assert!(answer(&access, Method::GET).await.is_ok());
        assert!(answer(&access, Method::PATCH).await.is_err());
        fence.open_until(Instant::now() + Duration::from_secs(60));
        assert!(answer(&access, Method::PATCH).await.is_ok());
        fence.open_until(Instant::now());
        assert!(answer(&access, Method::DELETE).await.is_err());
    }
}
