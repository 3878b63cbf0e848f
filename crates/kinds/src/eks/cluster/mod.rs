//! Cluster: an EKS control plane.

mod calls;
mod diff;
mod types;

use std::collections::BTreeMap;

use capstan_cloud::{Clients, CloudError};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Edge, Extract, InitialName, Kind, KindMeta, Observed,
    Reference, State,
};

pub use types::*;

/// The kind `Cluster`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cluster;

const REFERENCES: &[Reference] = &[
    Reference {
        value: "roleArn",
        reference: "roleArnRef",
        selector: "roleArnSelector",
        to: ("iam.aws.crossplane.io", "Role"),
        extract: Extract::Status("atProvider.arn"),
        many: false,
    },
    Reference {
        value: "resourcesVpcConfig.subnetIds",
        reference: "resourcesVpcConfig.subnetIdRefs",
        selector: "resourcesVpcConfig.subnetIdSelector",
        to: (crate::ec2::GROUP, "Subnet"),
        extract: Extract::ExternalName,
        many: true,
    },
    Reference {
        value: "resourcesVpcConfig.securityGroupIds",
        reference: "resourcesVpcConfig.securityGroupIdRefs",
        selector: "resourcesVpcConfig.securityGroupIdSelector",
        to: (crate::ec2::GROUP, "SecurityGroup"),
        extract: Extract::ExternalName,
        many: true,
    },
];

/// EKS refuses a role without AmazonEKSClusterPolicy, and needs it until the cluster is gone.
const EDGES: &[Edge] = &[Edge::Shared {
    group: "iam.aws.crossplane.io",
    kind: "RolePolicyAttachment",
    theirs: "roleName",
    ours: "roleArn",
}];

impl Kind for Cluster {
    const META: KindMeta = KindMeta {
        group: crate::eks::GROUP,
        version: "v1beta1",
        kind: "Cluster",
        plural: "clusters",
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

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        spec.tags.clone().unwrap_or_default()
    }

    async fn observe(&self, cx: &Context<'_, Self>) -> Result<Observed<Status>, CloudError> {
        let Some(cluster) = calls::find(cx).await? else { return Ok(Observed::Absent) };
        let mut present = diff::present(cx.spec, cx.applied_tags, &cluster);
        if matches!(present.state, State::Ready | State::Updating) {
            present.connection = calls::connection(cx, &cluster).await?;
        }
        Ok(Observed::present(present))
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
