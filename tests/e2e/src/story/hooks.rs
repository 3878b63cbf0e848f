//! Webhooks: a push wakes the agents at once.

use anyhow::{Context, Result};
use capstan_cluster::Cluster;
use capstan_kit::{WebHook, wait_until};
use capstan_model::Manifest;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Story;
use crate::install;
use crate::look::{condition, kind, text};
use crate::stage::{NAMESPACE, PATIENCE, ready};

/// The port of the agent's receivers, see deploy/agent.
const PORT: u16 = 9292;

/// The key that both sides know.
const TOKEN: &str = "an-example-token";

impl Story {
    /// Makes a Receiver for every GitRepository of a cluster, and has the Git server post to it.
    pub(super) async fn hook(
        &self,
        cluster: &Cluster,
        of: &capstan_kit::Cluster,
        repositories: &[&str],
    ) -> Result<()> {
        let sources = kind("source.toolkit.fluxcd.io/v1", "GitRepository");
        let names: Vec<Value> = cluster
            .list(&sources, NAMESPACE, "")
            .await?
            .iter()
            .map(|source| json!({"kind": "GitRepository", "name": source.name()}))
            .collect();
        let objects = [
            json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "receiver-token", "namespace": NAMESPACE},
                "stringData": {"token": TOKEN}}),
            json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
                "metadata": {"name": "pushes", "namespace": NAMESPACE},
                "spec": {"type": "generic-hmac", "secretRef": {"name": "receiver-token"},
                    "resources": names}}),
        ];
        let objects: Vec<Manifest> =
            objects.into_iter().map(Manifest::try_from).collect::<Result<_, _>>()?;
        install::apply(cluster, &objects).await?;
        let receivers = kind("notification.toolkit.fluxcd.io/v1", "Receiver");
        let receiver = ready(cluster, &receivers, (NAMESPACE, "pushes")).await?;
        let address = agent_address(cluster).await?;
        let path = text(&receiver, "/status/webhookPath");
        let url = format!("http://{address}{path}");
        for name in repositories {
            let hook = WebHook { url: url.clone(), token: TOKEN.to_owned() };
            self.stage.kit.git.repo(name).await?.add_hook(hook);
        }
        self.timeline.note(format!("a push wakes the agent of {}", of.name()));
        Ok(())
    }
}

/// Where the agent listens for webhooks, once it does: a pod of before a power cut still says that it is ready.
async fn agent_address(cluster: &Cluster) -> Result<String> {
    wait_until("an agent that listens", PATIENCE, async || {
        let pods = cluster.list(&kind("v1", "Pod"), NAMESPACE, "app=capstan-agent").await?;
        let pod = pods.iter().find(|pod| condition(pod, "Ready")).context("no agent is ready")?;
        let address = format!("{}:{PORT}", text(pod, "/status/podIP"));
        TcpStream::connect(&address).await.with_context(|| address.clone())?;
        anyhow::Ok(address)
    })
    .await
}
