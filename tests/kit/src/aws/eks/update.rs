//! Updates: one in flight a cluster, done after a while.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::{AwsError, request_id};
use super::super::route::Call;
use super::checks::{minor, sizes};
use super::cluster::parse;
use super::model::{Cluster, Scaling, Update, VpcConfig};
use super::{Eks, in_use, invalid};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClusterConfig {
    resources_vpc_config: Option<VpcConfig>,
    logging: Option<Value>,
    access_config: Option<Value>,
    upgrade_policy: Option<Value>,
    deletion_protection: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodegroupConfig {
    scaling_config: Option<Scaling>,
    labels: Option<Labels>,
    taints: Option<Taints>,
    update_config: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labels {
    #[serde(default)]
    add_or_update_labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    remove_labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taints {
    #[serde(default)]
    add_or_update_taints: Vec<Value>,
    #[serde(default)]
    remove_taints: Vec<Value>,
}

/// Kind and parameters of an update.
type Change = (&'static str, Vec<(&'static str, String)>);

impl Eks {
    pub(super) fn update_cluster_config(&self, call: &Call) -> Result<Value, AwsError> {
        let wanted: ClusterConfig = parse(&call.json)?;
        let update = self.with_cluster(call, |cluster| {
            check_updatable(cluster)?;
            let (kind, params) = configure(cluster, wanted)?;
            Ok::<_, AwsError>(begin(cluster, None, kind, params))
        })??;
        Ok(self.under_way(call, update))
    }

    pub(super) fn update_cluster_version(&self, call: &Call) -> Result<Value, AwsError> {
        let wanted = call.member("version").to_owned();
        let update = self.with_cluster(call, |cluster| {
            check_updatable(cluster)?;
            let (from, to) = (minor(&cluster.version)?, minor(&wanted)?);
            if to != from + 1 {
                return Err(invalid(format!(
                    "Unsupported Kubernetes minor version update from {} to {wanted}",
                    cluster.version
                )));
            }
            cluster.version.clone_from(&wanted);
            let params = vec![("Version", wanted), ("PlatformVersion", "eks.1".into())];
            Ok(begin(cluster, None, "VersionUpdate", params))
        })??;
        Ok(self.under_way(call, update))
    }

    pub(super) fn update_nodegroup_config(&self, call: &Call) -> Result<Value, AwsError> {
        let wanted: NodegroupConfig = parse(&call.json)?;
        let update = self.with_nodegroup(call, |cluster, name| {
            let params = reconfigure(cluster, name, wanted)?;
            Ok::<_, AwsError>(begin(cluster, Some(name), "ConfigUpdate", params))
        })??;
        self.rescale(call)?;
        Ok(self.under_way(call, update))
    }

    pub(super) fn update_nodegroup_version(&self, call: &Call) -> Result<Value, AwsError> {
        let update = self.with_nodegroup(call, |cluster, name| {
            let wanted = match call.member("version") {
                "" => cluster.version.clone(),
                version => version.to_owned(),
            };
            if minor(&wanted)? > minor(&cluster.version)? {
                return Err(invalid(format!(
                    "Nodegroup version {wanted} is newer than the cluster's {}",
                    cluster.version
                )));
            }
            let release = match call.member("releaseVersion") {
                "" => format!("{wanted}.0-20260101"),
                release if release.starts_with(&format!("{wanted}.")) => release.to_owned(),
                release => {
                    return Err(invalid(format!(
                        "Requested release version {release} is not valid for Kubernetes {wanted}"
                    )));
                }
            };
            if let Some(group) = cluster.nodegroups.get_mut(name) {
                group.version.clone_from(&wanted);
                group.release.clone_from(&release);
            }
            let params = vec![("Version", wanted), ("ReleaseVersion", release)];
            Ok(begin(cluster, Some(name), "VersionUpdate", params))
        })??;
        Ok(self.under_way(call, update))
    }

    pub(super) fn describe_update(&self, call: &Call) -> Result<Value, AwsError> {
        let id = call.member("updateId");
        self.with_cluster(call, |cluster| {
            let found = cluster.updates.iter().find(|update| update.id == id);
            found.map(|update| json!({"update": update.describe()})).ok_or_else(|| {
                let message = format!("No update found for ID: {id}");
                AwsError::new(404, "ResourceNotFoundException", message)
            })
        })?
    }

    pub(super) fn list_updates(&self, call: &Call) -> Result<Value, AwsError> {
        let group = call.json.get("nodegroupName").and_then(Value::as_str);
        self.with_cluster(call, |cluster| {
            let own = cluster.updates.iter().filter(|u| u.nodegroup.as_deref() == group);
            json!({"updateIds": own.map(|update| &update.id).collect::<Vec<_>>()})
        })
    }

    /// Ends the update after AWS's time.
    fn under_way(&self, call: &Call, update: Update) -> Value {
        let description = update.describe();
        let key = (call.region.clone(), call.member("name").to_owned());
        self.later(|eks: Arc<Self>| async move {
            tokio::time::sleep(eks.parts.delays.update).await;
            if let Some(cluster) = eks.clusters().get_mut(&key) {
                finish(cluster, &update);
            }
        });
        json!({"update": description})
    }
}

fn check_updatable(cluster: &Cluster) -> Result<(), AwsError> {
    let name = &cluster.name;
    if let Some(update) = cluster.update_in_flight() {
        return Err(in_use(format!(
            "Cannot {} because cluster {name} currently has update {} in progress",
            update.kind, update.id
        ))
        .with("clusterName", name));
    }
    if cluster.status == "ACTIVE" {
        return Ok(());
    }
    Err(in_use(format!("Cluster {name} is in state {}", cluster.status)).with("clusterName", name))
}

fn begin(
    cluster: &mut Cluster,
    nodegroup: Option<&str>,
    kind: &'static str,
    params: Vec<(&'static str, String)>,
) -> Update {
    let update = Update {
        id: request_id(),
        nodegroup: nodegroup.map(str::to_owned),
        kind,
        params,
        created: Timestamp::now(),
        done: false,
    };
    cluster.updates.push(update.clone());
    match nodegroup.and_then(|name| cluster.nodegroups.get_mut(name)) {
        Some(group) => {
            group.status = "UPDATING";
            group.modified = update.created;
        }
        None => cluster.status = "UPDATING",
    }
    update
}

fn finish(cluster: &mut Cluster, update: &Update) {
    if let Some(own) = cluster.updates.iter_mut().find(|own| own.id == update.id) {
        own.done = true;
    }
    let status = match &update.nodegroup {
        Some(name) => cluster.nodegroups.get_mut(name).map(|group| &mut group.status),
        None => Some(&mut cluster.status),
    };
    if let Some(status) = status.filter(|status| **status == "UPDATING") {
        *status = "ACTIVE";
    }
}

fn configure(cluster: &mut Cluster, wanted: ClusterConfig) -> Result<Change, AwsError> {
    let ClusterConfig {
        resources_vpc_config,
        logging,
        access_config,
        upgrade_policy,
        deletion_protection,
    } = wanted;
    if let Some(vpc) = resources_vpc_config {
        return configure_network(cluster, vpc);
    }
    if let Some(logging) = logging {
        let text = logging.to_string();
        cluster.logging = logging;
        return Ok(("LoggingUpdate", vec![("ClusterLogging", text)]));
    }
    if let Some(mode) = access_config.as_ref().and_then(|access| access.get("authenticationMode")) {
        cluster.access["authenticationMode"] = mode.clone();
        let mode = mode.as_str().unwrap_or_default().to_owned();
        return Ok(("AccessConfigUpdate", vec![("AuthenticationMode", mode)]));
    }
    if let Some(policy) = upgrade_policy {
        let text = policy.to_string();
        cluster.upgrade_policy = policy;
        return Ok(("UpgradePolicyUpdate", vec![("UpgradePolicy", text)]));
    }
    if let Some(protect) = deletion_protection {
        cluster.deletion_protection = protect;
        let params = vec![("DeletionProtection", protect.to_string())];
        return Ok(("DeletionProtectionUpdate", params));
    }
    Err(invalid("No changes needed for the cluster"))
}

fn configure_network(cluster: &mut Cluster, wanted: VpcConfig) -> Result<Change, AwsError> {
    if !wanted.subnet_ids.is_empty() || !wanted.security_group_ids.is_empty() {
        let params = vec![
            ("Subnets", json!(wanted.subnet_ids).to_string()),
            ("SecurityGroups", json!(wanted.security_group_ids).to_string()),
        ];
        if !wanted.subnet_ids.is_empty() {
            cluster.subnets = wanted.subnet_ids;
        }
        cluster.security_groups = wanted.security_group_ids;
        return Ok(("VpcConfigUpdate", params));
    }
    let public = wanted.endpoint_public_access.unwrap_or(cluster.public_access);
    let private = wanted.endpoint_private_access.unwrap_or(cluster.private_access);
    let cidrs = wanted.public_access_cidrs.unwrap_or_else(|| cluster.public_cidrs.clone());
    let same = (public, private, &cidrs)
        == (cluster.public_access, cluster.private_access, &cluster.public_cidrs);
    if same {
        return Err(invalid("Cluster is already at the desired configuration"));
    }
    let params = vec![
        ("EndpointPublicAccess", public.to_string()),
        ("EndpointPrivateAccess", private.to_string()),
        ("PublicAccessCidrs", json!(cidrs).to_string()),
    ];
    (cluster.public_access, cluster.private_access) = (public, private);
    cluster.public_cidrs = cidrs;
    Ok(("EndpointAccessUpdate", params))
}

fn reconfigure(
    cluster: &mut Cluster,
    name: &str,
    wanted: NodegroupConfig,
) -> Result<Vec<(&'static str, String)>, AwsError> {
    let group = cluster.nodegroups.get_mut(name).ok_or_else(|| invalid("no such node group"))?;
    if group.status != "ACTIVE" {
        return Err(in_use(format!("Nodegroup {name} is in state {}", group.status)));
    }
    let (min, max, desired) = sizes(wanted.scaling_config, (group.min, group.max, group.desired))?;
    (group.min, group.max, group.desired) = (min, max, desired);
    let mut params = vec![
        ("MinSize", min.to_string()),
        ("MaxSize", max.to_string()),
        ("DesiredSize", desired.to_string()),
    ];
    if let Some(labels) = wanted.labels {
        params.push(("LabelsToAdd", json!(labels.add_or_update_labels).to_string()));
        group.labels.extend(labels.add_or_update_labels);
        group.labels.retain(|key, _| !labels.remove_labels.contains(key));
    }
    if let Some(taints) = wanted.taints {
        params.push(("TaintsToAdd", json!(taints.add_or_update_taints).to_string()));
        let named = |list: &[Value], taint: &Value| {
            list.iter().any(|t| t["key"] == taint["key"] && t["effect"] == taint["effect"])
        };
        group.taints.retain(|taint| {
            !named(&taints.remove_taints, taint) && !named(&taints.add_or_update_taints, taint)
        });
        group.taints.extend(taints.add_or_update_taints);
    }
    if let Some(config) = wanted.update_config {
        group.update_config = config;
    }
    Ok(params)
}
