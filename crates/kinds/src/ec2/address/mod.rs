//! Address: an Elastic IP.

mod calls;
mod diff;
mod types;

use std::collections::BTreeMap;

use capstan_cloud::{Clients, CloudError};
use capstan_provision::{
    Context, CreateClass, Created, Drift, Edge, InitialName, Kind, KindMeta, Observed,
};

pub use types::*;

use crate::ec2::tags;

/// The kind `Address`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Address;

/// A gateway cannot be detached while an address of its VPC is mapped: addresses are released
/// before it goes.
const EDGES: &[Edge] =
    &[Edge::SameController { group: crate::ec2::GROUP, kind: "InternetGateway" }];

impl Kind for Address {
    const META: KindMeta = KindMeta {
        group: crate::ec2::GROUP,
        version: "v1beta1",
        kind: "Address",
        plural: "addresses",
        create: CreateClass::Tagged,
        initial_external_name: InitialName::None,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn edges() -> &'static [Edge] {
        EDGES
    }

    fn columns() -> &'static [(&'static str, &'static str)] {
        &[("IP", ".status.atProvider.publicIp")]
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
