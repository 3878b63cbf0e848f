//! The command lines of a control plane's programs, tuned for a fast start and little at rest.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::certs::Certs;
use crate::process::ProcessSpec;

/// The address of Service default/kubernetes: the first of the Service range.
pub(super) const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 100, 0, 1);
/// The range that Services get their addresses from.
const SERVICE_RANGE: &str = "10.100.0.0/16";

/// Controllers that only burn time here: nothing in the kit reads what they write.
/// EndpointSlices cannot hold the loopback addresses of the kit's pods.
const IDLE_CONTROLLERS: [&str; 14] = [
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "horizontal-pod-autoscaler-controller",
    "device-taint-eviction-controller",
    "resourceclaim-controller",
    "podcertificaterequest-cleaner-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "ephemeral-volume-controller",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector-controller",
    "validatingadmissionpolicy-status-controller",
    "node-ipam-controller",
];

/// Ports of one control plane, all on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) api: u16,
    pub(super) etcd: u16,
    pub(super) etcd_peer: u16,
}

/// etcd: one member, nothing synced to disk.
pub(super) fn etcd(program: &Path, ports: Ports, data: &Path, log: PathBuf) -> ProcessSpec {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    ProcessSpec::new(program, log)
        .arg("--unsafe-no-fsync")
        .args(["--name=kit", "--log-level=warn"])
        .arg(format!("--data-dir={}", data.display()))
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=kit={peer}"))
        .args(["--heartbeat-interval=100", "--election-timeout=1000"])
}

/// What the API server's command line depends on.
pub(super) struct ApiServer<'a> {
    pub(super) program: &'a Path,
    pub(super) ports: Ports,
    pub(super) certs: &'a Certs,
    pub(super) issuer: &'a str,
    pub(super) webhook: Option<&'a Path>,
    pub(super) log: PathBuf,
}

/// kube-apiserver with RBAC and bound ServiceAccount tokens.
pub(super) fn apiserver(with: &ApiServer<'_>) -> ProcessSpec {
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    let mut spec = ProcessSpec::new(with.program, with.log.clone())
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", with.ports.etcd))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--secure-port={}", with.ports.api))
        .arg(file("tls-cert-file", &with.certs.server))
        .arg(file("tls-private-key-file", &with.certs.server_key))
        .arg(file("client-ca-file", &with.certs.ca))
        .arg(file("service-account-key-file", &with.certs.sa_public))
        .arg(file("service-account-signing-key-file", &with.certs.sa_key))
        .arg(format!("--service-account-issuer={}", with.issuer))
        .arg(format!("--api-audiences={},https://kubernetes.default.svc", with.issuer))
        .arg(format!("--service-cluster-ip-range={SERVICE_RANGE}"))
        .args(["--authorization-mode=RBAC", "--allow-privileged=true"])
        // A loopback address cannot be an endpoint of Service default/kubernetes.
        .args(["--endpoint-reconciler-type=none", "--profiling=false"])
        // Names of nodes resolve to nothing here; logs are asked for at their addresses.
        .arg("--kubelet-preferred-address-types=InternalIP")
        .args(["--shutdown-delay-duration=0s", "--v=0"]);
    if let Some(webhook) = with.webhook {
        spec = spec
            .arg(file("authentication-token-webhook-config-file", webhook))
            .arg("--authentication-token-webhook-version=v1")
            .arg("--authentication-token-webhook-cache-ttl=5s");
    }
    spec
}

/// kube-controller-manager with the controllers that the kit's workloads need.
pub(super) fn controllers(
    program: &Path,
    kubeconfig: &Path,
    certs: &Certs,
    log: PathBuf,
) -> ProcessSpec {
    let off: Vec<String> = IDLE_CONTROLLERS.iter().map(|name| format!("-{name}")).collect();
    ProcessSpec::new(program, log)
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--controllers=*,{}", off.join(",")))
        .arg(format!("--root-ca-file={}", certs.ca.display()))
        .arg(format!("--service-account-private-key-file={}", certs.sa_key.display()))
        .args(["--leader-elect=false", "--secure-port=0", "--profiling=false", "--v=0"])
        .args(["--kube-api-qps=200", "--kube-api-burst=400"])
        // The nodes of the kit do not beat: they are ready until they are removed.
        .args(["--node-monitor-grace-period=720h", "--node-startup-grace-period=720h"])
}
