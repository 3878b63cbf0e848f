//! Metrics in the text format of Prometheus: those of controller-runtime and Flux under their names, and our own.
//!
//! Labels are kinds, names and codes of what exists; the series of an object go with it.

mod gathered;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets_range};
use prometheus_client::registry::Registry;

use crate::{Next, Queue, Stop};
use gathered::{Gathered, Queues, Source};

pub use gathered::ObjectCount;

/// What `/metrics` answers with.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of a process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

struct Inner {
    registry: Mutex<Registry>,
    durations: Family<OfObject, Histogram, fn() -> Histogram>,
    reconciles: Family<OfResult, Counter>,
    errors: Family<OfController, Counter>,
    times: Family<OfController, Histogram, fn() -> Histogram>,
    work: Family<OfQueue, Histogram, fn() -> Histogram>,
    caches: Family<OfCache, Counter>,
    requests: Family<OfCode, Counter>,
    leads: Gauge,
    queues: Queues,
    counts: Arc<Mutex<Vec<Source>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfObject {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfController {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfQueue {
    name: &'static str,
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCache {
    event_type: &'static str,
    kind: String,
    name: String,
    namespace: String,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    code: u32,
}

/// Flux's buckets: ten between 10 ms and half an hour.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets_range(0.01, 1800.0, 10))
}

/// controller-runtime's, from 5 ms to a minute.
fn times() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let inner = Inner {
            registry: Mutex::new(Registry::default()),
            durations: Family::new_with_constructor(durations),
            reconciles: Family::default(),
            errors: Family::default(),
            times: Family::new_with_constructor(times),
            work: Family::new_with_constructor(times),
            caches: Family::default(),
            requests: Family::default(),
            leads: Gauge::default(),
            queues: Queues::default(),
            counts: Arc::default(),
        };
        let metrics = Self(Arc::new(inner));
        metrics.register();
        metrics
    }

    fn register(&self) {
        let inner = &self.0;
        let mut registry = inner.registry.lock().expect("no holder of this lock can panic");
        let help = "The duration in seconds of a GitOps Toolkit resource reconciliation";
        registry.register("gotk_reconcile_duration_seconds", help, inner.durations.clone());
        let help = "Total number of cache events for a GitOps Toolkit resource reconciliation";
        registry.register("gotk_cache_events", help, inner.caches.clone());
        let help = "Total number of reconciliations per controller";
        registry.register("controller_runtime_reconcile", help, inner.reconciles.clone());
        let help = "Total number of reconciliation errors per controller";
        registry.register("controller_runtime_reconcile_errors", help, inner.errors.clone());
        let help = "Length of time per reconciliation per controller";
        registry.register("controller_runtime_reconcile_time_seconds", help, inner.times.clone());
        let help = "How long in seconds processing an item from the workqueue takes";
        registry.register("workqueue_work_duration_seconds", help, inner.work.clone());
        let help = "Total number of webhooks by the code that answered them";
        registry.register("capstan_receiver_requests", help, inner.requests.clone());
        let help = "Does this process lead? 1 without leader election";
        registry.register("capstan_leader", help, inner.leads.clone());
        let gathered = Gathered::new(inner.queues.clone(), Arc::clone(&inner.counts));
        registry.register_collector(Box::new(gathered));
    }

    /// A reconciliation has ended. `is_there` says whether its object still is: the series of one that went are not made again.
    pub fn reconciled(
        &self,
        controller: &'static str,
        (kind, namespace, name): (&str, &str, &str),
        next: Next,
        took: Duration,
        is_there: bool,
    ) {
        let (inner, seconds) = (&self.0, took.as_secs_f64());
        let result = match next {
            Next::Wait => "success",
            Next::After(_) => "requeue_after",
            Next::Backoff => "error",
        };
        inner.reconciles.get_or_create(&OfResult { controller, result }).inc();
        let errors = inner.errors.get_or_create(&OfController { controller });
        errors.inc_by(u64::from(next == Next::Backoff));
        drop(errors);
        inner.times.get_or_create(&OfController { controller }).observe(seconds);
        inner.work.get_or_create(&OfQueue { name: controller, controller }).observe(seconds);
        if is_there {
            let (kind, name, namespace) = (kind.to_owned(), name.to_owned(), namespace.to_owned());
            inner.durations.get_or_create(&OfObject { kind, name, namespace }).observe(seconds);
        }
    }

    /// Something was found in a cache, or not.
    pub fn cached(&self, (kind, namespace, name): (&str, &str, &str), hit: bool) {
        self.0.caches.get_or_create(&of_cache((kind, namespace, name), hit)).inc();
    }

    /// An object is gone, and its series with it.
    pub fn forget(&self, (kind, namespace, name): (&str, &str, &str)) {
        let object = OfObject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        };
        self.0.durations.remove(&object);
        for hit in [true, false] {
            self.0.caches.remove(&of_cache((kind, namespace, name), hit));
        }
    }

    /// A webhook was answered.
    pub fn answered(&self, code: u16) {
        self.0.requests.get_or_create(&OfCode { code: u32::from(code) }).inc();
    }

    /// Does this process lead?
    pub fn set_leads(&self, leads: bool) {
        self.0.leads.set(i64::from(leads));
    }

    /// From now on the state of a queue is told under the name of its controller.
    pub fn watch_queue<K>(&self, controller: &'static str, queue: Queue<K>, concurrent: usize)
    where
        K: Eq + std::hash::Hash + Clone + std::fmt::Debug + Send + 'static,
    {
        self.0.queues.add(controller, concurrent, queue);
    }

    /// From now on objects are counted whenever somebody asks.
    pub fn count_objects(&self, count: impl Fn() -> Vec<ObjectCount> + Send + Sync + 'static) {
        let mut counts = self.0.counts.lock().expect("no holder of this lock can panic");
        counts.push(Box::new(count));
    }

    /// Everything, as Prometheus reads it.
    pub fn text(&self) -> String {
        let registry = self.0.registry.lock().expect("no holder of this lock can panic");
        let mut text = String::new();
        if text::encode(&mut text, &registry).is_err() {
            let _ = writeln!(text, "# the metrics could not be written");
        }
        text
    }
}

fn of_cache((kind, namespace, name): (&str, &str, &str), hit: bool) -> OfCache {
    OfCache {
        event_type: if hit { "cache_hit" } else { "cache_miss" },
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        operation: "reconcile",
    }
}

/// Serves `/metrics` until `stop`.
///
/// # Errors
/// When the address cannot be listened at.
pub async fn serve_metrics(
    address: SocketAddr,
    metrics: Metrics,
    stop: Stop,
) -> std::io::Result<()> {
    let answer = move || async move { ([(CONTENT_TYPE, FORMAT)], metrics.text()) };
    let router = Router::new().route("/metrics", get(answer));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

#[cfg(test)]
mod tests {
    use super::{Metrics, ObjectCount};
    use crate::{Next, Queue};
    use std::time::Duration;

    #[test]
    fn the_names_are_those_that_dashboards_know() {
        let metrics = Metrics::new();
        let object = ("Kustomization", "flux-system", "apps");
        let took = Duration::from_millis(20);
        metrics.reconciled("kustomization", object, Next::Backoff, took, true);
        metrics.cached(object, true);
        metrics.answered(200);
        metrics.set_leads(true);
        let queue = Queue::new();
        queue.wake("a");
        metrics.watch_queue("kustomization", queue, 4);
        metrics.count_objects(|| {
            vec![ObjectCount { kind: "Kustomization", ready: "True", suspended: false, count: 3 }]
        });
        let text = metrics.text();
        for line in [
            "gotk_reconcile_duration_seconds_count{kind=\"Kustomization\",name=\"apps\",namespace=\"flux-system\"} 1",
            "gotk_cache_events_total{event_type=\"cache_hit\",kind=\"Kustomization\",name=\"apps\",namespace=\"flux-system\",operation=\"reconcile\"} 1",
            "controller_runtime_reconcile_total{controller=\"kustomization\",result=\"error\"} 1",
            "controller_runtime_reconcile_errors_total{controller=\"kustomization\"} 1",
            "controller_runtime_reconcile_time_seconds_count{controller=\"kustomization\"} 1",
            "controller_runtime_max_concurrent_reconciles{controller=\"kustomization\"} 4",
            "controller_runtime_active_workers{controller=\"kustomization\"} 0",
            "workqueue_depth{name=\"kustomization\",controller=\"kustomization\"} 1",
            "workqueue_adds_total{name=\"kustomization\",controller=\"kustomization\"} 1",
            "workqueue_retries_total{name=\"kustomization\",controller=\"kustomization\"} 0",
            "workqueue_queue_duration_seconds_count{name=\"kustomization\",controller=\"kustomization\"} 0",
            "capstan_receiver_requests_total{code=\"200\"} 1",
            "capstan_leader 1",
            "capstan_objects{kind=\"Kustomization\",ready=\"True\",suspended=\"false\"} 3",
        ] {
            assert!(text.contains(line), "no {line} in:\n{text}");
        }
    }

    #[test]
    fn the_series_of_an_object_go_with_it() {
        let metrics = Metrics::new();
        let object = ("Kustomization", "flux-system", "apps");
        let took = Duration::from_millis(20);
        metrics.reconciled("kustomization", object, Next::Wait, took, true);
        metrics.cached(object, false);
        metrics.forget(object);
        // The run that removed it ends afterwards.
        metrics.reconciled("kustomization", object, Next::Wait, took, false);
        assert!(!metrics.text().contains("name=\"apps\""), "{}", metrics.text());
    }
}
