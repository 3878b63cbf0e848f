use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use crate::traces::Traces;

/// What is told by logs and traces, until this is dropped: then what is still to be sent of the traces is sent.
#[derive(Debug)]
#[must_use = "traces end with it"]
pub struct Telling {
    _traces: Option<Traces>,
}

/// Logs to standard error, one JSON object a line when `json`, else text for people. `level` is a filter such as `info`;
/// `RUST_LOG` overrides it. Called once, at start.
///
/// Where the environment names a receiver of OpenTelemetry, `OTEL_EXPORTER_OTLP_ENDPOINT` or
/// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, each reconciliation is also sent there as a trace, under the name `service` unless
/// `OTEL_SERVICE_NAME` says another.
///
/// The objects have the keys of Flux's controllers: `level`, `ts`, `msg`, and within a reconciliation `controller`,
/// `controllerKind`, `name`, `namespace` and `reconcileID`: `flux logs` chooses by them.
pub fn init_logging(service: &'static str, json: bool, level: &str) -> Telling {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let traces = Traces::of_environment(service);
    let (sent, refused) = match traces {
        Some(Ok(traces)) => (Some(traces), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let told: Box<dyn Layer<Registry> + Send + Sync> = if json {
        Box::new(Lines(to_stderr))
    } else {
        Box::new(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
    };
    let spans = sent.as_ref().map(Traces::layer);
    tracing_subscriber::registry().with(told.with_filter(filter)).with(spans).init();
    if let Some(error) = refused {
        tracing::error!(error, "no traces are sent: correct OTEL_EXPORTER_OTLP_ENDPOINT");
    }
    Telling { _traces: sent }
}

/// Fields as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

fn to_stderr(line: &[u8]) {
    // There is nowhere to say that nothing can be said.
    let _ = std::io::stderr().lock().write_all(line);
}

/// Flux's word: its controllers know three, and what a warning says here they say as errors.
const fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR | Level::WARN => "error",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// One line an event, whole or not at all.
struct Lines<W>(W);

impl<W, S> Layer<S> for Lines<W>
where
    W: Fn(&[u8]) + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        let metadata = event.metadata();
        line.insert("level".to_owned(), level(*metadata.level()).into());
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        line.insert("ts".to_owned(), now.into());
        line.insert("logger".to_owned(), metadata.target().into());
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.extend(fields.0);
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        (self.0)(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use serde_json::Value;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn a_line_has_the_keys_of_flux() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let keep = move |line: &[u8]| kept.lock().expect("not poisoned").push(line.to_vec());
        let subscriber = tracing_subscriber::registry().with(Lines(keep));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("reconcile", controller = "kustomization", name = "a");
            let _inside = span.enter();
            tracing::warn!(count = 2, "no {}", "luck");
        });
        let lines = lines.lock().expect("not poisoned");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with(b"\n"));
        let line: Value = serde_json::from_slice(&lines[0]).expect("JSON");
        for (key, value) in
            [("level", "error"), ("msg", "no luck"), ("controller", "kustomization"), ("name", "a")]
        {
            assert_eq!(line[key], value, "{line}");
        }
        assert_eq!(line["count"], 2);
        assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z')), "{line}");
    }
}
