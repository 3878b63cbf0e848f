//! What differs between a table as it is wanted and as it is.

use std::collections::{BTreeMap, BTreeSet};

use capstan_cloud::aws_sdk_dynamodb::types::{
    GlobalSecondaryIndexDescription, KeySchemaElement as SdkKey, SseStatus, TableDescription,
    TableStatus,
};
use capstan_model::Secret;
use capstan_provision::{Drift, Drifts, Owner, Present, State, tags as owner_tags};
use serde_json::Value;

use super::status::status;
use super::types::{
    GlobalSecondaryIndex, KeySchemaElement, Projection, ProvisionedThroughput, Spec, Status,
};
use crate::aws::timestamp;

/// A table and what else was read of it; the rest is read only where the manifest sets it, because
/// roles that may make tables often may not read it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The table.
    pub table: TableDescription,
    /// Its tags, where they were read.
    pub tags: Option<BTreeMap<String, String>>,
    /// Are continuous backups on, where that was read?
    pub backups: Option<bool>,
}

/// The tags of the manifest; a tag without a key is none.
pub(super) fn wanted_tags(spec: &Spec) -> BTreeMap<String, String> {
    let tags = spec.tags.iter().flatten();
    tags.filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect()
}

/// The resource as the lifecycle wants to know it. DynamoDB changes an active table only, so
/// nothing is compared in any other state.
pub(super) fn present(spec: &Spec, applied: &BTreeSet<String>, seen: &Seen) -> Present<Status> {
    let state = state(&seen.table);
    let diff = match state {
        State::Ready => drifts(spec, applied, seen),
        _ => Vec::new(),
    };
    let owner = seen.tags.as_ref().map_or(Owner::Unknown, |tags| {
        Owner::from_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    });
    Present {
        diff,
        owner,
        connection: connection(&seen.table),
        created_at: seen.table.creation_date_time.as_ref().and_then(timestamp),
        ..Present::new(status(&seen.table), state)
    }
}

fn state(table: &TableDescription) -> State {
    let failed = |message: &str| State::Failed { message: message.to_owned(), replace: false };
    match table.table_status {
        Some(TableStatus::Active) => State::Ready,
        Some(TableStatus::Updating) => State::Updating,
        Some(TableStatus::Deleting) => State::Deleting,
        Some(TableStatus::InaccessibleEncryptionCredentials) => failed(
            "INACCESSIBLE_ENCRYPTION_CREDENTIALS: the KMS key of the table cannot be used; \
             within seven days the table is archived",
        ),
        Some(TableStatus::Archiving | TableStatus::Archived) => failed(
            "the table was archived because its KMS key could not be used: restore it from the \
             backup that status.atProvider.archivalSummary names",
        ),
        _ => State::Creating,
    }
}

/// What the connection Secret holds, under the keys that provider-aws used.
fn connection(table: &TableDescription) -> BTreeMap<String, Secret<Vec<u8>>> {
    let parts = [
        ("tableName", table.table_name()),
        ("tableArn", table.table_arn()),
        ("latestStreamArn", table.latest_stream_arn()),
        ("latestStreamLabel", table.latest_stream_label()),
    ];
    let present = parts.into_iter().filter_map(|(key, value)| Some((key, value?)));
    present.map(|(key, value)| (key.to_owned(), Secret::new(value.as_bytes().to_vec()))).collect()
}

/// In the order in which they are put right, one kind of change a call.
fn drifts(spec: &Spec, applied: &BTreeSet<String>, seen: &Seen) -> Vec<Drift> {
    let table = &seen.table;
    let mut drifts = Drifts::new();
    if let Some(live) = &seen.tags {
        drifts.extend(owner_tags::drift(&wanted_tags(spec), live, applied));
    }
    drifts.field(
        "deletionProtectionEnabled",
        spec.deletion_protection_enabled.as_ref(),
        Some(&table.deletion_protection_enabled.unwrap_or(false)),
    );
    compare_capacity(&mut drifts, spec, table);
    compare_stream(&mut drifts, spec, table);
    compare_encryption(&mut drifts, spec, table);
    let class = table.table_class_summary().and_then(|class| class.table_class());
    let class = class.map_or("STANDARD", |class| class.as_str()).to_owned();
    drifts.field("tableClass", spec.table_class.as_ref(), Some(&class));
    compare_indexes(&mut drifts, spec, table);
    drifts.field(
        "pointInTimeRecoveryEnabled",
        spec.point_in_time_recovery_enabled.as_ref(),
        seen.backups.as_ref(),
    );
    compare_keys(&mut drifts, spec, table);
    drifts.into_vec()
}

/// The billing mode; DynamoDB names it only once it was ever on-demand.
pub(super) fn billing_mode(table: &TableDescription) -> String {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    mode.map_or("PROVISIONED", |mode| mode.as_str()).to_owned()
}

fn compare_capacity(drifts: &mut Drifts, spec: &Spec, table: &TableDescription) {
    let seen_mode = billing_mode(table);
    drifts.field("billingMode", spec.billing_mode.as_ref(), Some(&seen_mode));
    let mode = spec.billing_mode.as_ref().unwrap_or(&seen_mode);
    if mode != "PROVISIONED" {
        return;
    }
    let Some(wanted) = &spec.provisioned_throughput else { return };
    let seen = table.provisioned_throughput();
    drifts.field(
        "provisionedThroughput.readCapacityUnits",
        wanted.read_capacity_units.as_ref(),
        seen.and_then(|seen| seen.read_capacity_units).as_ref(),
    );
    drifts.field(
        "provisionedThroughput.writeCapacityUnits",
        wanted.write_capacity_units.as_ref(),
        seen.and_then(|seen| seen.write_capacity_units).as_ref(),
    );
}

/// A stream goes on and off; what its records hold is fixed while it is on.
fn compare_stream(drifts: &mut Drifts, spec: &Spec, table: &TableDescription) {
    let Some(wanted) = &spec.stream_specification else { return };
    let seen = table.stream_specification();
    let on = seen.is_some_and(|seen| seen.stream_enabled);
    drifts.field("streamSpecification.streamEnabled", wanted.stream_enabled.as_ref(), Some(&on));
    if on && wanted.stream_enabled != Some(false) {
        let view =
            seen.and_then(|seen| seen.stream_view_type()).map(|view| view.as_str().to_owned());
        let wanted = wanted.stream_view_type.as_ref();
        drifts.immutable("streamSpecification.streamViewType", wanted, view.as_ref());
    }
}

fn compare_encryption(drifts: &mut Drifts, spec: &Spec, table: &TableDescription) {
    let Some(wanted) = &spec.sse_specification else { return };
    let seen = table.sse_description();
    let status = seen.and_then(|seen| seen.status());
    let on = !matches!(status, None | Some(SseStatus::Disabled | SseStatus::Disabling));
    drifts.field("sseSpecification.enabled", wanted.enabled.as_ref(), Some(&on));
    let arn = seen.and_then(|seen| seen.kms_master_key_arn());
    if let (Some(key), Some(arn), true) = (wanted.kms_master_key_id.as_deref(), arn, on)
        && !same_key(key, arn)
    {
        drifts.push("sseSpecification.kmsMasterKeyID", key, arn, false);
    }
}

/// A key is named by its ARN, its id or an alias; an alias cannot be compared without asking KMS.
fn same_key(wanted: &str, arn: &str) -> bool {
    wanted == arn || wanted.contains("alias/") || arn.rsplit('/').next() == Some(wanted)
}

/// Indexes by their name: missing ones are made, extra ones removed, capacity changed; a key is
/// fixed.
fn compare_indexes(drifts: &mut Drifts, spec: &Spec, table: &TableDescription) {
    const FIELD: &str = "globalSecondaryIndexes";
    let Some(wanted) = &spec.global_secondary_indexes else { return };
    let seen = table.global_secondary_indexes();
    for index in wanted {
        let same = seen.iter().find(|seen| seen.index_name == index.index_name);
        let Some(same) = same.map(observed_index) else {
            drifts.push(FIELD, index, Value::Null, false);
            continue;
        };
        let fixed =
            |index: &GlobalSecondaryIndex| (in_order(index.key_schema.as_deref()), kept(index));
        if fixed(index) != fixed(&same) {
            drifts.push(FIELD, index, &same, true);
        } else if has_capacity(spec, table) && !capacity_fits(index, &same) {
            drifts.push(FIELD, index, &same, false);
        }
    }
    for extra in seen {
        if !wanted.iter().any(|wanted| wanted.index_name == extra.index_name) {
            drifts.push(FIELD, Value::Null, observed_index(extra), false);
        }
    }
}

fn has_capacity(spec: &Spec, table: &TableDescription) -> bool {
    spec.billing_mode.clone().unwrap_or_else(|| billing_mode(table)) == "PROVISIONED"
}

fn capacity_fits(wanted: &GlobalSecondaryIndex, seen: &GlobalSecondaryIndex) -> bool {
    wanted.provisioned_throughput.is_none()
        || wanted.provisioned_throughput == seen.provisioned_throughput
}

/// What an index copies, in an order that can be compared.
fn kept(index: &GlobalSecondaryIndex) -> Option<(Option<String>, BTreeSet<String>)> {
    let projection = index.projection.as_ref()?;
    let attributes = projection.non_key_attributes.iter().flatten().cloned();
    Some((projection.projection_type.clone(), attributes.collect()))
}

fn observed_index(seen: &GlobalSecondaryIndexDescription) -> GlobalSecondaryIndex {
    GlobalSecondaryIndex {
        index_name: seen.index_name.clone(),
        key_schema: Some(observed_keys(seen.key_schema())),
        projection: seen.projection().map(|projection| Projection {
            non_key_attributes: projection.non_key_attributes.clone(),
            projection_type: projection.projection_type().map(|kind| kind.as_str().to_owned()),
        }),
        provisioned_throughput: seen.provisioned_throughput().map(|seen| ProvisionedThroughput {
            read_capacity_units: seen.read_capacity_units,
            write_capacity_units: seen.write_capacity_units,
        }),
    }
}

fn compare_keys(drifts: &mut Drifts, spec: &Spec, table: &TableDescription) {
    let seen = in_order(Some(&observed_keys(table.key_schema())));
    drifts.immutable("keySchema", Some(&in_order(Some(&spec.key_schema))), Some(&seen));
    if let Some(wanted) = &spec.local_secondary_indexes {
        let wanted: BTreeSet<_> =
            wanted.iter().filter_map(|index| index.index_name.clone()).collect();
        let seen = table.local_secondary_indexes().iter();
        let seen: BTreeSet<_> = seen.filter_map(|index| index.index_name.clone()).collect();
        drifts.immutable("localSecondaryIndexes", Some(&wanted), Some(&seen));
    }
    // An attribute that no key uses is not kept by DynamoDB, so only types are compared.
    let types: BTreeMap<_, _> = table
        .attribute_definitions()
        .iter()
        .map(|seen| (seen.attribute_name(), seen.attribute_type().as_str()))
        .collect();
    for wanted in &spec.attribute_definitions {
        let (Some(name), Some(type_)) = (&wanted.attribute_name, &wanted.attribute_type) else {
            continue;
        };
        if let Some(seen) = types.get(name.as_str()).filter(|seen| **seen != type_.as_str()) {
            drifts.push(&format!("attributeDefinitions[{name}].attributeType"), type_, seen, true);
        }
    }
}

fn observed_keys(keys: &[SdkKey]) -> Vec<KeySchemaElement> {
    keys.iter()
        .map(|key| KeySchemaElement {
            attribute_name: Some(key.attribute_name.clone()),
            key_type: Some(key.key_type().as_str().to_owned()),
        })
        .collect()
}

/// The hash key before the range key.
fn in_order(keys: Option<&[KeySchemaElement]>) -> Vec<KeySchemaElement> {
    let mut keys = keys.unwrap_or_default().to_vec();
    keys.sort_by(|a, b| a.key_type.cmp(&b.key_type));
    keys
}

#[cfg(test)]
mod tests;
