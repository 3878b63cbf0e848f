//! The life of a node group: its nodes appear in the cluster, and vanish with it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::ec2::SubnetFacts;
use super::super::error::AwsError;
use super::super::identity::random_text;
use super::super::route::Call;
use super::checks::{minor, sizes};
use super::cluster::parse;
use super::model::{Cluster, CreateNodegroup, Nodegroup};
use super::{Eks, NodeOrder, Plane, in_use, invalid};

const HEX: &[u8] = b"0123456789abcdef";

/// Which node group: region, cluster, name, and the id that tells it from a later namesake.
#[derive(Clone)]
struct Which {
    region: String,
    cluster: String,
    name: String,
    id: String,
}

impl Eks {
    pub(super) async fn create_nodegroup(&self, call: &Call) -> Result<Value, AwsError> {
        let wanted: CreateNodegroup = parse(&call.json)?;
        let (status, vpc, version, taken) = self.with_cluster(call, |cluster| {
            let taken = cluster.nodegroups.contains_key(&wanted.nodegroup_name);
            (cluster.status, cluster.vpc.clone(), cluster.version.clone(), taken)
        })?;
        if self.is_repeated(call)? {
            return self.describe_nodegroup(call);
        }
        let cluster = call.member("name");
        if !["ACTIVE", "UPDATING"].contains(&status) {
            let message = format!("Cluster '{cluster}' is not in ACTIVE status");
            return Err(
                AwsError::new(400, "InvalidRequestException", message).with("clusterName", cluster)
            );
        }
        if taken {
            return Err(in_use(format!(
                "NodeGroup already exists with name {} and cluster name {cluster}",
                wanted.nodegroup_name
            ))
            .with("clusterName", cluster)
            .with("nodegroupName", &wanted.nodegroup_name));
        }
        let (subnets, unfit) = self.check_nodegroup(&wanted, &call.region, &vpc).await?;
        let group = self.new_nodegroup(wanted, call, &version, &subnets)?;
        let which = Which {
            region: call.region.clone(),
            cluster: cluster.into(),
            name: group.name.clone(),
            id: group.id.clone(),
        };
        let description = group.describe(cluster);
        self.with_cluster(call, |cluster| cluster.nodegroups.insert(group.name.clone(), group))?;
        self.remember(call);
        self.later(|eks| async move { eks.boot(which, unfit).await });
        Ok(json!({"nodegroup": description}))
    }

    fn new_nodegroup(
        &self,
        wanted: CreateNodegroup,
        call: &Call,
        cluster_version: &str,
        subnets: &[SubnetFacts],
    ) -> Result<Nodegroup, AwsError> {
        let version = wanted.version.unwrap_or_else(|| cluster_version.to_owned());
        if minor(&version)? > minor(cluster_version)? {
            return Err(invalid(format!(
                "Nodegroup version {version} is newer than the cluster's {cluster_version}"
            )));
        }
        let (min, max, desired) = sizes(wanted.scaling_config, (1, 2, 2))?;
        let id = random_text(8, HEX);
        let path = format!("nodegroup/{}/{}/{id}", call.member("name"), wanted.nodegroup_name);
        let now = Timestamp::now();
        Ok(Nodegroup {
            arn: self.arn(&call.region, &path),
            id,
            token: wanted.client_request_token,
            created: now,
            modified: now,
            status: "CREATING",
            release: wanted.release_version.unwrap_or_else(|| format!("{version}.0-20260101")),
            version,
            name: wanted.nodegroup_name,
            role_arn: wanted.node_role,
            places: subnets.iter().map(|s| (s.zone.clone(), s.cidr.clone())).collect(),
            subnets: wanted.subnets,
            min,
            max,
            desired,
            instance_types: wanted.instance_types.unwrap_or_else(|| vec!["t3.medium".into()]),
            ami_type: wanted.ami_type.unwrap_or_else(|| "AL2023_x86_64_STANDARD".into()),
            capacity_type: wanted.capacity_type.unwrap_or_else(|| "ON_DEMAND".into()),
            disk_size: wanted.disk_size.unwrap_or(20),
            labels: wanted.labels,
            taints: wanted.taints,
            update_config: wanted.update_config.unwrap_or_else(|| json!({"maxUnavailable": 1})),
            launch_template: wanted.launch_template,
            remote_access: wanted.remote_access,
            tags: wanted.tags,
            health: Vec::new(),
            nodes: Vec::new(),
        })
    }

    /// Lets the nodes join, or fails as EKS does when they cannot.
    async fn boot(self: Arc<Self>, which: Which, unfit: Option<String>) {
        let earliest = Instant::now() + self.parts.delays.nodegroup_active;
        let outcome = match unfit {
            Some(why) => Err(why),
            None => self.scale(&which).await.map_err(|error| format!("{error:#}")),
        };
        tokio::time::sleep_until(earliest).await;
        self.with_group(&which, |group| {
            let creating = group.status == "CREATING";
            match outcome {
                Ok(()) if creating => group.status = "ACTIVE",
                Err(why) if creating => {
                    group.status = "CREATE_FAILED";
                    group.health = vec![json!({
                        "code": "NodeCreationFailure",
                        "message": format!("Unhealthy nodes in the kubernetes cluster: {why}"),
                        "resourceIds": [],
                    })];
                }
                _ => {}
            }
        });
    }

    /// Adds or removes nodes until there are as many as desired.
    async fn scale(&self, which: &Which) -> anyhow::Result<()> {
        let Some(plane) = self.plane(&which.region, &which.cluster) else { return Ok(()) };
        loop {
            let Some(group) = self.with_group(which, |group| group.clone()) else { return Ok(()) };
            let desired = usize::try_from(group.desired).unwrap_or(usize::MAX);
            if group.nodes.len() < desired && group.status != "DELETING" {
                let node = next_node(&group, &which.region);
                let name = node.name.clone();
                plane.add_node(node).await?;
                self.with_group(which, |group| group.nodes.push(name));
            } else if group.nodes.len() > desired {
                self.remove_last(which, plane.as_ref()).await?;
            } else {
                return Ok(());
            }
        }
    }

    async fn remove_last(&self, which: &Which, plane: &dyn Plane) -> anyhow::Result<()> {
        match self.with_group(which, |group| group.nodes.pop()).flatten() {
            Some(name) => plane.remove_node(name).await,
            None => Ok(()),
        }
    }

    fn with_group<T>(&self, which: &Which, act: impl FnOnce(&mut Nodegroup) -> T) -> Option<T> {
        let mut clusters = self.clusters();
        let cluster = clusters.get_mut(&(which.region.clone(), which.cluster.clone()))?;
        cluster.nodegroups.get_mut(&which.name).filter(|group| group.id == which.id).map(act)
    }

    /// Reads or changes the node group that a call names.
    pub(super) fn with_nodegroup<T>(
        &self,
        call: &Call,
        act: impl FnOnce(&mut Cluster, &str) -> T,
    ) -> Result<T, AwsError> {
        let name = call.member("nodegroupName").to_owned();
        self.with_cluster(call, |cluster| {
            if cluster.nodegroups.contains_key(&name) {
                return Ok(act(cluster, &name));
            }
            let message = format!("No node group found for name: {name}.");
            Err(AwsError::new(404, "ResourceNotFoundException", message)
                .with("clusterName", &cluster.name)
                .with("nodegroupName", &name))
        })?
    }

    pub(super) fn describe_nodegroup(&self, call: &Call) -> Result<Value, AwsError> {
        self.with_nodegroup(
            call,
            |cluster, name| json!({"nodegroup": cluster.nodegroups[name].describe(&cluster.name)}),
        )
    }

    pub(super) fn list_nodegroups(&self, call: &Call) -> Result<Value, AwsError> {
        self.with_cluster(
            call,
            |cluster| json!({"nodegroups": cluster.nodegroups.keys().collect::<Vec<_>>()}),
        )
    }

    pub(super) fn delete_nodegroup(&self, call: &Call) -> Result<Value, AwsError> {
        let group = self.with_nodegroup(call, |cluster, name| {
            let group = cluster.nodegroups.get_mut(name)?;
            group.status = "DELETING";
            Some(group.clone())
        })?;
        let group = group.ok_or_else(|| invalid("the node group is gone"))?;
        let which = Which {
            region: call.region.clone(),
            cluster: call.member("name").into(),
            name: group.name.clone(),
            id: group.id.clone(),
        };
        let description = group.describe(&which.cluster);
        self.later(|eks| async move { eks.drain(which).await });
        Ok(json!({"nodegroup": description}))
    }

    /// Takes the nodes away, then the group.
    async fn drain(self: Arc<Self>, which: Which) {
        let earliest = Instant::now() + self.parts.delays.nodegroup_deleted;
        if let Some(plane) = self.plane(&which.region, &which.cluster) {
            while self.with_group(&which, |group| !group.nodes.is_empty()) == Some(true) {
                if let Err(error) = self.remove_last(&which, plane.as_ref()).await {
                    tracing::warn!(group = %which.name, "a node could not be removed: {error:#}");
                }
            }
        }
        tokio::time::sleep_until(earliest).await;
        let gone = {
            let mut clusters = self.clusters();
            let cluster = clusters.get_mut(&(which.region.clone(), which.cluster.clone()));
            cluster.and_then(|cluster| {
                let own = cluster.nodegroups.get(&which.name)?.id == which.id;
                if own { cluster.nodegroups.remove(&which.name) } else { None }
            })
        };
        if let Some(token) = gone.and_then(|group| group.token) {
            self.forget(&token, &which.region);
        }
    }

    /// Brings the number of nodes to what an update asks for.
    pub(super) fn rescale(&self, call: &Call) -> Result<(), AwsError> {
        let which = self.with_nodegroup(call, |cluster, name| Which {
            region: call.region.clone(),
            cluster: cluster.name.clone(),
            name: name.to_owned(),
            id: cluster.nodegroups[name].id.clone(),
        })?;
        self.later(|eks| async move {
            if let Err(error) = eks.scale(&which).await {
                tracing::error!(group = %which.name, "it could not be scaled: {error:#}");
            }
        });
        Ok(())
    }
}

/// The next node: its address is the next free one of the next subnet.
fn next_node(group: &Nodegroup, region: &str) -> NodeOrder {
    let name = (0u32..)
        .map(|n| node_name(group, region, n))
        .find(|name| !group.nodes.contains(name))
        .unwrap_or_default();
    let place = group.places.get(group.nodes.len() % group.places.len().max(1));
    let zone = place.map_or("", |(zone, _)| zone.as_str());
    let type_ = group.instance_types.first().map_or("t3.medium", String::as_str);
    let mut labels = BTreeMap::from(
        [
            ("kubernetes.io/hostname", name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("node.kubernetes.io/instance-type", type_),
            ("topology.kubernetes.io/region", region),
            ("topology.kubernetes.io/zone", zone),
            ("eks.amazonaws.com/nodegroup", group.name.as_str()),
            ("eks.amazonaws.com/capacityType", group.capacity_type.as_str()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    labels.extend(group.labels.clone());
    NodeOrder { name, labels }
}

/// EC2 names an instance by its private address. AWS keeps the first four of a subnet; two groups
/// in one subnet start at different places.
fn node_name(group: &Nodegroup, region: &str, n: u32) -> String {
    let count = u32::try_from(group.places.len().max(1)).unwrap_or(1);
    let index = usize::try_from(n % count).unwrap_or(0);
    let cidr = group.places.get(index).map_or("10.0.0.0/24", |(_, cidr)| cidr.as_str());
    let base: Ipv4Addr = cidr.split('/').next().and_then(|ip| ip.parse().ok()).unwrap_or(
        // A subnet always has an IPv4 block in the stand-in.
        Ipv4Addr::new(10, 0, 0, 0),
    );
    let start = u32::from_str_radix(&group.id[..2], 16).unwrap_or(0) % 128 + 4;
    let address = Ipv4Addr::from(u32::from(base) + start + n / count);
    let [a, b, c, d] = address.octets();
    format!("ip-{a}-{b}-{c}-{d}.{region}.compute.internal")
}
