//! What an API server was asked to do, by its own count.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use capstan_cluster::Cluster;

/// The metric.
const REQUESTS: &str = "apiserver_request_total{";

/// Finished requests: how many of each verb and resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(pub BTreeMap<Call, u64>);

/// A kind of request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// `GET`, `LIST`, `APPLY`, `PATCH`, …
    pub verb: String,
    /// Resource and subresource: `kustomizations/status`.
    pub resource: String,
    /// Was nothing stored?
    pub dry_run: bool,
}

impl Calls {
    /// All requests since the API server began.
    pub async fn read(cluster: &Cluster) -> Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let text = cluster.client().request_text(request).await.context("no metrics")?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut calls = BTreeMap::new();
        for line in text.lines() {
            let Some((labels, count)) =
                line.strip_prefix(REQUESTS).and_then(|line| line.rsplit_once("} "))
            else {
                continue;
            };
            *calls.entry(Call::parse(labels)).or_default() += whole(count);
        }
        Self(calls)
    }

    /// What came since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |call: &Call| earlier.0.get(call).copied().unwrap_or_default();
        let new = self.0.iter().map(|(call, count)| (call.clone(), count - before(call)));
        Self(new.filter(|(_, count)| *count > 0).collect())
    }

    /// Only those that may have stored something.
    #[must_use]
    pub fn writes(&self) -> Self {
        const READS: [&str; 5] = ["GET", "LIST", "WATCH", "CONNECT", "HEAD"];
        let stored = |call: &Call| !call.dry_run && !READS.contains(&&*call.verb);
        let writes = self.0.iter().filter(|(call, _)| stored(call));
        Self(writes.map(|(call, count)| (call.clone(), *count)).collect())
    }
}

impl Call {
    fn parse(labels: &str) -> Self {
        let label = |name: &str| {
            let start = labels.find(&format!("{name}=\""))? + name.len() + 2;
            Some(labels[start..].split('"').next()?.to_owned())
        };
        let text = |name| label(name).unwrap_or_default();
        let resource = match (text("resource"), text("subresource")) {
            (resource, sub) if sub.is_empty() => resource,
            (resource, sub) => format!("{resource}/{sub}"),
        };
        Self { verb: text("verb"), resource, dry_run: !text("dry_run").is_empty() }
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (Call { verb, resource, dry_run }, count) in sorted {
            let tried = if *dry_run { " (dry run)" } else { "" };
            writeln!(f, "{count:>7} {verb} {resource}{tried}")?;
        }
        Ok(())
    }
}

/// A count, which Prometheus writes as a floating point number when it is large.
fn whole(text: &str) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count")]
    let count = text.parse::<f64>().unwrap_or_default() as u64;
    count
}

#[cfg(test)]
mod tests {
    use super::{Call, Calls};

    fn call(verb: &str, resource: &str, dry_run: bool) -> Call {
        Call { verb: verb.into(), resource: resource.into(), dry_run }
    }

    #[test]
    fn counts_what_the_metrics_say() {
        let line = |verb, subresource, dry_run, code, count| {
            format!(
                "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",\
                 dry_run=\"{dry_run}\",group=\"\",resource=\"configmaps\",scope=\"resource\",\
                 subresource=\"{subresource}\",verb=\"{verb}\",version=\"v1\"}} {count}\n"
            )
        };
        let text = [
            "# TYPE apiserver_request_total counter\n".to_owned(),
            line("GET", "", "", 200, "7"),
            line("GET", "", "", 404, "1"),
            line("APPLY", "", "All", 200, "2"),
            line("PATCH", "status", "", 200, "1.5e+06"),
        ];
        let calls = Calls::parse(&text.concat());
        assert_eq!(calls.0[&call("GET", "configmaps", false)], 8);
        assert_eq!(calls.0[&call("APPLY", "configmaps", true)], 2);
        let writes = calls.writes();
        let status = call("PATCH", "configmaps/status", false);
        assert_eq!(writes.0.into_iter().collect::<Vec<_>>(), [(status, 1_500_000)]);
        assert_eq!(calls.since(&calls), Calls::default());
    }
}
