//! What the agent is told at its start: the flags of Flux's controllers under their names, and a few of its own.

mod accepted;
mod gates;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};

pub(crate) use accepted::Accepted;
pub(crate) use gates::{Gates, WORKLOAD_IDENTITY};
use values::{address, duration, percentage, selector, service_account};

/// Pulls Git repositories, builds, substitutes and applies them in the cluster it runs in.
#[derive(Clone, Debug, Parser)]
#[command(name = "capstan-agent", version, args_override_self = true)]
pub(crate) struct Args {
    /// Folder of the repository cache and the artifacts.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub(crate) storage_path: PathBuf,
    /// Where artifacts are served.
    #[arg(long, env = "STORAGE_ADDR", default_value = ":9090", value_parser = address)]
    pub(crate) storage_addr: SocketAddr,
    /// Host (and port) under which other pods reach the artifacts.
    #[arg(
        long,
        env = "STORAGE_ADV_ADDR",
        default_value = "source-controller.flux-system.svc.cluster.local."
    )]
    pub(crate) storage_adv_addr: String,
    /// Where webhooks are received.
    #[arg(long, alias = "receiverAddr", default_value = ":9292", value_parser = address)]
    pub(crate) receiver_addr: SocketAddr,
    /// Where `/healthz` and `/readyz` answer.
    #[arg(long, default_value = ":9440", value_parser = address)]
    pub(crate) health_addr: SocketAddr,
    /// Where `/metrics` answers.
    #[arg(long, default_value = ":8080", value_parser = address)]
    pub(crate) metrics_addr: SocketAddr,
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
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub(crate) no_managed_resources: bool,
    /// Refuses remote bases: a build reads nothing but its source.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub(crate) no_remote_bases: bool,
    /// Refuses to name objects of another namespace.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
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
    /// ServiceAccount of a Kustomization's namespace that asks key services for it where it names none.
    #[arg(long, default_value = "")]
    pub(crate) default_decryption_service_account: String,
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
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub(crate) prune_guard: bool,
    /// trace, debug, info, warn or error.
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
    /// json or console.
    #[arg(long, default_value = "json")]
    pub(crate) log_encoding: String,
    /// Requests a second that may go to an API server; unlimited when 0.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) kube_api_qps: f64,
    /// Requests that may go to an API server at once, with --kube-api-qps.
    #[arg(long, default_value_t = 300)]
    pub(crate) kube_api_burst: u32,
    /// The delay after the first failure; it doubles with each.
    #[arg(long, default_value = "750ms", value_parser = duration)]
    pub(crate) min_retry_delay: Duration,
    /// No delay after a failure is longer. Flux has 15m; what failed is woken by what it waits for anyway.
    #[arg(long, default_value = "1m", value_parser = duration)]
    pub(crate) max_retry_delay: Duration,
    /// Intervals are spread by so many percent.
    #[arg(long, default_value_t = 5, value_parser = percentage)]
    pub(crate) interval_jitter_percentage: u8,
    /// Works on all namespaces; else on its own only.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub(crate) watch_all_namespaces: bool,
    /// Works only on objects with these labels, such as `sharding.fluxcd.io/key=shard1`.
    #[arg(long, default_value = "", value_parser = selector)]
    pub(crate) watch_label_selector: String,
    /// Works only while it holds a Lease, so that of several agents one does.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub(crate) enable_leader_election: bool,
    /// Gives the Lease away at the end.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub(crate) leader_election_release_on_cancel: bool,
    /// A Lease that was not renewed for so long may be taken over.
    #[arg(long, default_value = "35s", value_parser = duration)]
    pub(crate) leader_election_lease_duration: Duration,
    /// A leader who could not renew for so long ends.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) leader_election_renew_deadline: Duration,
    /// Between two tries to get or renew the Lease.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) leader_election_retry_period: Duration,
    /// How long work that has begun may go on after SIGTERM.
    #[arg(long, default_value = "25s", value_parser = duration)]
    pub(crate) graceful_shutdown_timeout: Duration,
    /// Flux's feature gates, as `<name>=true,<name>=false`.
    #[arg(long, default_value = "", value_parser = Gates::read)]
    pub(crate) feature_gates: Gates,
    #[command(flatten)]
    pub(crate) accepted: Accepted,
}

impl Args {
    /// Says what cannot be as it was asked for.
    ///
    /// # Errors
    /// When the agent must not start like this.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.accepted.check()?;
        let (lease, renew, retry) = (
            self.leader_election_lease_duration,
            self.leader_election_renew_deadline,
            self.leader_election_retry_period,
        );
        anyhow::ensure!(
            lease > renew && renew > retry && !retry.is_zero(),
            "--leader-election-lease-duration must be longer than --leader-election-renew-deadline, and that longer than \
             --leader-election-retry-period"
        );
        anyhow::ensure!(
            self.default_decryption_service_account.is_empty()
                || self.feature_gates.is_on(WORKLOAD_IDENTITY),
            "cannot set default service accounts when the feature gate {WORKLOAD_IDENTITY} is not enabled: add \
             --feature-gates={WORKLOAD_IDENTITY}=true, or leave --default-decryption-service-account out"
        );
        anyhow::ensure!(self.concurrent > 0, "--concurrent must be at least 1");
        anyhow::ensure!(
            self.kube_api_qps >= 0.0 && self.kube_api_qps.is_finite(),
            "--kube-api-qps must be a number that is not negative"
        );
        Ok(())
    }

    /// Logs, once, what was asked for and has no meaning here.
    pub(crate) fn tell(&self) {
        for (flag, why) in self.accepted.given() {
            tracing::info!(flag, "this flag is accepted and changes nothing: {why}");
        }
        for (gate, value) in self.feature_gates.without_effect() {
            tracing::info!(gate, value, "this feature gate is accepted and changes nothing");
        }
    }

    /// Does this agent work on objects without labels? One that does not is a shard beside another that does.
    pub(crate) fn is_main(&self) -> bool {
        let selector = self.watch_label_selector.parse::<capstan_model::LabelSelector>();
        selector.is_ok_and(|selector| selector.matches(|_| None))
    }
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::Parser;
    use std::time::Duration;

    fn read(flags: &[&str]) -> Result<Args, String> {
        let all = ["capstan-agent"].into_iter().chain(flags.iter().copied());
        Args::try_parse_from(all).map_err(|error| error.to_string())
    }

    /// The arguments of Flux's five controllers in gotk-components.yaml of 2.9, and of its documented patches.
    #[test]
    fn the_arguments_of_flux_are_taken() {
        let args = read(&[
            "--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./",
            "--watch-all-namespaces=true",
            "--log-level=debug",
            "--log-encoding=json",
            "--enable-leader-election",
            "--storage-path=/data",
            "--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.local.",
            "--concurrent=4",
            "--concurrent=10",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--requeue-dependency=5s",
            "--no-cross-namespace-refs=true",
            "--no-remote-bases=true",
            "--default-service-account=default",
            "--watch-label-selector=!sharding.fluxcd.io/key",
            "--feature-gates=StrictPostBuildSubstitutions=true,GroupChangeLog=true",
            "--receiverAddr=:9999",
            "--override-manager=kubectl",
            "--override-manager=argocd",
            "--helm-cache-max-size=10",
            "--helm-cache-ttl=60m",
            "--helm-cache-purge-interval=5m",
            "--artifact-retention-ttl=2m",
            "--artifact-digest-algo=blake3",
            "--token-cache-max-size=0",
            "--rate-limit-interval=10m",
            "--ssh-kex-algos=diffie-hellman-group14-sha1,diffie-hellman-group14-sha256",
            "--sops-age-secret=sops-age",
        ])
        .expect("they are known");
        args.check().expect("they fit together");
        assert_eq!(args.concurrent, 10, "the last counts");
        assert_eq!(args.receiver_addr.to_string(), "0.0.0.0:9999");
        assert!(
            args.no_cross_namespace_refs && args.no_remote_bases && args.enable_leader_election
        );
        assert!(args.is_main());
        assert_eq!(args.override_manager, ["kubectl", "argocd"]);
        assert_eq!(args.leader_election_lease_duration, Duration::from_secs(35));
        let told: Vec<_> = args.accepted.given().into_iter().map(|(flag, _)| flag).collect();
        assert!(told.contains(&"--requeue-dependency") && told.contains(&"--helm-cache-ttl"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for flags in [
            &["--no-such-flag"][..],
            &["--feature-gates=NoSuchGate=true"],
            &["--feature-gates=GroupChangeLog=maybe"],
            &["--interval-jitter-percentage=100"],
            &["--watch-label-selector=a in"],
            &["--min-retry-delay=1d"],
            &["--metrics-addr=8080"],
        ] {
            assert!(read(flags).is_err(), "{flags:?}");
        }
        for flags in [
            &["--insecure-kubeconfig-exec"][..],
            &["--insecure-kubeconfig-tls=true"],
            &["--leader-election-renew-deadline=40s"],
            &["--concurrent=0"],
            &["--kube-api-qps=-1"],
            &["--default-decryption-service-account=decryptor"],
        ] {
            assert!(read(flags).expect("it can be read").check().is_err(), "{flags:?}");
        }
        assert!(
            read(&["--insecure-kubeconfig-exec=false"]).expect("it can be read").check().is_ok()
        );
    }

    #[test]
    fn identities_of_service_accounts_are_a_gate_away() {
        let gated = read(&[
            "--feature-gates=ObjectLevelWorkloadIdentity=true",
            "--default-decryption-service-account=decryptor",
        ])
        .expect("known");
        gated.check().expect("they fit together");
        assert!(gated.feature_gates.is_on("ObjectLevelWorkloadIdentity"));
        assert!(gated.feature_gates.without_effect().is_empty(), "it has an effect");
        assert!(!read(&[]).expect("nothing").feature_gates.is_on("ObjectLevelWorkloadIdentity"));
    }

    #[test]
    fn a_shard_is_not_the_main_agent() {
        let shard = read(&["--watch-label-selector=sharding.fluxcd.io/key=shard1"]).expect("known");
        assert!(!shard.is_main());
        assert!(read(&[]).expect("nothing").is_main());
    }
}
