//! A control plane and a Git server without nodes and controllers, for engines that run beside it.

use anyhow::Result;
use capstan_cluster::Cluster;
use capstan_kit::{ControlPlane, ControlPlaneSpec, GitServer, KitDir, Part, Parts, ports};
use serde_json::json;

use crate::engine::Place;
use crate::install;
use crate::stage::{NAMESPACE, connect, read};

/// The Secret with the Git server's credentials.
pub const CREDENTIALS: &str = "git-credentials";

/// A fresh control plane with our CRDs, the namespace of sources and units, and credentials of a Git server.
pub struct Bare {
    /// The cluster, as its administrator.
    pub cluster: Cluster,
    /// The Git server.
    pub git: GitServer,
    /// The control plane.
    pub plane: ControlPlane,
    dir: KitDir,
}

impl Bare {
    /// The parts that it needs.
    pub const PARTS: [Part; 3] = [Part::Etcd, Part::KubeApiserver, Part::KubeControllerManager];

    /// Starts it.
    pub async fn start(parts: &Parts) -> Result<Self> {
        Self::begin(parts, true).await
    }

    /// Starts it with Kubernetes' own controllers, which empty namespaces and collect garbage.
    pub async fn start_with_controllers(parts: &Parts) -> Result<Self> {
        Self::begin(parts, false).await
    }

    async fn begin(parts: &Parts, bare: bool) -> Result<Self> {
        let dir = KitDir::new()?;
        let spec = ControlPlaneSpec {
            name: "bare".to_owned(),
            issuer: "https://bare.example.org".to_owned(),
            bare,
            ..ControlPlaneSpec::default()
        };
        let plane = ControlPlane::start(&dir.sub("plane")?, parts, spec).await?;
        let git = GitServer::start(&dir.sub("git")?).await?;
        let cluster = connect(plane.admin_kubeconfig()).await?;
        install::crds(&cluster).await?;
        let bare = Self { cluster, git, plane, dir };
        bare.apply(&bare.given()).await?;
        Ok(bare)
    }

    fn given(&self) -> String {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": CREDENTIALS, "namespace": NAMESPACE},
            "stringData": {"username": self.git.user(), "password": self.git.password()}});
        format!("{namespace}\n---\n{secret}")
    }

    /// Applies objects (YAML), as a user would by hand.
    pub async fn apply(&self, text: &str) -> Result<()> {
        install::apply(&self.cluster, &read(text)?).await
    }

    /// Where an engine runs that works on so many units at once.
    pub fn place(&self, concurrent: usize) -> Result<Place> {
        let kubeconfig = self.plane.admin_kubeconfig().to_owned();
        let [artifacts] = ports::free()?;
        Ok(Place { kubeconfig, folder: self.dir.sub("engine")?, concurrent, artifacts })
    }

    /// Ends it after all went well; the logs go unless they are to be kept.
    pub async fn end(self, keep: bool) {
        self.plane.stop().await;
        if !keep {
            self.dir.finished();
        }
    }
}
