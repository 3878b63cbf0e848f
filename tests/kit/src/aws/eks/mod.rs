//! EKS: asynchronous clusters and node groups whose clusters are control planes of the kit.

mod checks;
mod cluster;
mod local;
mod model;
mod nodegroup;
mod planes;
mod tags;
mod token;
mod update;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use super::directory::Directory;
use super::ec2::{Ec2, Holds};
use super::error::{AwsError, Reply};
use super::identity::{Caller, Identities};
use super::route::Call;

pub use local::{KitPlane, KitPlanes};
pub use planes::{NodeOrder, Plane, PlaneOrder, Planes};

use model::Cluster;

/// Kubernetes minor versions of 1.x that the stand-in takes, old ones too, so that manifests
/// written years ago still run.
const MINORS: std::ops::RangeInclusive<u32> = 21..=36;

/// How long EKS takes at least.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    pub(crate) cluster_active: Duration,
    pub(crate) cluster_deleted: Duration,
    pub(crate) nodegroup_active: Duration,
    pub(crate) nodegroup_deleted: Duration,
    pub(crate) update: Duration,
}

/// What the EKS part works with.
pub(crate) struct Parts {
    pub(crate) account: String,
    pub(crate) directory: Arc<Directory>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) ec2: Arc<Ec2>,
    pub(crate) planes: Arc<dyn Planes>,
    pub(crate) delays: Delays,
    /// Where the stand-in listens, for the token webhook of the clusters.
    pub(crate) address: String,
}

/// Region and cluster name.
type Key = (String, String);

/// The EKS part of the stand-in.
pub(crate) struct Eks {
    parts: Parts,
    clusters: Mutex<BTreeMap<Key, Cluster>>,
    tokens: Mutex<HashMap<(String, String), Asked>>,
    /// Look and act are one step: changes come one at a time.
    changes: tokio::sync::Mutex<()>,
    /// For the tasks that bring a state about.
    me: Weak<Eks>,
}

/// A create call that was performed under a client token.
struct Asked {
    action: String,
    params: Value,
}

impl Eks {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            parts,
            clusters: Mutex::default(),
            tokens: Mutex::default(),
            changes: tokio::sync::Mutex::default(),
            me: me.clone(),
        })
    }

    /// Answers an EKS call.
    pub(crate) async fn serve(&self, call: &Call, caller: &Caller) -> Result<Reply, AwsError> {
        let _one_at_a_time = if call.reads() { None } else { Some(self.changes.lock().await) };
        let answer = match call.action.as_str() {
            "CreateCluster" => self.create_cluster(call, caller).await?,
            "DescribeCluster" => self.describe_cluster(call)?,
            "ListClusters" => self.list_clusters(call),
            "DeleteCluster" => self.delete_cluster(call)?,
            "UpdateClusterConfig" => self.update_cluster_config(call)?,
            "UpdateClusterVersion" => self.update_cluster_version(call)?,
            "DescribeClusterVersions" => versions(),
            "CreateNodegroup" => self.create_nodegroup(call).await?,
            "DescribeNodegroup" => self.describe_nodegroup(call)?,
            "ListNodegroups" => self.list_nodegroups(call)?,
            "DeleteNodegroup" => self.delete_nodegroup(call)?,
            "UpdateNodegroupConfig" => self.update_nodegroup_config(call)?,
            "UpdateNodegroupVersion" => self.update_nodegroup_version(call)?,
            "DescribeUpdate" => self.describe_update(call)?,
            "ListUpdates" => self.list_updates(call)?,
            "ListTagsForResource" => self.list_tags(call)?,
            "TagResource" => self.tag(call)?,
            "UntagResource" => self.untag(call)?,
            "ListAddons" => self.with_cluster(call, |_| json!({"addons": []}))?,
            "ListFargateProfiles" => {
                self.with_cluster(call, |_| json!({"fargateProfileNames": []}))?
            }
            _ => return Err(not_served(call)),
        };
        Ok(Reply::json(&answer))
    }

    fn clusters(&self) -> MutexGuard<'_, BTreeMap<Key, Cluster>> {
        self.clusters.lock().expect("because no holder of the clusters panics")
    }

    /// Reads or changes the cluster that a call names.
    fn with_cluster<T>(
        &self,
        call: &Call,
        act: impl FnOnce(&mut Cluster) -> T,
    ) -> Result<T, AwsError> {
        let name = call.member("name");
        let mut clusters = self.clusters();
        let cluster = clusters.get_mut(&(call.region.clone(), name.into()));
        cluster.map(act).ok_or_else(|| no_cluster(name))
    }

    /// Whether this create call was performed before under the same client token.
    fn is_repeated(&self, call: &Call) -> Result<bool, AwsError> {
        let tokens = self.tokens.lock().expect("because no holder of the tokens panics");
        match tokens.get(&(call.region.clone(), call.member("clientRequestToken").into())) {
            None => Ok(false),
            Some(earlier) if earlier.action == call.action && earlier.params == call.json => {
                Ok(true)
            }
            Some(_) => Err(invalid(
                "The client request token was used with a request whose parameters differ.",
            )),
        }
    }

    fn remember(&self, call: &Call) {
        let token = call.member("clientRequestToken");
        if !token.is_empty() {
            let asked = Asked { action: call.action.clone(), params: call.json.clone() };
            let mut tokens = self.tokens.lock().expect("because no holder of the tokens panics");
            tokens.insert((call.region.clone(), token.into()), asked);
        }
    }

    /// What was asked under a token is forgotten when its object is gone.
    fn forget(&self, token: &str, region: &str) {
        let mut tokens = self.tokens.lock().expect("because no holder of the tokens panics");
        tokens.remove(&(region.to_owned(), token.to_owned()));
    }

    /// Runs a task that brings a state about, without keeping the stand-in alive.
    fn later<F>(&self, task: impl FnOnce(Arc<Self>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        if let Some(me) = self.me.upgrade() {
            tokio::spawn(async move { task(me).await });
        }
    }

    fn arn(&self, region: &str, resource: &str) -> String {
        format!("arn:aws:eks:{region}:{}:{resource}", self.parts.account)
    }

    /// The running control plane of a cluster.
    pub(crate) fn plane(&self, region: &str, name: &str) -> Option<Arc<dyn Plane>> {
        self.clusters().get(&(region.to_owned(), name.to_owned()))?.plane.clone()
    }

    /// Everything that is there: region, type, name, ARN and tags.
    pub(crate) fn all(&self) -> Vec<(String, &'static str, String, String, Tags)> {
        let clusters = self.clusters();
        let mut found = Vec::new();
        for ((region, name), cluster) in clusters.iter() {
            let arn = cluster.arn.clone();
            found.push((region.clone(), "cluster", name.clone(), arn, cluster.tags.clone()));
            for group in cluster.nodegroups.values() {
                let full = format!("{name}/{}", group.name);
                found.push((
                    region.clone(),
                    "nodegroup",
                    full,
                    group.arn.clone(),
                    group.tags.clone(),
                ));
            }
        }
        found
    }
}

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

impl Holds for Eks {
    fn of_subnet(&self, region: &str, subnet: &str) -> Option<String> {
        self.clusters().iter().filter(|((at, _), _)| at == region).find_map(
            |((_, name), cluster)| {
                let groups = || cluster.nodegroups.values();
                let used = cluster.subnets.iter().any(|id| id == subnet)
                    || groups().any(|group| group.subnets.iter().any(|id| id == subnet));
                used.then(|| name.clone())
            },
        )
    }

    fn of_security_group(&self, region: &str, group: &str) -> Option<String> {
        self.clusters().iter().filter(|((at, _), _)| at == region).find_map(
            |((_, name), cluster)| {
                let used = cluster.cluster_group == group
                    || cluster.security_groups.iter().any(|id| id == group);
                used.then(|| name.clone())
            },
        )
    }
}

fn versions() -> Value {
    let version = |minor: u32| {
        json!({
            "clusterVersion": format!("1.{minor}"),
            "clusterType": "eks",
            "defaultPlatformVersion": "eks.1",
            "defaultVersion": minor == *MINORS.end(),
            "status": "STANDARD_SUPPORT",
            "versionStatus": "STANDARD_SUPPORT",
        })
    };
    json!({"clusterVersions": MINORS.rev().map(version).collect::<Vec<_>>()})
}

fn not_served(call: &Call) -> AwsError {
    let asked = format!("{} {}", call.wire.method, call.wire.path);
    AwsError::new(400, "InvalidRequestException", format!("the stand-in does not serve {asked}"))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterException", message)
}

fn in_use(message: impl Into<String>) -> AwsError {
    AwsError::new(409, "ResourceInUseException", message)
}

fn no_cluster(name: &str) -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", format!("No cluster found for name: {name}."))
        .with("clusterName", name)
}
