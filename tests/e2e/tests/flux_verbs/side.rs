//! One of the two clusters: a control plane, a node, an engine in it, and the command line that looks at it.

use std::path::Path;

use anyhow::{Context, Result};
use capstan_cluster::Cluster;
use capstan_e2e::run::Program;
use capstan_e2e::stage::{NAMESPACE, connect, deployed, read};
use capstan_e2e::{install, look};
use capstan_kit::nodes::programs_dir;
use capstan_kit::{ControlPlane, ControlPlaneSpec, Nodes, NodesSpec, Part, Parts};

/// Flux as it is installed.
const FLUX: &str = include_str!("fleet/flux.yaml");

/// Who reconciles in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Flux,
    Capstan,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flux => "flux",
            Self::Capstan => "capstan",
        }
    }

    const fn deployments(self) -> &'static [&'static str] {
        match self {
            Self::Flux => &["source-controller", "kustomize-controller"],
            Self::Capstan => &["capstan-agent"],
        }
    }
}

pub(crate) struct Side {
    pub(crate) engine: Engine,
    pub(crate) cluster: Cluster,
    pub(crate) flux: Program,
    // Dropped in this order: the processes of pods, then the control plane.
    _nodes: Nodes,
    plane: ControlPlane,
}

impl Side {
    /// Starts a cluster with CRDs and nothing that reconciles.
    pub(crate) async fn start(engine: Engine, parts: &Parts, dir: &Path) -> Result<Self> {
        let spec = ControlPlaneSpec {
            name: engine.name().to_owned(),
            issuer: format!("https://{}.example.org", engine.name()),
            ..ControlPlaneSpec::default()
        };
        let plane = ControlPlane::start(&dir.join("plane"), parts, spec).await?;
        let programs = programs(parts, &dir.join("programs"))?;
        let spec = NodesSpec { programs, ..NodesSpec::of(&plane, &dir.join("nodes"))? };
        let nodes = Nodes::start(spec).await?;
        nodes.add("node", &[].into()).await?;
        let kubeconfig = plane.admin_kubeconfig();
        let flux = Program::at_home(parts.path(Part::Flux)?, dir.join("home"), kubeconfig)?;
        let cluster = connect(kubeconfig).await?;
        install::crds(&cluster).await?;
        // As both engines install it.
        let namespace = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {NAMESPACE}\n  labels:\n    \
             app.kubernetes.io/instance: flux-system\n    app.kubernetes.io/part-of: flux\n"
        );
        install::apply(&cluster, &read(&namespace)?).await?;
        Ok(Self { engine, cluster, flux, _nodes: nodes, plane })
    }

    /// Installs the engine, and waits until its pods run.
    pub(crate) async fn install(&self) -> Result<()> {
        match self.engine {
            Engine::Flux => install::apply(&self.cluster, &read(FLUX)?).await?,
            Engine::Capstan => install::agent(&self.cluster, &["--no-managed-resources"]).await?,
        }
        for name in self.engine.deployments() {
            deployed(&self.cluster, NAMESPACE, name).await?;
        }
        Ok(())
    }

    /// The address of the agent's pod.
    pub(crate) async fn agent_address(&self) -> Result<String> {
        let pods = look::kind("v1", "Pod");
        let pods = self.cluster.list(&pods, NAMESPACE, "app=capstan-agent").await?;
        Ok(look::text(pods.first().context("the agent has no pod")?, "/status/podIP"))
    }

    pub(crate) async fn stop(&self) {
        self.plane.stop().await;
    }
}

/// A folder with the programs of both engines.
fn programs(parts: &Parts, folder: &Path) -> Result<std::path::PathBuf> {
    std::fs::create_dir_all(folder)?;
    let agent = programs_dir()?.join("capstan-agent");
    let flux = Part::FLUX_CONTROLLERS.map(|part| parts.path(part).map(Path::to_owned));
    for program in flux.into_iter().chain([Ok(agent)]) {
        let program = program?;
        let name = program.file_name().context("a program has a name")?;
        std::os::unix::fs::symlink(&program, folder.join(name))?;
    }
    Ok(folder.to_owned())
}
