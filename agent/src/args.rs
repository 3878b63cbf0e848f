use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// Pulls Git repositories, builds, substitutes and applies them in the cluster it runs in.
#[derive(Clone, Debug, Parser)]
#[command(name = "capstan-agent", version)]
pub struct Args {
    /// Folder of the repository cache and the artifacts.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub storage_path: PathBuf,
    /// Where artifacts are served.
    #[arg(long, env = "STORAGE_ADDR", default_value = "0.0.0.0:9090")]
    pub storage_addr: SocketAddr,
    /// Host (and port) under which other pods reach the artifacts.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "source-controller.flux-system.svc.cluster.local.")]
    pub storage_adv_addr: String,
    /// Where webhooks are received.
    #[arg(long, default_value = "0.0.0.0:9292")]
    pub receiver_addr: SocketAddr,
    /// Where `/healthz` and `/readyz` answer.
    #[arg(long, default_value = "0.0.0.0:9440")]
    pub health_addr: SocketAddr,
    /// How many sources or units are worked on at once.
    #[arg(long, default_value_t = 8)]
    pub concurrent: usize,
    /// Namespace of the agent's own objects.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "flux-system")]
    pub runtime_namespace: String,
    /// ServiceAccount, as namespace/name, whose annotation eks.amazonaws.com/role-arn names our AWS role.
    #[arg(long, default_value = "crossplane-system/provider-aws-capstan")]
    pub aws_service_account: String,
    /// Does not reconcile AWS resources: the hub does, in the management cluster.
    #[arg(long)]
    pub no_managed_resources: bool,
    /// trace, debug, info, warn or error.
    #[arg(long, default_value = "info")]
    pub log_level: String,
    /// json or console.
    #[arg(long, default_value = "json")]
    pub log_encoding: String,
}
