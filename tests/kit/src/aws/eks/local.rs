//! Clusters as control planes of the kit, with its nodes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{NodeOrder, Plane, PlaneOrder, Planes};
use crate::nodes::{AwsAccess, Nodes, NodesSpec};
use crate::parts::Parts;
use crate::plane::{ControlPlane, ControlPlaneSpec};

/// A look at `/readyz` that takes longer is a no.
const LOOK: Duration = Duration::from_secs(5);

/// Starts a control plane of the kit for each cluster, and knows those that run.
pub struct KitPlanes {
    dir: PathBuf,
    parts: Parts,
    started: AtomicU32,
    running: Arc<Running>,
}

#[derive(Default)]
struct Running(Mutex<BTreeMap<String, Weak<KitPlane>>>);

/// A cluster that EKS made: its control plane and its nodes.
pub struct KitPlane {
    nodes: Nodes,
    plane: ControlPlane,
}

impl KitPlanes {
    /// Control planes with their files below `dir`.
    #[must_use]
    pub fn new(dir: PathBuf, parts: Parts) -> Self {
        Self { dir, parts, started: AtomicU32::new(0), running: Arc::default() }
    }

    /// The running cluster of that name; the last started one when two regions have it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<KitPlane>> {
        self.running.lock().get(name).and_then(Weak::upgrade)
    }

    /// The names of the running clusters.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let running = self.running.lock();
        let alive = running.iter().filter(|(_, plane)| plane.strong_count() > 0);
        alive.map(|(name, _)| name.clone()).collect()
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Weak<KitPlane>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KitPlane {
    /// The control plane.
    #[must_use]
    pub fn control_plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    async fn start(dir: PathBuf, parts: Parts, order: PlaneOrder) -> anyhow::Result<Arc<Self>> {
        let spec = ControlPlaneSpec {
            name: order.name,
            issuer: order.issuer,
            token_webhook: Some(order.token_webhook),
            bare: false,
        };
        let plane = ControlPlane::start(&dir, &parts, spec).await?;
        let aws = AwsAccess { endpoint_url: order.aws_endpoint, region: order.region };
        let spec = NodesSpec { aws: Some(aws), ..NodesSpec::of(&plane, &dir.join("nodes"))? };
        Ok(Arc::new(Self { nodes: Nodes::start(spec).await?, plane }))
    }
}

impl Planes for KitPlanes {
    fn start(&self, order: PlaneOrder) -> BoxFuture<'static, anyhow::Result<Arc<dyn Plane>>> {
        // A cluster that is made again under its name starts empty.
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.join(format!("{}-{number}", order.name));
        let (parts, running) = (self.parts.clone(), self.running.clone());
        async move {
            let name = order.name.clone();
            let plane = KitPlane::start(dir, parts, order).await?;
            running.lock().insert(name, Arc::downgrade(&plane));
            Ok(plane as Arc<dyn Plane>)
        }
        .boxed()
    }
}

impl Plane for KitPlane {
    fn endpoint(&self) -> String {
        self.plane.endpoint()
    }

    fn ca_pem(&self) -> String {
        self.plane.ca_pem().to_owned()
    }

    fn sa_public_key_pem(&self) -> String {
        self.plane.sa_public_key_pem().to_owned()
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        let client = self.plane.client();
        async move {
            let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
            let answer = tokio::time::timeout(LOOK, client.request_text(request)).await;
            matches!(answer, Ok(Ok(text)) if text == "ok")
        }
        .boxed()
    }

    fn add_node(&self, node: NodeOrder) -> BoxFuture<'_, anyhow::Result<()>> {
        async move { self.nodes.add(&node.name, &node.labels).await }.boxed()
    }

    fn remove_node(&self, name: String) -> BoxFuture<'_, anyhow::Result<()>> {
        async move { self.nodes.remove(&name).await }.boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        async move {
            self.nodes.stop_all().await;
            self.plane.stop().await;
        }
        .boxed()
    }
}
