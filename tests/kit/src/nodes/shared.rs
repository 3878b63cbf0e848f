//! What the tasks of all pods of a cluster share.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;

use super::{NodesSpec, ignore_missing};
use crate::ports::LoopbackBlock;
use crate::process::Process;

/// Last octets of nodes; pods have the ones above.
const NODES: std::ops::RangeInclusive<u8> = 1..=20;

/// Shared by the tasks of all pods.
pub(super) struct Shared {
    pub(super) spec: NodesSpec,
    /// Asks readiness probes.
    pub(super) prober: reqwest::Client,
    block: LoopbackBlock,
    taken: Mutex<Taken>,
    pretended: AtomicU16,
    processes: Mutex<HashMap<String, Vec<Running>>>,
}

/// Last octets of addresses that are in use.
#[derive(Default)]
struct Taken {
    nodes: BTreeMap<String, u8>,
    pods: std::collections::BTreeSet<u8>,
    last: u8,
}

/// A process of a pod.
struct Running {
    namespace: String,
    labels: BTreeMap<String, String>,
    process: Arc<Process>,
}

impl Shared {
    pub(super) fn new(spec: NodesSpec) -> Result<Self> {
        let shared = Self {
            // A certificate of a pod is nobody's business here, nor is a proxy of this machine.
            prober: reqwest::Client::builder()
                .no_proxy()
                .tls_danger_accept_invalid_certs(true)
                .build()
                .context("cannot make an HTTP client")?,
            block: LoopbackBlock::take()?,
            taken: Mutex::default(),
            pretended: AtomicU16::new(0),
            processes: Mutex::default(),
            spec,
        };
        let dir = shared.log_dir();
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(shared)
    }

    pub(super) fn client(&self) -> Client {
        self.spec.client.clone()
    }

    pub(super) fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client(), namespace)
    }

    pub(super) fn log_dir(&self) -> PathBuf {
        self.spec.dir.join("pod-logs")
    }

    pub(super) fn pod_dir(&self, uid: &str) -> PathBuf {
        self.spec.dir.join("pods").join(uid)
    }

    /// The address of a node, always the same one.
    pub(super) fn node_address(&self, name: &str) -> Ipv4Addr {
        let mut taken = lock(&self.taken);
        let count = u8::try_from(taken.nodes.len()).unwrap_or(0);
        let next = NODES.start() + count % (NODES.end() - NODES.start() + 1);
        self.block.address(*taken.nodes.entry(name.to_owned()).or_insert(next))
    }

    /// A loopback address for a pod with processes, free again when the value is dropped.
    pub(super) fn pod_address(self: &Arc<Self>) -> Result<PodAddress> {
        let mut taken = lock(&self.taken);
        let pods = NODES.end() + 1..=254;
        // Go round: an address that was just freed may still be remembered by somebody.
        let after = pods.clone().filter(|octet| *octet > taken.last);
        let octet = after.chain(pods).find(|octet| !taken.pods.contains(octet));
        let Some(octet) = octet else { bail!("every address for pods with processes is in use") };
        taken.pods.insert(octet);
        taken.last = octet;
        let ip = self.block.address(octet);
        Ok(PodAddress { ip, octet, shared: Arc::clone(self) })
    }

    /// An address for a pod that only pretends. Nobody can reach it.
    pub(super) fn pretended_address(&self) -> Ipv4Addr {
        let [high, low] = self.pretended.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Ipv4Addr::new(10, 244, high, low)
    }

    /// Remembers the process of a container; the one before it is forgotten.
    pub(super) fn remember(&self, pod: &Pod, process: &Arc<Process>) {
        let mut processes = lock(&self.processes);
        let of_pod = processes.entry(uid(pod).to_owned()).or_default();
        of_pod.retain(|one| one.process.try_exit().is_none());
        of_pod.push(Running {
            namespace: pod.metadata.namespace.clone().unwrap_or_default(),
            labels: pod.metadata.labels.clone().unwrap_or_default(),
            process: Arc::clone(process),
        });
    }

    /// Forgets the processes of a pod, which ends them unless somebody else holds them.
    pub(super) fn forget(&self, uid: &str) {
        let forgotten = lock(&self.processes).remove(uid);
        drop(forgotten);
    }

    pub(super) fn kill(&self, namespace: &str, key: &str, value: &str) -> usize {
        let processes = lock(&self.processes);
        let matching = processes.values().flatten().filter(|one| {
            one.namespace == namespace
                && one.labels.get(key).is_some_and(|label| label == value)
                && one.process.try_exit().is_none()
        });
        matching.map(|one| one.process.kill()).count()
    }

    pub(super) fn kill_everything(&self) {
        for one in lock(&self.processes).values().flatten() {
            one.process.kill();
        }
    }

    /// Writes the status of a pod, however long that takes. False when the pod is gone.
    pub(super) async fn write_status(&self, pod: &Pod, status: &PodStatus) -> bool {
        let (namespace, name) = place(pod);
        let patch = Patch::Merge(json!({
            "metadata": { "uid": uid(pod) },
            "status": status,
        }));
        let mut pause = Duration::from_millis(50);
        loop {
            let api = self.pods(namespace);
            match api.patch_status(name, &PatchParams::default(), &patch).await {
                Ok(_) => return true,
                // 409: another pod has the name by now.
                Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => return false,
                Err(error) => {
                    tracing::warn!(%error, namespace, name, "cannot write the status of a pod");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        }
    }

    /// Takes a pod out of the API, as a kubelet does once nothing of it runs.
    pub(super) async fn delete_pod(&self, pod: &Pod) -> kube::Result<()> {
        let (namespace, name) = place(pod);
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(uid(pod).to_owned()),
                ..Preconditions::default()
            }),
            ..DeleteParams::default()
        };
        match self.pods(namespace).delete(name, &params).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => ignore_missing(other),
        }
    }
}

/// A loopback address of one pod.
pub(super) struct PodAddress {
    pub(super) ip: Ipv4Addr,
    octet: u8,
    shared: Arc<Shared>,
}

impl Drop for PodAddress {
    fn drop(&mut self) {
        lock(&self.shared.taken).pods.remove(&self.octet);
    }
}

/// The pod's unique id.
pub(super) fn uid(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}

/// Namespace and name.
pub(super) fn place(pod: &Pod) -> (&str, &str) {
    let meta = &pod.metadata;
    (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
