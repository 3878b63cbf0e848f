//! The kubelet stand-in: nodes that run pods without root.
//!
//! Pods of the product's own images, and of Flux's controllers, run as local processes with the pod's environment, arguments,
//! volumes and ServiceAccount token, at a loopback address of their own. Every other pod is reported
//! as running and ready at once, except one whose image is tagged `fails`: it never is. There is no
//! scheduler: the stand-in binds pods itself, and a cluster without nodes runs none.

mod binder;
mod container;
mod files;
mod keeper;
mod logs;
mod node;
mod pod_env;
mod probe;
mod runner;
mod shared;
mod status;
mod volumes;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::git::TlsDoor;
use crate::plane::{ControlPlane, Target};
use logs::LogServer;
use shared::Shared;

pub use files::STS_AUDIENCE;

/// What the nodes of one cluster need to know.
#[derive(Clone)]
pub struct NodesSpec {
    /// A client with the rights of a kubelet and a scheduler.
    pub client: Client,
    /// The cluster, for the kubeconfigs of pods.
    pub target: Target,
    /// Where logs and pod folders go.
    pub dir: PathBuf,
    /// Where the programs of the product's images are.
    pub programs: PathBuf,
    /// The AWS that pods see, if any.
    pub aws: Option<AwsAccess>,
}

/// The AWS that pods see.
#[derive(Debug, Clone)]
pub struct AwsAccess {
    /// The URL of every service, set as `AWS_ENDPOINT_URL` in every process.
    pub endpoint_url: String,
    /// The region that pods with a role find in `AWS_REGION`.
    pub region: String,
}

impl NodesSpec {
    /// For a control plane of the kit, with the programs that were built beside this one.
    ///
    /// # Errors
    /// When the folder of this program is not known.
    pub fn of(plane: &ControlPlane, dir: &Path) -> Result<Self> {
        Ok(Self {
            client: plane.client(),
            target: plane.target(),
            dir: dir.to_owned(),
            programs: programs_dir()?,
            aws: None,
        })
    }
}

/// The folder with the product's programs: `CAPSTAN_BIN`, else where cargo put this program.
///
/// # Errors
/// When this program does not know its own path.
pub fn programs_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("CAPSTAN_BIN") {
        return Ok(dir.into());
    }
    let this = std::env::current_exe().context("this program does not know its own path")?;
    let dir = this.parent().context("this program is in no folder")?;
    // Tests are one folder deeper than programs.
    let is_test = dir.ends_with("deps") || dir.ends_with("examples");
    Ok(if is_test { dir.parent().unwrap_or(dir) } else { dir }.to_owned())
}

/// The nodes of one cluster. Dropping it kills the processes of all pods.
pub struct Nodes {
    shared: Arc<Shared>,
    keeper: Mutex<Option<Keeper>>,
    logs: LogServer,
    /// Where the API server asks each node for logs.
    doors: Mutex<BTreeMap<String, TlsDoor>>,
}

struct Keeper {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Nodes {
    /// Starts to look after the pods of a cluster. It has no nodes yet.
    ///
    /// # Errors
    /// When the folder cannot be made or no loopback addresses are free.
    pub async fn start(spec: NodesSpec) -> Result<Self> {
        let shared = Arc::new(Shared::new(spec)?);
        let logs = LogServer::start(shared.log_dir()).await?;
        let nodes = Self { shared, keeper: Mutex::default(), logs, doors: Mutex::default() };
        nodes.resume();
        Ok(nodes)
    }

    /// Adds a ready node.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn add(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<()> {
        let address = self.shared.node_address(name);
        let port = self.open_door(name, address).await?;
        let node = node::node(name, labels, (address, port), Timestamp::now());
        let api = self.nodes();
        match api.create(&PostParams::default(), &node).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => self.renew(name, &node).await,
            Err(error) => Err(error).with_context(|| format!("cannot add the node {name}")),
        }
    }

    /// Has logs served at the address of a node; gives the port.
    async fn open_door(&self, name: &str, address: Ipv4Addr) -> Result<u16> {
        let door = TlsDoor::open(address, self.logs.address(), false).await?;
        let port = door.port();
        self.doors().insert(name.to_owned(), door);
        Ok(port)
    }

    fn doors(&self) -> MutexGuard<'_, BTreeMap<String, TlsDoor>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn renew(&self, name: &str, node: &Node) -> Result<()> {
        let labels = Patch::Merge(json!({ "metadata": { "labels": node.metadata.labels } }));
        let status = Patch::Merge(json!({ "status": node.status }));
        let (api, params) = (self.nodes(), PatchParams::default());
        api.patch(name, &params, &labels).await.context("cannot label a node")?;
        api.patch_status(name, &params, &status).await.context("cannot renew a node")?;
        Ok(())
    }

    /// Removes a node with its pods, as when the machine is terminated: their processes are killed.
    ///
    /// # Errors
    /// When the API server refuses; a node that is not there is no error.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let gone = ignore_missing(self.nodes().delete(name, &DeleteParams::default()).await);
        gone.with_context(|| format!("cannot remove the node {name}"))?;
        self.doors().remove(name);
        let pods: Api<Pod> = Api::all(self.shared.client());
        let on_node = ListParams::default().fields(&format!("spec.nodeName={name}"));
        for pod in pods.list(&on_node).await.context("cannot list the pods of a node")? {
            self.shared.delete_pod(&pod).await.context("cannot delete a pod")?;
        }
        Ok(())
    }

    /// The names of the cluster's nodes.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn names(&self) -> Result<Vec<String>> {
        let nodes = self.nodes().list(&ListParams::default()).await.context("cannot list nodes")?;
        Ok(nodes.into_iter().filter_map(|node| node.metadata.name).collect())
    }

    /// Kills (SIGKILL) the processes of the pods with this label (`key=value`), as a crash would,
    /// and returns how many there were. They are started again after a back-off.
    ///
    /// # Errors
    /// When no process of such a pod runs, or `label` is not of the form `key=value`.
    pub fn kill_pod_process(&self, namespace: &str, label: &str) -> Result<usize> {
        let (key, value) = label.split_once('=').context("a label is written key=value")?;
        let killed = self.shared.kill(namespace, key, value);
        if killed == 0 {
            bail!("no process of a pod in {namespace} with label {label} runs");
        }
        Ok(killed)
    }

    /// The log files of the pods' processes. A restarted process goes on in the same file.
    pub fn logs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.shared.log_dir()).into_iter().flatten().flatten();
        let mut logs: Vec<_> = entries.map(|entry| entry.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|end| end == "log"));
        logs.sort();
        logs
    }

    /// Kills the processes of all pods and looks after none any more, as when the machines of the
    /// cluster lose power. The API server is told nothing.
    pub async fn stop_all(&self) {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            keeper.stop.cancel();
            let _ = keeper.task.await;
        }
    }

    /// Looks after the pods again, after [`Nodes::stop_all`].
    pub fn resume(&self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.is_none() {
            let stop = CancellationToken::new();
            let task = tokio::spawn(keeper::run(Arc::clone(&self.shared), stop.clone()));
            *keeper = Some(Keeper { stop, task });
        }
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.shared.client())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            keeper.task.abort();
        }
        // Without the keeper's turn to end its tasks, their processes end here.
        self.shared.kill_everything();
    }
}

/// A deletion of what is not there has done its work.
fn ignore_missing<T>(result: kube::Result<T>) -> kube::Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}
