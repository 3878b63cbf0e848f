//! A kit with the product installed: what every end-to-end test stands on.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_cluster::Cluster;
use capstan_kit::aws::Resource;
use capstan_kit::{Kit, KitOptions, wait_until};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::Value;

use crate::install;
use crate::look::{Told, condition, find_condition, kind, told, wait_for, wait_gone};

/// Flux's namespace.
pub const NAMESPACE: &str = "flux-system";

/// Long enough for the slowest step on two busy cores; what takes long is asserted elsewhere, never here.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A running kit and its management cluster with the product in it.
pub struct Stage {
    /// The kit that it runs on.
    pub kit: Kit,
    /// The management cluster, as its administrator.
    pub management: Cluster,
}

impl Stage {
    /// A management cluster with the agent alone.
    pub async fn with_agent(options: KitOptions) -> Result<Self> {
        Self::with_agent_and(options, &[]).await
    }

    /// A management cluster with the agent alone, which has further arguments.
    pub async fn with_agent_and(options: KitOptions, args: &[&str]) -> Result<Self> {
        let stage = Self::bare(options).await?;
        install::agent(&stage.management, args).await?;
        stage.agent_runs().await?;
        Ok(stage)
    }

    /// A management cluster with hub and agent.
    pub async fn with_hub(options: KitOptions) -> Result<Self> {
        Self::with_hub_and(options, &[]).await
    }

    /// A management cluster with an agent, and a hub with further arguments.
    pub async fn with_hub_and(options: KitOptions, hub_args: &[&str]) -> Result<Self> {
        let stage = Self::bare(options).await?;
        install::management(&stage.management, hub_args).await?;
        stage.agent_runs().await?;
        deployed(&stage.management, "capstan-system", "capstan-hub").await?;
        Ok(stage)
    }

    async fn bare(options: KitOptions) -> Result<Self> {
        let kit = Kit::start(options).await?;
        let management = administrator(kit.management()).await?;
        Ok(Self { kit, management })
    }

    async fn agent_runs(&self) -> Result<()> {
        deployed(&self.management, NAMESPACE, "capstan-agent").await
    }

    /// Applies objects (YAML) in the management cluster, as a user would by hand.
    pub async fn apply(&self, text: &str) -> Result<()> {
        install::apply(&self.management, &read(text)?).await
    }

    /// Fails if AWS or an API server ever said that something came too early or too late.
    pub fn order_was_kept(&self) -> Result<()> {
        let errors = self.kit.aws.dependency_errors();
        let lines: Vec<_> = errors
            .iter()
            .map(|call| {
                format!(
                    "{}:{} {:?} {:?}",
                    call.service, call.action, call.error_code, call.error_message
                )
            })
            .collect();
        ensure!(lines.is_empty(), "calls that came in the wrong order:\n{}", lines.join("\n"));
        Ok(())
    }

    /// Waits until AWS holds nothing that concerns the caller; each resource is asked about as `service kind id name`.
    pub async fn nothing_left(&self, what: &str, concerns: impl Fn(&str) -> bool) -> Result<()> {
        let line = |r: Resource| {
            format!("{} {} {} {}", r.service, r.kind, r.id, r.name.unwrap_or_default())
        };
        wait_until(what, PATIENCE, async || {
            let left = self.kit.aws.inventory().await.map_err(|error| format!("{error:#}"))?;
            let left: Vec<String> = left.into_iter().map(line).filter(|it| concerns(it)).collect();
            if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
        })
        .await
    }

    /// Applies one object in the management cluster, as soon as its kind is served.
    pub async fn put(&self, object: Value) -> Result<()> {
        let object = Manifest::try_from(object)?;
        wait_until("an object to be accepted", PATIENCE, async || {
            install::apply(&self.management, std::slice::from_ref(&object)).await
        })
        .await
    }

    /// Deletes a cluster-scoped object of the management cluster.
    pub async fn delete(&self, gvk: &GroupVersionKind, name: &str) -> Result<()> {
        self.management.delete(gvk, "", name, &Default::default()).await?;
        Ok(())
    }

    /// Waits until a condition of a cluster-scoped object of the management cluster is this.
    pub async fn told(
        &self,
        gvk: &GroupVersionKind,
        name: &str,
        what: Told<'_>,
    ) -> Result<Manifest> {
        told(&self.management, gvk, ("", name), what, PATIENCE).await
    }

    /// Waits until a cluster-scoped object of the management cluster is Ready.
    pub async fn ready(&self, gvk: &GroupVersionKind, name: &str) -> Result<Manifest> {
        ready(&self.management, gvk, ("", name)).await
    }

    /// Waits until a cluster-scoped object of the management cluster is gone.
    pub async fn gone(&self, gvk: &GroupVersionKind, name: &str) -> Result<()> {
        wait_gone(&self.management, gvk, ("", name), PATIENCE).await
    }

    /// Ends everything after all went well.
    pub async fn end(self) {
        self.kit.finish().await;
    }
}

/// The objects in a text.
pub fn read(text: &str) -> Result<Vec<Manifest>> {
    let objects = capstan_yaml::read(text, "a test's objects")?;
    Ok(objects.into_iter().map(Manifest::try_from).collect::<Result<_, _>>()?)
}

/// Waits until a Deployment is available.
pub async fn deployed(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    let available = |object: &Manifest| condition(object, "Available");
    let gvk = kind("apps/v1", "Deployment");
    wait_for(cluster, &gvk, (namespace, name), PATIENCE, available).await?;
    Ok(())
}

/// Waits until an object is Ready.
pub async fn ready(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    place: (&str, &str),
) -> Result<Manifest> {
    wait_for(cluster, gvk, place, PATIENCE, |object| condition(object, "Ready")).await
}

/// Waits until a condition of an object has this status and reason; gives its message.
pub async fn says(
    cluster: &Cluster,
    gvk: &GroupVersionKind,
    place: (&str, &str),
    (type_, status, reason): (&str, &str, &str),
) -> Result<String> {
    let holds = |object: &Manifest| {
        find_condition(object, type_)
            .is_some_and(|found| found["status"] == status && found["reason"] == reason)
    };
    let object = wait_for(cluster, gvk, place, PATIENCE, holds).await?;
    let found = find_condition(&object, type_).context("a condition that just was there")?;
    Ok(found["message"].as_str().unwrap_or_default().to_owned())
}

/// The administrator's view of a cluster of the kit.
pub async fn administrator(of: &capstan_kit::Cluster) -> Result<Cluster> {
    connect(of.kubeconfig()).await
}

/// The cluster that a kubeconfig file names.
pub async fn connect(kubeconfig: &Path) -> Result<Cluster> {
    let text = std::fs::read_to_string(kubeconfig).context("a cluster has a kubeconfig")?;
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&text)?;
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(Cluster::from_config(config)?)
}
