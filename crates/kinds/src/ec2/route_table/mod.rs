//! RouteTable: routes, and the subnets that use them. It is ready once every route and association
//! is there.

mod calls;
mod diff;
mod types;

use std::collections::BTreeMap;

use capstan_cloud::{Clients, CloudError};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Extract, InitialName, Kind, KindMeta, Observed, Reference,
};

pub use types::*;

use crate::ec2::tags;

/// The kind `RouteTable`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RouteTable;

const REFERENCES: &[Reference] = &[
    Reference {
        value: "vpcId",
        reference: "vpcIdRef",
        selector: "vpcIdSelector",
        to: (crate::ec2::GROUP, "VPC"),
        extract: Extract::ExternalName,
        many: false,
    },
    Reference {
        value: "routes[*].gatewayId",
        reference: "routes[*].gatewayIdRef",
        selector: "routes[*].gatewayIdSelector",
        to: (crate::ec2::GROUP, "InternetGateway"),
        extract: Extract::ExternalName,
        many: false,
    },
    Reference {
        value: "routes[*].natGatewayId",
        reference: "routes[*].natGatewayIdRef",
        selector: "routes[*].natGatewayIdSelector",
        to: (crate::ec2::GROUP, "NATGateway"),
        extract: Extract::ExternalName,
        many: false,
    },
    Reference {
        value: "associations[*].subnetId",
        reference: "associations[*].subnetIdRef",
        selector: "associations[*].subnetIdSelector",
        to: (crate::ec2::GROUP, "Subnet"),
        extract: Extract::ExternalName,
        many: false,
    },
];

impl Kind for RouteTable {
    const META: KindMeta = KindMeta {
        group: crate::ec2::GROUP,
        version: "v1beta1",
        kind: "RouteTable",
        plural: "routetables",
        create: CreateClass::Token,
        initial_external_name: InitialName::None,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn references() -> &'static [Reference] {
        REFERENCES
    }

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("VPC", ".spec.forProvider.vpcId")]
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
