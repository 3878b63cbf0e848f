//! A cluster of the kit: control plane and nodes, the management cluster's or one that EKS made.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::aws::KitPlane;
use crate::nodes::Nodes;
use crate::plane::ControlPlane;

/// A running cluster. Cheap to clone; the cluster lives as long as the kit or EKS keeps it.
#[derive(Clone)]
pub struct Cluster {
    place: Place,
    kubectl: PathBuf,
}

#[derive(Clone)]
enum Place {
    Management(Arc<Management>),
    Eks(Arc<KitPlane>),
}

/// The management cluster.
pub(crate) struct Management {
    // Processes of pods end before what they talk to.
    pub(crate) nodes: Nodes,
    pub(crate) plane: ControlPlane,
}

impl Cluster {
    pub(crate) fn management(management: Arc<Management>, kubectl: PathBuf) -> Self {
        Self { place: Place::Management(management), kubectl }
    }

    pub(crate) fn eks(plane: Arc<KitPlane>, kubectl: PathBuf) -> Self {
        Self { place: Place::Eks(plane), kubectl }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.plane().name()
    }

    /// The control plane.
    pub fn plane(&self) -> &ControlPlane {
        match &self.place {
            Place::Management(management) => &management.plane,
            Place::Eks(eks) => eks.control_plane(),
        }
    }

    /// The nodes.
    pub fn nodes(&self) -> &Nodes {
        match &self.place {
            Place::Management(management) => &management.nodes,
            Place::Eks(eks) => eks.nodes(),
        }
    }

    /// A client with the administrator's rights.
    pub fn client(&self) -> kube::Client {
        self.plane().client()
    }

    /// The administrator's kubeconfig file.
    pub fn kubeconfig(&self) -> &Path {
        self.plane().admin_kubeconfig()
    }

    /// Stops control plane and processes of pods at once, as a power cut would; nothing is told to
    /// anybody. The data stays.
    pub async fn stop(&self) {
        self.nodes().stop_all().await;
        self.plane().stop().await;
    }

    /// Starts it again after [`Cluster::stop`].
    ///
    /// # Errors
    /// When the control plane does not become ready.
    pub async fn start_again(&self) -> Result<()> {
        self.plane().start_again().await?;
        self.nodes().resume();
        Ok(())
    }

    /// Runs kubectl as administrator and returns what it prints.
    ///
    /// # Errors
    /// When kubectl fails; the message has what it said.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.kubectl_with_input(args, "").await
    }

    /// Applies manifests (YAML or JSON) as administrator, server-side.
    ///
    /// # Errors
    /// When one of them is refused.
    pub async fn apply(&self, manifests: &str) -> Result<String> {
        let args = ["apply", "--server-side", "--field-manager=capstan-kit", "-f", "-"];
        self.kubectl_with_input(&args, manifests).await
    }

    async fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<String> {
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(args)
            // A cache of discovery in the user's home would outlive the cluster.
            .env("HOME", self.plane().dir())
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.kubectl.display()))?;
        let mut stdin = child.stdin.take().context("kubectl without an input")?;
        let (_, output) = tokio::join!(
            async move {
                // kubectl may end before it has read everything; it says why.
                let _ = stdin.write_all(input.as_bytes()).await;
                let _ = stdin.shutdown().await;
            },
            child.wait_with_output()
        );
        let output = output.context("kubectl did not end")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl {} ({}): {}", args.join(" "), self.name(), said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
