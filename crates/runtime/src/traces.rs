//! Traces by OpenTelemetry's protocol over HTTP: one span a reconciliation, and its parts below it.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Any of them says where traces go.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Where traces are sent. What waits is sent when it is dropped.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// As the variables of OpenTelemetry's specification say; nothing where they name no receiver.
    pub(crate) fn of_environment(service: &'static str) -> Option<Result<Self, String>> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|off| off == "true");
        if is_off || !ENDPOINTS.into_iter().any(is_set) {
            return None;
        }
        let exporter = SpanExporter::builder().with_http().build();
        Some(Self::new(service, exporter))
    }

    fn new(
        service: &'static str,
        exporter: Result<SpanExporter, ExporterBuildError>,
    ) -> Result<Self, String> {
        let exporter = exporter.map_err(|error| error.to_string())?;
        // A name in the environment stands above ours.
        let is_named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        let resource = Resource::builder();
        let resource = if is_named { resource } else { resource.with_service_name(service) };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        Ok(Self(provider))
    }

    /// What hands spans over.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer: OpenTelemetryLayer<S, Tracer> =
            tracing_opentelemetry::layer().with_tracer(self.0.tracer("capstan"));
        // Libraries have spans of their own below this level.
        layer.with_location(false).with_threads(false).with_filter(LevelFilter::INFO)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.0.shutdown();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::post;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig};
    use tracing_subscriber::layer::SubscriberExt;

    use super::Traces;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reconciliation_is_a_trace() {
        let received = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&received);
        let keep = move |body: Bytes| async move {
            keeps.lock().expect("not poisoned").extend_from_slice(&body);
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = listener.local_addr().expect("bound");
        let router = Router::new().route("/v1/traces", post(keep));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let send = move || {
            let place = format!("http://{place}/v1/traces");
            let exporter = SpanExporter::builder().with_http().with_endpoint(place).build();
            let traces = Traces::new("capstan-test", exporter).expect("a receiver");
            let subscriber = tracing_subscriber::registry().with(traces.layer());
            tracing::subscriber::with_default(subscriber, || {
                let span = tracing::info_span!("reconcile", controller = "source", name = "fleet");
                let _inside = span.enter();
                tracing::info_span!("build").in_scope(|| tracing::info!("built it"));
                tracing::debug_span!("of a library").in_scope(|| ());
            });
        };
        tokio::task::spawn_blocking(send).await.expect("sent");
        server.abort();
        let received = received.lock().expect("not poisoned");
        let text = String::from_utf8_lossy(&received);
        for word in ["capstan-test", "reconcile", "controller", "fleet", "build", "built it"] {
            assert!(text.contains(word), "no {word} in {text}");
        }
        assert!(!text.contains("of a library"), "{text}");
    }
}
