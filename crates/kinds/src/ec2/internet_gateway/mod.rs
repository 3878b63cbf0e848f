//! InternetGateway: a VPC's way to the internet. It is ready once it is attached.

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

/// The kind `InternetGateway`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InternetGateway;

const REFERENCES: &[Reference] = &[Reference {
    value: "vpcId",
    reference: "vpcIdRef",
    selector: "vpcIdSelector",
    to: (crate::ec2::GROUP, "VPC"),
    extract: Extract::ExternalName,
    many: false,
}];

impl Kind for InternetGateway {
    const META: KindMeta = KindMeta {
        group: crate::ec2::GROUP,
        version: "v1beta1",
        kind: "InternetGateway",
        plural: "internetgateways",
        create: CreateClass::Tagged,
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
