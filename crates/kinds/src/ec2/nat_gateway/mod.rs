//! NATGateway: the way out for private subnets.

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

use crate::ec2::tags;

/// The kind `NATGateway`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NatGateway;

const REFERENCES: &[Reference] = &[
    Reference {
        value: "allocationId",
        reference: "allocationIdRef",
        selector: "allocationIdSelector",
        to: (crate::ec2::GROUP, "Address"),
        extract: Extract::ExternalName,
        many: false,
    },
    Reference {
        value: "subnetId",
        reference: "subnetIdRef",
        selector: "subnetIdSelector",
        to: (crate::ec2::GROUP, "Subnet"),
        extract: Extract::ExternalName,
        many: false,
    },
];

/// A public NAT gateway fails for good where its VPC has no internet gateway attached.
const EDGES: &[Edge] =
    &[Edge::SameController { group: crate::ec2::GROUP, kind: "InternetGateway" }];

impl Kind for NatGateway {
    const META: KindMeta = KindMeta {
        group: crate::ec2::GROUP,
        version: "v1beta1",
        kind: "NATGateway",
        plural: "natgateways",
        create: CreateClass::Token,
        initial_external_name: InitialName::None,
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
        &[
            ("VPC", ".status.atProvider.vpcId"),
            ("SUBNET", ".spec.forProvider.subnetId"),
            ("ALLOCATION ID", ".spec.forProvider.allocationId"),
        ]
    }

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        tags::wanted(spec.tags.as_deref())
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
