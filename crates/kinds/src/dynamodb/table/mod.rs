//! Table: a DynamoDB table.

mod calls;
mod diff;
mod request;
mod status;
mod types;

use std::collections::BTreeMap;

use capstan_cloud::{Clients, CloudError};
use capstan_provision::{
    Context, CreateClass, Created, Drift, InitialName, Kind, KindMeta, Observed,
};

pub use types::*;

/// The kind `Table`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Table;

impl Kind for Table {
    const META: KindMeta = KindMeta {
        group: crate::dynamodb::GROUP,
        version: "v1alpha1",
        kind: "Table",
        plural: "tables",
        create: CreateClass::Named,
        initial_external_name: InitialName::MetadataName,
    };
    type Spec = Spec;
    type Status = Status;
    type Provider = Clients;

    fn tags(spec: &Spec) -> BTreeMap<String, String> {
        diff::wanted_tags(spec)
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
