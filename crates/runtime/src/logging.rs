use tracing_subscriber::EnvFilter;

/// Logs to standard error, one JSON object a line when `json`, else text for people. `level` is a filter such as `info`;
/// `RUST_LOG` overrides it. Called once, at start.
pub fn init_logging(json: bool, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).with_span_list(false).init();
    } else {
        builder.init();
    }
}
