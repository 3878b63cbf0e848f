//! The whole kit: management cluster, AWS and Git, bound together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rand::Rng as _;

use crate::aws::{AwsDelays, AwsOptions, AwsStandIn, KitPlanes};
use crate::bootstrap::{self, Identity};
use crate::cluster::{Cluster, Management};
use crate::dir::KitDir;
use crate::git::GitServer;
use crate::nodes::{AwsAccess, Nodes, NodesSpec};
use crate::parts::{Part, Parts};
use crate::plane::{ControlPlane, ControlPlaneSpec};

/// How to start a kit.
#[derive(Debug, Clone)]
pub struct KitOptions {
    /// The name of the management cluster.
    pub management: String,
    /// The region of the management cluster.
    pub region: String,
    /// How many nodes the management cluster has.
    pub nodes: usize,
    /// How long AWS takes for what it does.
    pub delays: AwsDelays,
    /// Parts beyond [`Part::CORE`].
    pub peers: Vec<Part>,
}

impl Default for KitOptions {
    fn default() -> Self {
        Self {
            management: "management".into(),
            region: "eu-west-1".into(),
            nodes: 1,
            delays: AwsDelays::default(),
            peers: Vec::new(),
        }
    }
}

/// A running kit: a management cluster with its identity in AWS, an AWS, and a Git server.
///
/// Dropping it ends everything that it started; the logs stay unless [`Kit::finish`] was called.
pub struct Kit {
    /// The Git server.
    pub git: GitServer,
    /// AWS.
    pub aws: AwsStandIn,
    management: Cluster,
    eks: Arc<KitPlanes>,
    parts: Parts,
    dir: KitDir,
}

impl Kit {
    /// Gets the parts, starts everything and sets the management cluster up as a user would.
    ///
    /// # Errors
    /// When a tool is missing, a part cannot be built or a program does not start.
    pub async fn start(options: KitOptions) -> Result<Self> {
        let wanted: Vec<Part> =
            Part::CORE.into_iter().chain(options.peers.iter().copied()).collect();
        let parts = Parts::get(&wanted).await?;
        let dir = KitDir::new()?;
        let eks = Arc::new(KitPlanes::new(dir.sub("clusters")?, parts.clone()));
        let identity = Identity {
            cluster: options.management.clone(),
            region: options.region.clone(),
            issuer: issuer(&options.region),
        };
        let aws = AwsOptions {
            moto_server: parts.path(Part::MotoServer)?.to_owned(),
            folder: dir.sub("aws")?,
            region: options.region.clone(),
            planes: eks.clone(),
            delays: options.delays,
        };
        let spec = ControlPlaneSpec {
            name: identity.cluster.clone(),
            issuer: identity.issuer.clone(),
            token_webhook: None,
            bare: false,
        };
        let place = dir.sub(&options.management)?;
        let repositories = dir.sub("git")?;
        let (plane, aws, git) = tokio::try_join!(
            ControlPlane::start(&place, &parts, spec),
            AwsStandIn::start(aws),
            GitServer::start(&repositories),
        )?;
        set_up(&plane, &aws, &identity).await?;
        let nodes = management_nodes(&plane, &place, &aws, &options).await?;
        let kubectl = parts.path(Part::Kubectl)?.to_owned();
        let management = Cluster::management(Arc::new(Management { nodes, plane }), kubectl);
        Ok(Self { git, aws, management, eks, parts, dir })
    }

    /// The management cluster.
    pub fn management(&self) -> &Cluster {
        &self.management
    }

    /// The running cluster of that name: the management cluster, or one that EKS made.
    ///
    /// # Errors
    /// When there is none; the message names those that run.
    pub fn cluster(&self, name: &str) -> Result<Cluster> {
        if name == self.management.name() {
            return Ok(self.management.clone());
        }
        match self.eks.get(name) {
            Some(plane) => Ok(Cluster::eks(plane, self.parts.path(Part::Kubectl)?.to_owned())),
            None => bail!("no cluster `{name}` runs; there are {}", self.clusters().join(", ")),
        }
    }

    /// The names of all running clusters, the management cluster first.
    pub fn clusters(&self) -> Vec<String> {
        let mut names = vec![self.management.name().to_owned()];
        names.extend(self.eks.names());
        names
    }

    /// The programs that the kit runs, for tests that run them too.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The folder with every log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The log files of all processes of pods, in every cluster.
    pub fn pod_logs(&self) -> Vec<PathBuf> {
        let clusters = self.clusters().into_iter().filter_map(|name| self.cluster(&name).ok());
        clusters.flat_map(|cluster| cluster.nodes().logs()).collect()
    }

    /// How to look around, for a person.
    pub fn summary(&self) -> String {
        let mut lines = vec![
            format!("logs          {}", self.dir.path().display()),
            format!("AWS           export AWS_ENDPOINT_URL={}", self.aws.endpoint()),
            format!("Git           {} (user {})", self.git.url(), self.git.user()),
        ];
        for name in self.clusters() {
            if let Ok(cluster) = self.cluster(&name) {
                let file = cluster.kubeconfig().display().to_string();
                lines.push(format!("{name:<13} export KUBECONFIG={file}"));
            }
        }
        lines.join("\n")
    }

    /// Ends everything in order after all went well: the folder with the logs goes with the kit.
    pub async fn finish(&self) {
        for name in self.clusters() {
            if let Ok(cluster) = self.cluster(&name) {
                cluster.stop().await;
            }
        }
        self.dir.finished();
    }
}

/// An issuer as EKS names them, different in every kit.
fn issuer(region: &str) -> String {
    let id: u128 = rand::rng().random();
    format!("https://oidc.eks.{region}.amazonaws.com/id/{id:032X}")
}

async fn set_up(plane: &ControlPlane, aws: &AwsStandIn, identity: &Identity) -> Result<()> {
    aws.register_issuer(plane.issuer(), plane.sa_public_key_pem());
    bootstrap::in_aws(aws.client(), identity).await?;
    bootstrap::in_cluster(&plane.client(), identity).await?;
    // What a user set up is not what the product leaves behind.
    aws.set_baseline().await.context("cannot list what AWS holds")
}

async fn management_nodes(
    plane: &ControlPlane,
    place: &Path,
    aws: &AwsStandIn,
    options: &KitOptions,
) -> Result<Nodes> {
    let access =
        AwsAccess { endpoint_url: aws.endpoint().to_owned(), region: options.region.clone() };
    let spec = NodesSpec::of(plane, &place.join("nodes"))?;
    let nodes = Nodes::start(NodesSpec { aws: Some(access), ..spec }).await?;
    for number in 1..=options.nodes {
        nodes.add(&format!("{}-{number}", options.management), &Default::default()).await?;
    }
    Ok(nodes)
}
