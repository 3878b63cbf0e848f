//! Tokens that are renewed while a client lives.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use capstan_model::Secret;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tower::{BoxError, Service};

/// Gives the token of each request. It is asked every time, so it keeps what still holds.
pub trait BearerSource: Send + Sync + 'static {
    /// A token that is valid now. An error must tell no secret.
    fn token(&self) -> BoxFuture<'_, Result<Secret<String>, BoxError>>;
}

/// Shows a token with each request.
pub(crate) struct Shown<S> {
    pub(crate) inner: S,
    pub(crate) source: Arc<dyn BearerSource>,
}

impl<S, B> Service<Request<B>> for Shown<S>
where
    S: Service<Request<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let source = Arc::clone(&self.source);
        // The one that is ready goes with the request.
        let next = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let token = source.token().await?;
            let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .map_err(|_| "the token cannot be sent: it holds what no header may hold")?;
            header.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, header);
            ready.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use capstan_model::Secret;
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use http::Request;
    use tower::{BoxError, Service, ServiceExt};

    use super::{BearerSource, Shown};

    struct Counted(AtomicUsize);

    impl BearerSource for Counted {
        fn token(&self) -> BoxFuture<'_, Result<Secret<String>, BoxError>> {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            async move {
                match count {
                    2 => Err("no token".into()),
                    3 => Ok(Secret::new("two\nlines".to_owned())),
                    count => Ok(Secret::new(format!("token-{count}"))),
                }
            }
            .boxed()
        }
    }

    #[tokio::test]
    async fn each_request_shows_what_is_valid_now() {
        let inner = tower::service_fn(|request: Request<()>| async move {
            let shown = request.headers().get("authorization").cloned();
            Ok::<_, BoxError>(shown.and_then(|it| it.to_str().map(str::to_owned).ok()))
        });
        let mut shown = Shown { inner, source: Arc::new(Counted(AtomicUsize::new(0))) };
        let mut said = Vec::new();
        for _ in 0..4 {
            let ready = shown.ready().await.expect("ready");
            said.push(ready.call(Request::new(())).await.map_err(|error| error.to_string()));
        }
        assert_eq!(said[0], Ok(Some("Bearer token-0".to_owned())));
        assert_eq!(said[1], Ok(Some("Bearer token-1".to_owned())));
        assert_eq!(said[2], Err("no token".to_owned()));
        let refused = said[3].as_ref().expect_err("no header");
        assert!(refused.contains("cannot be sent") && !refused.contains("lines"), "{refused}");
    }
}
