//! Watches pods and nodes: binds pods, and keeps one task for each bound pod.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::shared::{Shared, place, uid};
use super::{binder, runner, status};

/// How long to wait after a watch broke.
const RECONNECT: Duration = Duration::from_millis(200);

/// Looks after the pods of a cluster until `stop`; then every process of a pod is gone.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut keeper = Keeper::new(Arc::clone(&shared));
    let pods: Api<Pod> = Api::all(shared.client());
    let nodes: Api<Node> = Api::all(shared.client());
    let mut pods = watcher(pods, watcher::Config::default()).default_backoff().boxed();
    let mut nodes = watcher(nodes, watcher::Config::default()).default_backoff().boxed();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(event) = nodes.next() => match event {
                Ok(event) => keeper.node_event(event),
                Err(error) => pause(&error).await,
            },
            Some(event) = pods.next() => match event {
                Ok(event) => keeper.pod_event(event),
                Err(error) => pause(&error).await,
            },
            Some(ended) = keeper.tasks.join_next(), if !keeper.tasks.is_empty() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "the task of a pod panicked");
                }
            }
        }
    }
    keeper.tasks.shutdown().await;
}

async fn pause(error: &watcher::Error) {
    tracing::debug!(%error, "a watch of the nodes broke");
    tokio::time::sleep(RECONNECT).await;
}

struct Keeper {
    shared: Arc<Shared>,
    nodes: BTreeMap<String, Node>,
    /// Pods that no node took yet.
    unbound: BTreeMap<String, Arc<Pod>>,
    /// Pods whose binding is on its way.
    binding: HashSet<String>,
    bound: HashMap<String, Bound>,
    listed: HashSet<String>,
    tasks: JoinSet<()>,
}

/// A pod on a node: its task sees every change of it, and ends when the sender is dropped.
struct Bound {
    node: String,
    changes: watch::Sender<Arc<Pod>>,
}

impl Keeper {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            nodes: BTreeMap::new(),
            unbound: BTreeMap::new(),
            binding: HashSet::new(),
            bound: HashMap::new(),
            listed: HashSet::new(),
            tasks: JoinSet::new(),
        }
    }

    fn node_event(&mut self, event: Event<Node>) {
        match event {
            Event::Init => self.nodes.clear(),
            Event::Apply(node) | Event::InitApply(node) => {
                let name = node.metadata.name.clone().unwrap_or_default();
                self.nodes.insert(name, node);
                self.bind_waiting();
            }
            Event::Delete(node) => {
                self.nodes.remove(node.metadata.name.as_deref().unwrap_or_default());
            }
            Event::InitDone => self.bind_waiting(),
        }
    }

    fn pod_event(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => {
                self.listed.clear();
                self.binding.clear();
            }
            Event::InitApply(pod) => {
                self.listed.insert(uid(&pod).to_owned());
                self.pod_changed(Arc::new(pod));
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.bound.retain(|uid, _| listed.contains(uid));
                self.unbound.retain(|uid, _| listed.contains(uid));
            }
            Event::Apply(pod) => self.pod_changed(Arc::new(pod)),
            Event::Delete(pod) => {
                self.bound.remove(uid(&pod));
                self.unbound.remove(uid(&pod));
                self.binding.remove(uid(&pod));
            }
        }
    }

    fn pod_changed(&mut self, pod: Arc<Pod>) {
        let id = uid(&pod).to_owned();
        let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) else {
            self.unbound.insert(id.clone(), pod);
            return self.bind(&id);
        };
        self.unbound.remove(&id);
        self.binding.remove(&id);
        match self.bound.get(&id) {
            Some(bound) => {
                let _ = bound.changes.send(pod);
            }
            None => self.begin(id, node, pod),
        }
    }

    fn begin(&mut self, id: String, node: String, pod: Arc<Pod>) {
        let finished = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let deleting = pod.metadata.deletion_timestamp.is_some();
        if matches!(finished, Some("Succeeded" | "Failed")) && !deleting {
            return;
        }
        let (changes, seen) = watch::channel(pod);
        self.bound.insert(id, Bound { node, changes });
        self.tasks.spawn(runner::run(Arc::clone(&self.shared), seen));
    }

    fn bind_waiting(&mut self) {
        let waiting: Vec<String> = self.unbound.keys().cloned().collect();
        for id in waiting {
            self.bind(&id);
        }
    }

    fn bind(&mut self, id: &str) {
        let Some(pod) = self.unbound.get(id).cloned() else { return };
        if self.binding.contains(id) || pod.metadata.deletion_timestamp.is_some() {
            return;
        }
        let count = |node: &str| self.bound.values().filter(|one| one.node == node).count();
        match binder::choose(&pod, &self.nodes, count) {
            Ok(node) => {
                self.binding.insert(id.to_owned());
                let (shared, node) = (Arc::clone(&self.shared), node.to_owned());
                self.tasks.spawn(async move { bind(&shared, &pod, &node).await });
            }
            Err(why) if !says(&pod, &why) => {
                let shared = Arc::clone(&self.shared);
                self.tasks.spawn(async move { say_unschedulable(&shared, &pod, &why).await });
            }
            Err(_) => {}
        }
    }
}

/// Whether the pod's status already gives this reason for not being scheduled.
fn says(pod: &Pod, why: &str) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one.type_ == "PodScheduled" && one.message.as_deref() == Some(why))
}

/// Binds a pod. When that fails the pod has changed, and its next event tries again.
async fn bind(shared: &Shared, pod: &Pod, node: &str) {
    let (namespace, name) = place(pod);
    let binding = Binding {
        metadata: ObjectMeta {
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectMeta::default()
        },
        target: ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Node".into()),
            name: Some(node.to_owned()),
            ..ObjectReference::default()
        },
    };
    let api = shared.pods(namespace);
    let bound: kube::Result<serde_json::Value> =
        api.create_subresource("binding", name, &PostParams::default(), &binding).await;
    if let Err(error) = bound {
        tracing::debug!(%error, namespace, name, "cannot bind a pod");
    }
}

async fn say_unschedulable(shared: &Shared, pod: &Pod, why: &str) {
    let (namespace, name) = place(pod);
    let conditions = status::unschedulable(pod, why, Timestamp::now());
    let patch = Patch::Merge(json!({
        "metadata": { "uid": uid(pod) },
        "status": { "conditions": conditions },
    }));
    let api = shared.pods(namespace);
    if let Err(error) = api.patch_status(name, &PatchParams::default(), &patch).await {
        tracing::debug!(%error, namespace, name, "cannot say why a pod waits");
    }
}
