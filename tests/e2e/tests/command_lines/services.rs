//! Flux's namespace, and the names by which others know it there.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{kind, text};
use capstan_e2e::stage::NAMESPACE;
use capstan_model::Manifest;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fleet::{Fleet, git_repository};

/// The Services select the agent's pod, and their ports answer: artifacts, and webhooks.
pub(crate) async fn point_at_the_agent(fleet: &Fleet<'_>) -> Result<()> {
    let artifacts = address(fleet, "source-controller").await?;
    address(fleet, "notification-controller").await?;
    let webhooks = address(fleet, "webhook-receiver").await?;
    let source = fleet.get(&git_repository(), (NAMESPACE, fleet.name)).await?;
    let path = text(&source, "/status/artifact/path");
    let answer = ask(&artifacts, &format!("GET /{path}")).await?;
    let size = source.value().pointer("/status/artifact/size").and_then(Value::as_u64);
    ensure!(answer.status == 200 && Some(answer.size) == size, "{path}: {answer:?}");
    let answer = ask(&webhooks, "POST /hook/nobody").await?;
    ensure!(answer.status == 404, "a hook that nobody has: {answer:?}");
    Ok(())
}

/// Where a Service leads: the agent's pod, and the port of it that the Service names.
async fn address(fleet: &Fleet<'_>, service: &str) -> Result<String> {
    let found = fleet.get(&kind("v1", "Service"), (NAMESPACE, service)).await?;
    let selector = found.value().pointer("/spec/selector").and_then(Value::as_object);
    let labels: Vec<String> = selector
        .with_context(|| format!("{service} selects nothing"))?
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let cluster = &fleet.stage.management;
    let pods = cluster.list(&kind("v1", "Pod"), NAMESPACE, &labels.join(",")).await?;
    let [pod] = &*pods else { anyhow::bail!("{service} selects {} pods", pods.len()) };
    ensure!(pod.label("app") == Some("capstan-agent"), "{service} selects {}", pod.name());
    let target = text(&found, "/spec/ports/0/targetPort");
    let number = port(pod, &target).with_context(|| format!("no port {target}"))?;
    Ok(format!("{}:{number}", text(pod, "/status/podIP")))
}

fn port(pod: &Manifest, name: &str) -> Option<u64> {
    let ports = pod.value().pointer("/spec/containers/0/ports")?.as_array()?;
    ports.iter().find(|port| port["name"] == name)?["containerPort"].as_u64()
}

#[derive(Debug)]
struct Answer {
    status: u16,
    /// Bytes of the body.
    size: u64,
}

async fn ask(address: &str, request: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await.context(address.to_owned())?;
    let head = format!("{request} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no HTTP")?;
    let status = String::from_utf8_lossy(&answer[..end]);
    let status = status.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Answer { status, size: (answer.len() - end - 4) as u64 })
}
