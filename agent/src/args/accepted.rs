use std::time::Duration;

use clap::{ArgAction, Args};

use super::values::duration;

/// Flags of Flux's controllers that have no meaning here, or that wait for who uses them. They are taken, so that what was
/// written for Flux keeps working.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Accepted for what was written for Flux")]
pub(crate) struct Accepted {
    /// Where Flux's controllers post events.
    #[arg(long, default_value = "")]
    pub(crate) events_addr: String,
    /// ConfigMap with the addresses of Vault, whose keys are not used.
    #[arg(long, default_value = "")]
    sops_vault_configmap: String,
    /// Refused: a kubeconfig that comes as data runs no program.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    insecure_kubeconfig_exec: bool,
    /// Refused: the certificate of a cluster is checked.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    insecure_kubeconfig_tls: bool,
    #[command(flatten)]
    idle: Idle,
}

/// Flags that change nothing.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Accepted and without effect")]
struct Idle {
    #[arg(long, value_parser = duration)]
    requeue_dependency: Option<Duration>,
    #[arg(long)]
    concurrent_ssa: Option<u32>,
    #[arg(long)]
    http_retry: Option<u32>,
    #[arg(long, value_parser = duration)]
    http_timeout: Option<Duration>,
    #[arg(long)]
    watch_configs_label_selector: Option<String>,
    #[arg(long)]
    token_cache_max_size: Option<u32>,
    #[arg(long, value_parser = duration)]
    token_cache_max_duration: Option<Duration>,
    #[arg(long, value_parser = duration)]
    artifact_retention_ttl: Option<Duration>,
    #[arg(long)]
    artifact_retention_records: Option<u32>,
    #[arg(long)]
    artifact_digest_algo: Option<String>,
    #[arg(long)]
    snapshot_digest_algo: Option<String>,
    #[arg(long, value_parser = duration)]
    rate_limit_interval: Option<Duration>,
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    export_http_path_metrics: Option<bool>,
    #[arg(long)]
    helm_index_max_size: Option<u64>,
    #[arg(long)]
    helm_chart_max_size: Option<u64>,
    #[arg(long)]
    helm_chart_file_max_size: Option<u64>,
    #[arg(long)]
    helm_cache_max_size: Option<u64>,
    #[arg(long, value_parser = duration)]
    helm_cache_ttl: Option<Duration>,
    #[arg(long, value_parser = duration)]
    helm_cache_purge_interval: Option<Duration>,
    #[arg(long)]
    ssh_kex_algos: Option<String>,
    #[arg(long)]
    ssh_hostkey_algos: Option<String>,
    #[arg(long)]
    oom_watch_memory_threshold: Option<u8>,
    #[arg(long, value_parser = duration)]
    oom_watch_interval: Option<Duration>,
    #[arg(long)]
    oom_watch_max_memory_path: Option<String>,
    #[arg(long)]
    oom_watch_current_memory_path: Option<String>,
}

impl Accepted {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.insecure_kubeconfig_exec,
            "--insecure-kubeconfig-exec is refused: whoever may write a Secret must not run programs here; put a token or a \
             certificate into the kubeconfig"
        );
        anyhow::ensure!(
            !self.insecure_kubeconfig_tls,
            "--insecure-kubeconfig-tls is refused: put certificate-authority-data into the kubeconfig"
        );
        Ok(())
    }

    /// The flags that were given and change nothing, and why.
    pub(super) fn given(&self) -> Vec<(&'static str, &'static str)> {
        let idle = &self.idle;
        let watched = "everything that is referenced is watched";
        let memory = "units build from memory, not from artifacts over HTTP";
        let helm = "charts are not rendered yet";
        let all = [
            ("--events-addr", !self.events_addr.is_empty(), "events go to the API server"),
            (
                "--sops-vault-configmap",
                !self.sops_vault_configmap.is_empty(),
                "keys of Vault and OpenBao are not used: of the services that hold keys, only AWS KMS is",
            ),
            ("--requeue-dependency", idle.requeue_dependency.is_some(), watched),
            ("--concurrent-ssa", idle.concurrent_ssa.is_some(), "a plan bounds itself"),
            ("--http-retry", idle.http_retry.is_some(), memory),
            ("--http-timeout", idle.http_timeout.is_some(), memory),
            (
                "--watch-configs-label-selector",
                idle.watch_configs_label_selector.is_some(),
                watched,
            ),
            (
                "--token-cache-max-size",
                idle.token_cache_max_size.is_some(),
                "tokens are held until they expire",
            ),
            (
                "--token-cache-max-duration",
                idle.token_cache_max_duration.is_some(),
                "tokens are held until they expire",
            ),
            (
                "--artifact-retention-ttl",
                idle.artifact_retention_ttl.is_some(),
                "the last two artifacts are kept",
            ),
            (
                "--artifact-retention-records",
                idle.artifact_retention_records.is_some(),
                "the last two artifacts are kept",
            ),
            ("--artifact-digest-algo", idle.artifact_digest_algo.is_some(), "digests are SHA-256"),
            ("--snapshot-digest-algo", idle.snapshot_digest_algo.is_some(), helm),
            (
                "--rate-limit-interval",
                idle.rate_limit_interval.is_some(),
                "events are not dispatched yet",
            ),
            (
                "--export-http-path-metrics",
                idle.export_http_path_metrics.is_some(),
                "paths hold digests of tokens",
            ),
            ("--helm-index-max-size", idle.helm_index_max_size.is_some(), helm),
            ("--helm-chart-max-size", idle.helm_chart_max_size.is_some(), helm),
            ("--helm-chart-file-max-size", idle.helm_chart_file_max_size.is_some(), helm),
            ("--helm-cache-max-size", idle.helm_cache_max_size.is_some(), helm),
            ("--helm-cache-ttl", idle.helm_cache_ttl.is_some(), helm),
            ("--helm-cache-purge-interval", idle.helm_cache_purge_interval.is_some(), helm),
            ("--ssh-kex-algos", idle.ssh_kex_algos.is_some(), "ssh is that of the system"),
            ("--ssh-hostkey-algos", idle.ssh_hostkey_algos.is_some(), "ssh is that of the system"),
            ("--oom-watch-memory-threshold", idle.oom_watch_memory_threshold.is_some(), helm),
            ("--oom-watch-interval", idle.oom_watch_interval.is_some(), helm),
            ("--oom-watch-max-memory-path", idle.oom_watch_max_memory_path.is_some(), helm),
            ("--oom-watch-current-memory-path", idle.oom_watch_current_memory_path.is_some(), helm),
        ];
        all.into_iter().filter(|(_, given, _)| *given).map(|(flag, _, why)| (flag, why)).collect()
    }
}
