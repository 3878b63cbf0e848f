//! The life of a cluster: CREATING until its control plane answers, DELETING until it is gone.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::ec2::{Network, SubnetFacts};
use super::super::error::AwsError;
use super::super::identity::{Caller, random_text};
use super::super::route::Call;
use super::model::{Cluster, CreateCluster};
use super::{Eks, Plane, PlaneOrder, in_use, invalid};
use crate::wait::wait_until;

/// etcd and kube-apiserver start in seconds; a machine that builds beside them takes longer.
const READY_LIMIT: Duration = Duration::from_secs(180);
const DEFAULT_VERSION: &str = "1.34";

impl Eks {
    pub(super) async fn create_cluster(
        &self,
        call: &Call,
        caller: &Caller,
    ) -> Result<Value, AwsError> {
        let wanted: CreateCluster = parse(&call.json)?;
        if self.is_repeated(call)? {
            return self.describe_cluster(call);
        }
        let key = (call.region.clone(), wanted.name.clone());
        if self.clusters().contains_key(&key) {
            let message = format!("Cluster already exists with name: {}", wanted.name);
            return Err(in_use(message).with("clusterName", &wanted.name));
        }
        let subnets = self.check_cluster(&wanted, &call.region).await?;
        let vpc = subnets[0].vpc.clone();
        let network = Network { ec2: &self.parts.ec2, region: &call.region };
        let group = network.create_cluster_group(&wanted.name, &vpc).await?;
        let cluster = self.new_cluster(wanted, &call.region, caller, &subnets, group);
        let description = cluster.describe(&call.region);
        let order = self.order(&cluster, &call.region);
        let id = cluster.id.clone();
        self.clusters().insert(key, cluster);
        self.remember(call);
        self.later(|eks| async move { eks.bring_up(order, id).await });
        Ok(json!({"cluster": description}))
    }

    fn new_cluster(
        &self,
        wanted: CreateCluster,
        region: &str,
        caller: &Caller,
        subnets: &[SubnetFacts],
        cluster_group: String,
    ) -> Cluster {
        let id = random_text(32, b"0123456789ABCDEF");
        let vpc = wanted.resources_vpc_config;
        Cluster {
            arn: self.arn(region, &format!("cluster/{}", wanted.name)),
            issuer: format!("https://oidc.eks.{region}.amazonaws.com/id/{id}"),
            id,
            token: wanted.client_request_token,
            created: Timestamp::now(),
            version: wanted.version.unwrap_or_else(|| DEFAULT_VERSION.into()),
            name: wanted.name,
            role_arn: wanted.role_arn,
            status: "CREATING",
            vpc: subnets[0].vpc.clone(),
            subnets: vpc.subnet_ids,
            security_groups: vpc.security_group_ids,
            cluster_group,
            public_access: vpc.endpoint_public_access.unwrap_or(true),
            private_access: vpc.endpoint_private_access.unwrap_or(false),
            public_cidrs: vpc.public_access_cidrs.unwrap_or_else(|| vec!["0.0.0.0/0".into()]),
            network: network_config(wanted.kubernetes_network_config),
            logging: wanted.logging.unwrap_or_else(no_logging),
            encryption: wanted.encryption_config,
            access: access_config(wanted.access_config),
            upgrade_policy: wanted
                .upgrade_policy
                .unwrap_or_else(|| json!({"supportType": "EXTENDED"})),
            deletion_protection: wanted.deletion_protection,
            creator: caller.canonical_arn.clone(),
            tags: wanted.tags,
            health: Vec::new(),
            plane: None,
            nodegroups: std::collections::BTreeMap::new(),
            updates: Vec::new(),
        }
    }

    fn order(&self, cluster: &Cluster, region: &str) -> PlaneOrder {
        let Cluster { name, issuer, .. } = cluster;
        PlaneOrder {
            name: name.clone(),
            region: region.into(),
            issuer: issuer.clone(),
            token_webhook: format!("{}/tokenreview/{region}/{name}", self.parts.address),
            aws_endpoint: self.parts.address.clone(),
        }
    }

    /// Starts the control plane; ACTIVE once it answers and AWS's time has passed.
    async fn bring_up(self: Arc<Self>, order: PlaneOrder, id: String) {
        let earliest = Instant::now() + self.parts.delays.cluster_active;
        let key = (order.region.clone(), order.name.clone());
        let outcome = self.started(order).await;
        tokio::time::sleep_until(earliest).await;
        let mut clusters = self.clusters();
        let Some(cluster) = clusters.get_mut(&key).filter(|cluster| cluster.id == id) else {
            return;
        };
        match outcome {
            Ok(plane) => {
                cluster.plane = Some(plane);
                cluster.status = "ACTIVE";
            }
            Err(error) => {
                tracing::error!(cluster = %key.1, "the control plane did not start: {error:#}");
                cluster.status = "FAILED";
                let message = format!("{error:#}");
                cluster.health =
                    vec![json!({"code": "InternalFailure", "message": message, "resourceIds": []})];
            }
        }
    }

    async fn started(&self, order: PlaneOrder) -> anyhow::Result<Arc<dyn Plane>> {
        let issuer = order.issuer.clone();
        let plane = self.parts.planes.start(order).await?;
        wait_until("the control plane to be ready", READY_LIMIT, || async {
            if plane.is_ready().await { Ok(()) } else { Err("/readyz does not answer ok") }
        })
        .await?;
        self.parts.identities.register_issuer(&issuer, &plane.sa_public_key_pem());
        Ok(plane)
    }

    pub(super) fn describe_cluster(&self, call: &Call) -> Result<Value, AwsError> {
        let describe = |cluster: &mut Cluster| json!({"cluster": cluster.describe(&call.region)});
        self.with_cluster(call, describe)
    }

    pub(super) fn list_clusters(&self, call: &Call) -> Value {
        let clusters = self.clusters();
        let here = clusters.keys().filter(|(region, _)| *region == call.region);
        json!({"clusters": here.map(|(_, name)| name).collect::<Vec<_>>()})
    }

    pub(super) fn delete_cluster(&self, call: &Call) -> Result<Value, AwsError> {
        let (id, description) = self.with_cluster(call, |cluster| {
            check_deletable(cluster)?;
            cluster.status = "DELETING";
            Ok::<_, AwsError>((cluster.id.clone(), cluster.describe(&call.region)))
        })??;
        let key = (call.region.clone(), call.member("name").to_owned());
        self.later(|eks| async move { eks.take_down(key, id).await });
        Ok(json!({"cluster": description}))
    }

    /// Stops the control plane; the cluster is gone when it has stopped and AWS's time has passed.
    async fn take_down(self: Arc<Self>, key: super::Key, id: String) {
        let earliest = Instant::now() + self.parts.delays.cluster_deleted;
        let found = {
            let clusters = self.clusters();
            let cluster = clusters.get(&key).filter(|cluster| cluster.id == id);
            cluster.map(|c| (c.plane.clone(), c.issuer.clone(), c.cluster_group.clone()))
        };
        let Some((plane, issuer, group)) = found else { return };
        if let Some(plane) = plane {
            plane.stop().await;
        }
        tokio::time::sleep_until(earliest).await;
        self.parts.identities.remove_issuer(&issuer);
        let network = Network { ec2: &self.parts.ec2, region: &key.0 };
        if let Err(error) = network.delete_cluster_group(&group).await {
            tracing::warn!(cluster = %key.1, "its security group stays: {}", error.message);
        }
        let gone = {
            let mut clusters = self.clusters();
            let same = clusters.get(&key).is_some_and(|cluster| cluster.id == id);
            if same { clusters.remove(&key) } else { None }
        };
        if let Some(token) = gone.and_then(|cluster| cluster.token) {
            self.forget(&token, &key.0);
        }
    }

    /// Whether this identity created the cluster and so administers it.
    pub(super) fn is_administrator(&self, region: &str, name: &str, canonical_arn: &str) -> bool {
        let clusters = self.clusters();
        clusters.get(&(region.to_owned(), name.to_owned())).is_some_and(|cluster| {
            let bootstrap = &cluster.access["bootstrapClusterCreatorAdminPermissions"];
            cluster.creator == canonical_arn && *bootstrap != json!(false)
        })
    }
}

fn check_deletable(cluster: &Cluster) -> Result<(), AwsError> {
    let name = &cluster.name;
    if cluster.deletion_protection {
        let message = format!("Cluster {name} has deletion protection enabled");
        return Err(AwsError::new(400, "InvalidRequestException", message));
    }
    if !cluster.nodegroups.is_empty() {
        let message = "Cluster has nodegroups attached";
        return Err(in_use(message).with("clusterName", name));
    }
    if cluster.status == "CREATING" || cluster.update_in_flight().is_some() {
        let message = format!("Cannot delete: cluster {name} is in state {}", cluster.status);
        return Err(in_use(message).with("clusterName", name));
    }
    Ok(())
}

/// A request body in its type; what does not fit is the caller's error.
pub(super) fn parse<T: serde::de::DeserializeOwned>(json: &Value) -> Result<T, AwsError> {
    T::deserialize(json).map_err(|e| invalid(format!("the request is not valid: {e}")))
}

fn no_logging() -> Value {
    let types = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
    json!({"clusterLogging": [{"types": types, "enabled": false}]})
}

fn network_config(wanted: Option<Value>) -> Value {
    let mut network = json!({"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"});
    overlay(&mut network, wanted);
    network
}

/// Created through the API without a word on access, EKS maps identities by ConfigMap and makes
/// the creator an administrator.
fn access_config(wanted: Option<Value>) -> Value {
    let mut access = json!({
        "authenticationMode": "CONFIG_MAP",
        "bootstrapClusterCreatorAdminPermissions": true,
    });
    overlay(&mut access, wanted);
    access
}

fn overlay(base: &mut Value, wanted: Option<Value>) {
    if let Some(Value::Object(members)) = wanted {
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            base[name] = value;
        }
    }
}
