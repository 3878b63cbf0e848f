//! NodeGroup: machines that join a cluster.

mod calls;
mod diff;
mod types;

use std::collections::BTreeMap;

use capstan_cloud::{Clients, CloudError};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Edge, Extract, InitialName, Kind, KindMeta, Observed,
    Reference,
};

pub use types::*;

/// The kind `NodeGroup`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeGroup;

const REFERENCES: &[Reference] = &[
    Reference {
        value: "clusterName",
        reference: "clusterNameRef",
        selector: "clusterNameSelector",
        to: (crate::eks::GROUP, "Cluster"),
        extract: Extract::ExternalName,
        many: false,
    },
    Reference {
        value: "nodeRole",
        reference: "nodeRoleRef",
        selector: "nodeRoleSelector",
        to: ("iam.aws.crossplane.io", "Role"),
        extract: Extract::Status("atProvider.arn"),
        many: false,
    },
    Reference {
        value: "subnets",
        reference: "subnetRefs",
        selector: "subnetSelector",
        to: (crate::ec2::GROUP, "Subnet"),
        extract: Extract::ExternalName,
        many: true,
    },
    Reference {
        value: "remoteAccess.sourceSecurityGroups",
        reference: "remoteAccess.sourceSecurityGroupRefs",
        selector: "remoteAccess.sourceSecurityGroupSelector",
        to: (crate::ec2::GROUP, "SecurityGroup"),
        extract: Extract::ExternalName,
        many: true,
    },
];

/// Nodes that cannot reach the API or may not join fail the group after some twenty minutes, so
/// everything that they need is there first, and stays until they are gone. The cluster itself is a
/// reference.
const EDGES: &[Edge] = &[
    Edge::SameController { group: crate::ec2::GROUP, kind: "RouteTable" },
    Edge::Shared {
        group: "iam.aws.crossplane.io",
        kind: "RolePolicyAttachment",
        theirs: "roleName",
        ours: "nodeRole",
    },
];

impl Kind for NodeGroup {
    const META: KindMeta = KindMeta {
        group: crate::eks::GROUP,
        version: "v1alpha1",
        kind: "NodeGroup",
        plural: "nodegroups",
        create: CreateClass::Named,
        initial_external_name: InitialName::MetadataName,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn references() -> &'static [Reference] {
        REFERENCES
    }

    fn edges() -> &'static [Edge] {
        EDGES
    }

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("CLUSTER", ".spec.forProvider.clusterName")]
    }

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        spec.tags.clone().unwrap_or_default()
    }

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Status>, CloudError> {
        let Some(seen) = calls::find(cx).await? else { return Ok(Observed::Absent) };
        Ok(Observed::present(diff::present(cx.spec, cx.applied_tags, &seen)))
    }

    async fn create(&self, cx: &Context<'_, Self>) -> Result<Created, CloudError> {
        calls::create(cx).await
    }

    async fn update(&self, cx: &Context<'_, Self>, diff: &[Drift]) -> Result<(), CloudError> {
        calls::update(cx, diff).await
    }

    async fn delete(&self, cx: &Context<'_, Self>) -> Result<(), CloudError> {
        calls::delete(cx).await
    }
}
