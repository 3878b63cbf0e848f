//! Readiness probes, really made.

use std::net::Ipv4Addr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, HTTPGetAction};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Until a container is ready for the first time it is asked this often, so that nobody waits for
/// the seconds that a period usually has.
const EAGER: Duration = Duration::from_millis(50);

/// Asks a container again and again whether it is ready.
#[derive(Debug)]
pub(super) struct Prober {
    client: reqwest::Client,
    url: String,
    headers: Vec<(String, String)>,
    timeout: Duration,
    period: Duration,
    success: u32,
    failure: u32,
    ready: bool,
    was_ready: bool,
    /// Answers in a row that differ from `ready`.
    contrary: u32,
}

impl Prober {
    /// The prober of a container, if it has an `httpGet` readiness probe; without one a container is
    /// ready as soon as it runs.
    pub(super) fn of(
        container: &Container,
        ip: Ipv4Addr,
        client: &reqwest::Client,
    ) -> Option<Self> {
        let probe = container.readiness_probe.as_ref()?;
        let get = probe.http_get.as_ref()?;
        let headers = get.http_headers.iter().flatten();
        Some(Self {
            client: client.clone(),
            url: url(container, get, ip)?,
            headers: headers.map(|one| (one.name.clone(), one.value.clone())).collect(),
            timeout: seconds(probe.timeout_seconds, 1),
            period: seconds(probe.period_seconds, 10),
            success: times(probe.success_threshold, 1),
            failure: times(probe.failure_threshold, 3),
            ready: false,
            was_ready: false,
            contrary: 0,
        })
    }

    /// Returns when readiness changes, with its new value. May be dropped while it waits.
    pub(super) async fn change(&mut self) -> bool {
        loop {
            tokio::time::sleep(if self.was_ready { self.period } else { EAGER }).await;
            let answer = self.ask().await;
            if self.count(answer) {
                return self.ready;
            }
        }
    }

    /// Counts an answer; true when it turned readiness.
    fn count(&mut self, answer: bool) -> bool {
        self.contrary = if answer == self.ready { 0 } else { self.contrary + 1 };
        let needed = if answer { self.success } else { self.failure };
        if self.contrary < needed {
            return false;
        }
        self.ready = answer;
        self.was_ready |= answer;
        self.contrary = 0;
        true
    }

    async fn ask(&self) -> bool {
        let mut request = self.client.get(&self.url).timeout(self.timeout);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        answer.is_ok_and(|answer| (200..400).contains(&answer.status().as_u16()))
    }
}

fn url(container: &Container, get: &HTTPGetAction, ip: Ipv4Addr) -> Option<String> {
    let port = port(container, &get.port)?;
    let scheme = get.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
    let path = get.path.as_deref().unwrap_or("/").trim_start_matches('/');
    Some(format!("{scheme}://{ip}:{port}/{path}"))
}

fn port(container: &Container, port: &IntOrString) -> Option<i32> {
    match port {
        IntOrString::Int(port) => Some(*port),
        IntOrString::String(name) => {
            let mut ports = container.ports.iter().flatten();
            ports.find(|one| one.name.as_ref() == Some(name)).map(|one| one.container_port)
        }
    }
}

fn seconds(value: Option<i32>, default: u32) -> Duration {
    Duration::from_secs(times(value, default).into())
}

fn times(value: Option<i32>, default: u32) -> u32 {
    value.map_or(default, i32::unsigned_abs).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prober() -> Prober {
        let container: Container = serde_json::from_value(json!({
            "name": "main",
            "ports": [{ "name": "http", "containerPort": 9440 }],
            "readinessProbe": { "httpGet": { "path": "/readyz", "port": "http" }, "failureThreshold": 2 },
        }))
        .unwrap();
        Prober::of(&container, Ipv4Addr::new(127, 1, 2, 3), &reqwest::Client::new()).unwrap()
    }

    #[test]
    fn a_named_port_is_looked_up() {
        assert_eq!(prober().url, "http://127.1.2.3:9440/readyz");
    }

    #[test]
    fn thresholds_count_in_a_row() {
        let mut prober = prober();
        assert!(!prober.count(false));
        assert!(prober.count(true) && prober.ready);
        assert!(!prober.count(false));
        assert!(!prober.count(true));
        assert!(!prober.count(false));
        assert!(prober.count(false) && !prober.ready);
    }
}
