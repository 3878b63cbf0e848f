use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// Pulls Git repositories, builds, substitutes and applies them in the cluster it runs in.
#[derive(Clone, Debug, Parser)]
#[command(name = "capstan-agent", version)]
pub(crate) struct Args {
    /// Folder of the repository cache and the artifacts.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub(crate) storage_path: PathBuf,
    /// Where artifacts are served.
    #[arg(long, env = "STORAGE_ADDR", default_value = "0.0.0.0:9090")]
    pub(crate) storage_addr: SocketAddr,
    /// Host (and port) under which other pods reach the artifacts.
    #[arg(
        long,
        env = "STORAGE_ADV_ADDR",
        default_value = "source-controller.flux-system.svc.cluster.local."
    )]
    pub(crate) storage_adv_addr: String,
    /// Where webhooks are received.
    #[arg(long, default_value = "0.0.0.0:9292")]
    pub(crate) receiver_addr: SocketAddr,
    /// Where `/healthz` and `/readyz` answer.
    #[arg(long, default_value = "0.0.0.0:9440")]
    pub(crate) health_addr: SocketAddr,
    /// How many sources or units are worked on at once.
    #[arg(long, default_value_t = 8)]
    pub(crate) concurrent: usize,
    /// Namespace of the agent's own objects.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "flux-system")]
    pub(crate) runtime_namespace: String,
    /// ServiceAccount, as namespace/name, whose annotation eks.amazonaws.com/role-arn names our AWS role.
    #[arg(long, default_value = "crossplane-system/provider-aws-capstan", value_parser = service_account)]
    pub(crate) aws_service_account: (String, String),
    /// Does not reconcile AWS resources: the hub does, in the management cluster.
    #[arg(long)]
    pub(crate) no_managed_resources: bool,
    /// Refuses remote bases: a build reads nothing but its source.
    #[arg(long)]
    pub(crate) no_remote_bases: bool,
    /// Refuses to name objects of another namespace.
    #[arg(long)]
    pub(crate) no_cross_namespace_refs: bool,
    /// Where the keys are that sign the tokens of Google's Pub/Sub.
    #[arg(long, hide = true, default_value = "https://www.googleapis.com/oauth2/v3/certs")]
    pub(crate) google_keys_url: String,
    /// ServiceAccount that is impersonated where a Kustomization names none.
    #[arg(long, default_value = "")]
    pub(crate) default_service_account: String,
    /// Secret of the agent's namespace with age keys, for Kustomizations that decrypt and name no Secret.
    #[arg(long, default_value = "")]
    pub(crate) sops_age_secret: String,
    /// ServiceAccount whose token is used for a remote cluster where its ConfigMap names none.
    #[arg(long, default_value = "")]
    pub(crate) default_kubeconfig_service_account: String,
    /// A field manager whose changes are undone, besides kubectl; may be given several times.
    #[arg(long)]
    pub(crate) override_manager: Vec<String>,
    /// Kinds that are applied after definitions and before everything else, as `group/Kind,group/Kind`.
    #[arg(long, default_value = "")]
    pub(crate) custom_apply_stage_kinds: String,
    /// Stops a revision that would delete more than ten objects and 30 % of a Kustomization's, or a CRD or Namespace that is in use,
    /// until it is approved.
    #[arg(long)]
    pub(crate) prune_guard: bool,
    /// trace, debug, info, warn or error.
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
    /// json or console.
    #[arg(long, default_value = "json")]
    pub(crate) log_encoding: String,
}

fn service_account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write it as <namespace>/<name>".to_owned()),
    }
}
