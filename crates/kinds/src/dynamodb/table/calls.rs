//! The calls of a table's life.

use std::collections::BTreeMap;

use capstan_cloud::aws_sdk_dynamodb::types::PointInTimeRecoverySpecification;
use capstan_cloud::aws_sdk_dynamodb::types::{
    BillingMode, ContinuousBackupsDescription, PointInTimeRecoveryStatus, TableClass,
};
use capstan_cloud::{CloudError, Service};
use capstan_provision::{Context, Created, Drift, tags};

use super::Table;
use super::diff::{Seen, wanted_tags};
use super::request;
use super::types::GlobalSecondaryIndex;
use crate::aws::{drift, found, tag_change, touches};

type Cx<'a> = Context<'a, Table>;

fn name<'a>(cx: &Cx<'a>) -> &'a str {
    cx.external_name.unwrap_or(cx.name)
}

/// The table by its name; tags and backups are read only where the manifest sets them.
pub(super) async fn find(cx: &Cx<'_>) -> Result<Option<Seen>, CloudError> {
    let request = cx.clients.dynamodb().describe_table().table_name(name(cx));
    let answer = cx.clients.call(Service::DynamoDb, "DescribeTable", request.send()).await;
    let Some(table) = found(answer)?.and_then(|answer| answer.table) else { return Ok(None) };
    let tags = match (&cx.spec.tags, table.table_arn()) {
        (Some(_), Some(arn)) => live_tags(cx, arn).await?,
        _ => None,
    };
    let backups = match cx.spec.point_in_time_recovery_enabled {
        Some(_) => Some(backups(cx).await?),
        None => None,
    };
    Ok(Some(Seen { table, tags, backups }))
}

/// The tags, or nothing where the role may not read them: they were set at creation, and what is
/// not known is not compared.
async fn live_tags(cx: &Cx<'_>, arn: &str) -> Result<Option<BTreeMap<String, String>>, CloudError> {
    let mut live = BTreeMap::new();
    let mut next = None;
    loop {
        let request = cx.clients.dynamodb().list_tags_of_resource().resource_arn(arn);
        let request = request.set_next_token(next);
        let answer = cx.clients.call(Service::DynamoDb, "ListTagsOfResource", request.send()).await;
        let page = match answer {
            Err(error) if error.is_denied() => return Ok(None),
            answer => answer?,
        };
        live.extend(page.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)));
        next = page.next_token;
        if next.is_none() {
            return Ok(Some(live));
        }
    }
}

async fn backups(cx: &Cx<'_>) -> Result<bool, CloudError> {
    let request = cx.clients.dynamodb().describe_continuous_backups().table_name(name(cx));
    let answer =
        cx.clients.call(Service::DynamoDb, "DescribeContinuousBackups", request.send()).await;
    // A table that is younger than its backup settings has none yet.
    let description = found(answer)?.and_then(|answer| answer.continuous_backups_description);
    Ok(description.is_some_and(|description| is_on(&description)))
}

fn is_on(description: &ContinuousBackupsDescription) -> bool {
    let recovery = description.point_in_time_recovery_description();
    let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status());
    status == Some(&PointInTimeRecoveryStatus::Enabled)
}

/// Asks for a table; it is CREATING for some seconds. Continuous backups follow in an update.
pub(super) async fn create(cx: &Cx<'_>) -> Result<Created, CloudError> {
    let spec = cx.spec;
    let tags = tags::with_owner(&wanted_tags(spec), cx.uid);
    let request = cx
        .clients
        .dynamodb()
        .create_table()
        .table_name(name(cx))
        .set_attribute_definitions(Some(request::attributes(&spec.attribute_definitions)?))
        .set_key_schema(Some(request::keys(&spec.key_schema)?))
        .set_billing_mode(spec.billing_mode.as_deref().map(BillingMode::from))
        .set_provisioned_throughput(request::table_throughput(spec)?)
        .set_global_secondary_indexes(request::global_indexes(spec)?)
        .set_local_secondary_indexes(request::local_indexes(spec)?)
        .set_stream_specification(request::stream(spec)?)
        .set_sse_specification(request::encryption(spec))
        .set_table_class(spec.table_class.as_deref().map(TableClass::from))
        .set_deletion_protection_enabled(spec.deletion_protection_enabled)
        .set_tags(Some(request::tags(&tags)?));
    cx.clients.call(Service::DynamoDb, "CreateTable", request.send()).await?;
    Ok(Created::default())
}

/// Puts tags and continuous backups right, and one kind of the other drifts: DynamoDB takes one at
/// a time.
pub(super) async fn update(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    update_tags(cx, diff).await?;
    if touches(diff, "pointInTimeRecoveryEnabled") {
        update_backups(cx).await?;
    }
    update_table(cx, diff).await
}

async fn update_tags(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    let Some(change) = tag_change(&wanted_tags(cx.spec), cx.applied_tags, diff) else {
        return Ok(());
    };
    let Some(arn) = find(cx).await?.and_then(|seen| seen.table.table_arn) else { return Ok(()) };
    let client = cx.clients.dynamodb();
    if !change.set.is_empty() {
        let tags = Some(request::tags(&change.set)?);
        let request = client.tag_resource().resource_arn(&arn).set_tags(tags);
        cx.clients.call(Service::DynamoDb, "TagResource", request.send()).await?;
    }
    if !change.remove.is_empty() {
        let keys = Some(change.remove.into_iter().collect());
        let request = client.untag_resource().resource_arn(&arn).set_tag_keys(keys);
        cx.clients.call(Service::DynamoDb, "UntagResource", request.send()).await?;
    }
    Ok(())
}

async fn update_backups(cx: &Cx<'_>) -> Result<(), CloudError> {
    const OPERATION: &str = "UpdateContinuousBackups";
    let wanted = PointInTimeRecoverySpecification::builder()
        .set_point_in_time_recovery_enabled(cx.spec.point_in_time_recovery_enabled)
        .build()
        .map_err(|cause| CloudError::invalid("dynamodb", OPERATION, cause.to_string()))?;
    let request = cx.clients.dynamodb().update_continuous_backups().table_name(name(cx));
    let request = request.point_in_time_recovery_specification(wanted);
    cx.clients.call(Service::DynamoDb, OPERATION, request.send()).await.map(drop)
}

async fn update_table(cx: &Cx<'_>, diff: &[Drift]) -> Result<(), CloudError> {
    let spec = cx.spec;
    let request = cx.clients.dynamodb().update_table().table_name(name(cx));
    let request = if touches(diff, "deletionProtectionEnabled") {
        request.set_deletion_protection_enabled(spec.deletion_protection_enabled)
    } else if touches(diff, "billingMode") || touches(diff, "provisionedThroughput") {
        request
            .set_billing_mode(spec.billing_mode.as_deref().map(BillingMode::from))
            .set_provisioned_throughput(request::table_throughput(spec)?)
    } else if touches(diff, "streamSpecification") {
        request.set_stream_specification(request::stream(spec)?)
    } else if touches(diff, "sseSpecification") {
        request.set_sse_specification(request::encryption(spec))
    } else if touches(diff, "tableClass") {
        request.set_table_class(spec.table_class.as_deref().map(TableClass::from))
    } else if let Some(drift) = drift(diff, "globalSecondaryIndexes") {
        let read = |side: &serde_json::Value| {
            serde_json::from_value::<Option<GlobalSecondaryIndex>>(side.clone()).ok().flatten()
        };
        let wanted = read(&drift.wanted);
        let attributes = wanted.as_ref().map(|index| request::attributes_of(spec, index));
        let change = request::index_change(wanted, read(&drift.found))?;
        request
            .set_attribute_definitions(attributes.transpose()?)
            .global_secondary_index_updates(change)
    } else {
        return Ok(());
    };
    cx.clients.call(Service::DynamoDb, "UpdateTable", request.send()).await.map(drop)
}

/// Asks for the removal; DynamoDB refuses while the table is protected or being changed.
pub(super) async fn delete(cx: &Cx<'_>) -> Result<(), CloudError> {
    let request = cx.clients.dynamodb().delete_table().table_name(name(cx));
    found(cx.clients.call(Service::DynamoDb, "DeleteTable", request.send()).await).map(drop)
}
