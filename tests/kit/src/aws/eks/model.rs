//! Clusters, node groups and updates, and how EKS describes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Plane, Tags};

/// `CreateCluster` as it is sent; members that nothing here depends on are kept as they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateCluster {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) role_arn: String,
    pub(super) resources_vpc_config: VpcConfig,
    pub(super) kubernetes_network_config: Option<Value>,
    pub(super) logging: Option<Value>,
    pub(super) encryption_config: Option<Value>,
    pub(super) access_config: Option<Value>,
    pub(super) upgrade_policy: Option<Value>,
    #[serde(default)]
    pub(super) deletion_protection: bool,
    pub(super) client_request_token: Option<String>,
    #[serde(default)]
    pub(super) tags: Tags,
}

/// `resourcesVpcConfig` as it is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VpcConfig {
    #[serde(default)]
    pub(super) subnet_ids: Vec<String>,
    #[serde(default)]
    pub(super) security_group_ids: Vec<String>,
    pub(super) endpoint_public_access: Option<bool>,
    pub(super) endpoint_private_access: Option<bool>,
    pub(super) public_access_cidrs: Option<Vec<String>>,
}

/// `CreateNodegroup` as it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateNodegroup {
    pub(super) nodegroup_name: String,
    pub(super) node_role: String,
    pub(super) subnets: Vec<String>,
    pub(super) scaling_config: Option<Scaling>,
    pub(super) instance_types: Option<Vec<String>>,
    pub(super) ami_type: Option<String>,
    pub(super) capacity_type: Option<String>,
    pub(super) disk_size: Option<u32>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) taints: Vec<Value>,
    pub(super) update_config: Option<Value>,
    pub(super) launch_template: Option<Value>,
    pub(super) remote_access: Option<Value>,
    pub(super) version: Option<String>,
    pub(super) release_version: Option<String>,
    pub(super) client_request_token: Option<String>,
    #[serde(default)]
    pub(super) tags: Tags,
}

/// Bounds and wish of a node group's size.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scaling {
    pub(super) min_size: Option<u32>,
    pub(super) max_size: Option<u32>,
    pub(super) desired_size: Option<u32>,
}

/// A cluster.
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) arn: String,
    /// Differs between clusters that had the same name one after the other.
    pub(super) id: String,
    pub(super) token: Option<String>,
    pub(super) created: Timestamp,
    pub(super) version: String,
    pub(super) role_arn: String,
    pub(super) status: &'static str,
    pub(super) vpc: String,
    pub(super) subnets: Vec<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) cluster_group: String,
    pub(super) public_access: bool,
    pub(super) private_access: bool,
    pub(super) public_cidrs: Vec<String>,
    pub(super) network: Value,
    pub(super) logging: Value,
    pub(super) encryption: Option<Value>,
    pub(super) access: Value,
    pub(super) upgrade_policy: Value,
    pub(super) deletion_protection: bool,
    pub(super) issuer: String,
    /// Canonical ARN of who created it: the one identity that may log in at first.
    pub(super) creator: String,
    pub(super) tags: Tags,
    pub(super) health: Vec<Value>,
    pub(super) plane: Option<Arc<dyn Plane>>,
    pub(super) nodegroups: BTreeMap<String, Nodegroup>,
    pub(super) updates: Vec<Update>,
}

/// A node group.
#[derive(Clone)]
pub(super) struct Nodegroup {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) token: Option<String>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) status: &'static str,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) role_arn: String,
    pub(super) subnets: Vec<String>,
    /// Zone and CIDR of each subnet, in their order.
    pub(super) places: Vec<(String, String)>,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) desired: u32,
    pub(super) instance_types: Vec<String>,
    pub(super) ami_type: String,
    pub(super) capacity_type: String,
    pub(super) disk_size: u32,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Value>,
    pub(super) update_config: Value,
    pub(super) launch_template: Option<Value>,
    pub(super) remote_access: Option<Value>,
    pub(super) tags: Tags,
    pub(super) health: Vec<Value>,
    pub(super) nodes: Vec<String>,
}

/// An update of a cluster or of one of its node groups.
#[derive(Clone)]
pub(super) struct Update {
    pub(super) id: String,
    pub(super) nodegroup: Option<String>,
    pub(super) kind: &'static str,
    pub(super) params: Vec<(&'static str, String)>,
    pub(super) created: Timestamp,
    pub(super) done: bool,
}

impl Cluster {
    /// `cluster` of the answers.
    pub(super) fn describe(&self, region: &str) -> Value {
        let mut out = json!({
            "name": self.name,
            "arn": self.arn,
            "createdAt": seconds(self.created),
            "version": self.version,
            "roleArn": self.role_arn,
            "resourcesVpcConfig": self.describe_network(),
            "kubernetesNetworkConfig": self.network,
            "logging": self.logging,
            "status": self.status,
            "certificateAuthority": {},
            "platformVersion": "eks.1",
            "tags": self.tags,
            "health": {"issues": self.health},
            "accessConfig": self.access,
            "upgradePolicy": self.upgrade_policy,
            "deletionProtection": self.deletion_protection,
        });
        if let Some(encryption) = &self.encryption {
            out["encryptionConfig"] = encryption.clone();
        }
        // EKS names these only once the control plane answers.
        if let Some(plane) = self.plane.as_ref().filter(|_| self.status != "CREATING") {
            out["endpoint"] = json!(plane.endpoint());
            out["certificateAuthority"] = json!({"data": STANDARD.encode(plane.ca_pem())});
            out["identity"] = json!({"oidc": {"issuer": self.issuer}});
        }
        debug_assert!(self.arn.contains(region), "a cluster is described in its own region");
        out
    }

    fn describe_network(&self) -> Value {
        json!({
            "subnetIds": self.subnets,
            "securityGroupIds": self.security_groups,
            "clusterSecurityGroupId": self.cluster_group,
            "vpcId": self.vpc,
            "endpointPublicAccess": self.public_access,
            "endpointPrivateAccess": self.private_access,
            "publicAccessCidrs": self.public_cidrs,
        })
    }

    /// The update in flight, of which EKS allows one at a time.
    pub(super) fn update_in_flight(&self) -> Option<&Update> {
        self.updates.iter().find(|update| !update.done && update.nodegroup.is_none())
    }
}

impl Nodegroup {
    /// `nodegroup` of the answers.
    pub(super) fn describe(&self, cluster: &str) -> Value {
        let group = format!("eks-{}-{}", self.name, self.id);
        let mut out = json!({
            "nodegroupName": self.name,
            "nodegroupArn": self.arn,
            "clusterName": cluster,
            "version": self.version,
            "releaseVersion": self.release,
            "createdAt": seconds(self.created),
            "modifiedAt": seconds(self.modified),
            "status": self.status,
            "capacityType": self.capacity_type,
            "scalingConfig": {
                "minSize": self.min, "maxSize": self.max, "desiredSize": self.desired,
            },
            "instanceTypes": self.instance_types,
            "subnets": self.subnets,
            "amiType": self.ami_type,
            "nodeRole": self.role_arn,
            "labels": self.labels,
            "resources": {"autoScalingGroups": [{"name": group}]},
            "diskSize": self.disk_size,
            "health": {"issues": self.health},
            "updateConfig": self.update_config,
            "tags": self.tags,
        });
        let optional = [
            ("launchTemplate", self.launch_template.clone()),
            ("remoteAccess", self.remote_access.clone()),
            ("taints", (!self.taints.is_empty()).then(|| json!(self.taints))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                out[name] = value;
            }
        }
        out
    }
}

impl Update {
    /// `update` of the answers.
    pub(super) fn describe(&self) -> Value {
        let params: Vec<_> =
            self.params.iter().map(|(kind, value)| json!({"type": kind, "value": value})).collect();
        json!({
            "id": self.id,
            "status": if self.done { "Successful" } else { "InProgress" },
            "type": self.kind,
            "params": params,
            "createdAt": seconds(self.created),
            "errors": [],
        })
    }
}

/// EKS writes times as seconds with a fraction.
fn seconds(at: Timestamp) -> f64 {
    let millis = u32::try_from(at.subsec_millisecond()).unwrap_or_default();
    let whole = i32::try_from(at.as_second()).unwrap_or(i32::MAX);
    f64::from(whole) + f64::from(millis) / 1000.0
}
