//! The parts of a request, from the manifest. A part that lacks what DynamoDB requires is refused
//! before the call, with the name of what is missing.

use std::collections::BTreeMap;

use capstan_cloud::CloudError;
use capstan_cloud::aws_sdk_dynamodb::error::BuildError;
use capstan_cloud::aws_sdk_dynamodb::types as sdk;

use super::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, Projection, ProvisionedThroughput,
    Spec,
};

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn missing(cause: BuildError) -> CloudError {
    CloudError::invalid("dynamodb", "CreateTable or UpdateTable", cause.to_string())
}

pub(super) fn attributes(
    attributes: &[AttributeDefinition],
) -> Result<Vec<sdk::AttributeDefinition>, CloudError> {
    let attribute = |attribute: &AttributeDefinition| {
        let type_ = attribute.attribute_type.as_deref().map(sdk::ScalarAttributeType::from);
        sdk::AttributeDefinition::builder()
            .set_attribute_name(attribute.attribute_name.clone())
            .set_attribute_type(type_)
            .build()
            .map_err(missing)
    };
    attributes.iter().map(attribute).collect()
}

/// The attributes that an index has in its key: DynamoDB refuses those that no key uses.
pub(super) fn attributes_of(
    spec: &Spec,
    index: &GlobalSecondaryIndex,
) -> Result<Vec<sdk::AttributeDefinition>, CloudError> {
    let keys = index.key_schema.as_deref().unwrap_or_default();
    let used = spec
        .attribute_definitions
        .iter()
        .filter(|attribute| keys.iter().any(|key| key.attribute_name == attribute.attribute_name));
    attributes(&used.cloned().collect::<Vec<_>>())
}

pub(super) fn keys(keys: &[KeySchemaElement]) -> Result<Vec<sdk::KeySchemaElement>, CloudError> {
    let key = |key: &KeySchemaElement| {
        sdk::KeySchemaElement::builder()
            .set_attribute_name(key.attribute_name.clone())
            .set_key_type(key.key_type.as_deref().map(sdk::KeyType::from))
            .build()
            .map_err(missing)
    };
    keys.iter().map(key).collect()
}

/// Capacity; DynamoDB refuses it for a table that is paid by request.
pub(super) fn table_throughput(
    spec: &Spec,
) -> Result<Option<sdk::ProvisionedThroughput>, CloudError> {
    if spec.billing_mode.as_deref() == Some("PAY_PER_REQUEST") {
        return Ok(None);
    }
    spec.provisioned_throughput.as_ref().map(throughput).transpose()
}

fn throughput(units: &ProvisionedThroughput) -> Result<sdk::ProvisionedThroughput, CloudError> {
    sdk::ProvisionedThroughput::builder()
        .set_read_capacity_units(units.read_capacity_units)
        .set_write_capacity_units(units.write_capacity_units)
        .build()
        .map_err(missing)
}

fn projection(projection: &Projection) -> sdk::Projection {
    sdk::Projection::builder()
        .set_non_key_attributes(projection.non_key_attributes.clone())
        .set_projection_type(projection.projection_type.as_deref().map(sdk::ProjectionType::from))
        .build()
}

pub(super) fn global_indexes(
    spec: &Spec,
) -> Result<Option<Vec<sdk::GlobalSecondaryIndex>>, CloudError> {
    let by_request = spec.billing_mode.as_deref() == Some("PAY_PER_REQUEST");
    let index = |index: &GlobalSecondaryIndex| {
        let units = index.provisioned_throughput.as_ref().filter(|_| !by_request);
        sdk::GlobalSecondaryIndex::builder()
            .set_index_name(index.index_name.clone())
            .set_key_schema(Some(keys(index.key_schema.as_deref().unwrap_or_default())?))
            .set_projection(index.projection.as_ref().map(projection))
            .set_provisioned_throughput(units.map(throughput).transpose()?)
            .build()
            .map_err(missing)
    };
    let indexes = spec.global_secondary_indexes.as_deref().filter(|indexes| !indexes.is_empty());
    indexes.map(|indexes| indexes.iter().map(index).collect()).transpose()
}

pub(super) fn local_indexes(
    spec: &Spec,
) -> Result<Option<Vec<sdk::LocalSecondaryIndex>>, CloudError> {
    let indexes = spec.local_secondary_indexes.as_deref().filter(|indexes| !indexes.is_empty());
    let built = indexes.map(|indexes| {
        let index = |index: &super::types::LocalSecondaryIndex| {
            sdk::LocalSecondaryIndex::builder()
                .set_index_name(index.index_name.clone())
                .set_key_schema(Some(keys(index.key_schema.as_deref().unwrap_or_default())?))
                .set_projection(index.projection.as_ref().map(projection))
                .build()
                .map_err(missing)
        };
        indexes.iter().map(index).collect()
    });
    built.transpose()
}

pub(super) fn stream(spec: &Spec) -> Result<Option<sdk::StreamSpecification>, CloudError> {
    let Some(wanted) = &spec.stream_specification else { return Ok(None) };
    let view = wanted.stream_view_type.as_deref().filter(|_| wanted.stream_enabled != Some(false));
    let built = sdk::StreamSpecification::builder()
        .set_stream_enabled(wanted.stream_enabled)
        .set_stream_view_type(view.map(sdk::StreamViewType::from))
        .build();
    built.map(Some).map_err(missing)
}

pub(super) fn encryption(spec: &Spec) -> Option<sdk::SseSpecification> {
    let wanted = spec.sse_specification.as_ref()?;
    let built = sdk::SseSpecification::builder()
        .set_enabled(wanted.enabled)
        .set_sse_type(wanted.sse_type.as_deref().map(sdk::SseType::from))
        .set_kms_master_key_id(wanted.kms_master_key_id.clone());
    Some(built.build())
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> Result<Vec<sdk::Tag>, CloudError> {
    let tag = |(key, value): (&String, &String)| {
        sdk::Tag::builder().key(key).value(value).build().map_err(missing)
    };
    tags.iter().map(tag).collect()
}

/// Makes, removes or resizes one index.
pub(super) fn index_change(
    wanted: Option<GlobalSecondaryIndex>,
    found: Option<GlobalSecondaryIndex>,
) -> Result<sdk::GlobalSecondaryIndexUpdate, CloudError> {
    let change = sdk::GlobalSecondaryIndexUpdate::builder();
    let change = match (wanted, found) {
        (Some(wanted), None) => change.create(
            sdk::CreateGlobalSecondaryIndexAction::builder()
                .set_index_name(wanted.index_name)
                .set_key_schema(Some(keys(wanted.key_schema.as_deref().unwrap_or_default())?))
                .set_projection(wanted.projection.as_ref().map(projection))
                .set_provisioned_throughput(
                    wanted.provisioned_throughput.as_ref().map(throughput).transpose()?,
                )
                .build()
                .map_err(missing)?,
        ),
        (Some(wanted), Some(_)) => change.update(
            sdk::UpdateGlobalSecondaryIndexAction::builder()
                .set_index_name(wanted.index_name)
                .set_provisioned_throughput(
                    wanted.provisioned_throughput.as_ref().map(throughput).transpose()?,
                )
                .build()
                .map_err(missing)?,
        ),
        (None, found) => change.delete(
            sdk::DeleteGlobalSecondaryIndexAction::builder()
                .set_index_name(found.and_then(|found| found.index_name))
                .build()
                .map_err(missing)?,
        ),
    };
    Ok(change.build())
}

#[cfg(test)]
mod tests {
    use super::{attributes, global_indexes, index_change, table_throughput};
    use crate::dynamodb::table::{AttributeDefinition, GlobalSecondaryIndex, Spec};
    use serde_json::json;

    #[test]
    fn what_is_missing_is_named_before_the_call() {
        let nameless =
            AttributeDefinition { attribute_name: None, attribute_type: Some("S".to_owned()) };
        let error = attributes(&[nameless]).expect_err("it is refused").to_string();
        assert!(error.contains("attribute_name"), "{error}");
    }

    #[test]
    fn capacity_is_not_sent_for_a_table_that_is_paid_by_request() {
        let spec: Spec = serde_json::from_value(json!({
            "region": "r", "attributeDefinitions": [], "keySchema": [],
            "billingMode": "PAY_PER_REQUEST",
            "provisionedThroughput": {"readCapacityUnits": 1, "writeCapacityUnits": 1},
            "globalSecondaryIndexes": [{
                "indexName": "i", "keySchema": [{"attributeName": "a", "keyType": "HASH"}],
                "provisionedThroughput": {"readCapacityUnits": 1, "writeCapacityUnits": 1},
            }],
        }))
        .expect("it is valid");
        assert_eq!(table_throughput(&spec).expect("it is valid"), None);
        let indexes = global_indexes(&spec).expect("it is valid").expect("it is valid");
        assert_eq!(indexes[0].provisioned_throughput, None);
    }

    #[test]
    fn an_index_is_made_resized_or_removed() {
        let index: GlobalSecondaryIndex = serde_json::from_value(json!({
            "indexName": "i", "keySchema": [{"attributeName": "a", "keyType": "HASH"}],
        }))
        .expect("it is valid");
        assert!(index_change(Some(index.clone()), None).expect("it is valid").create().is_some());
        assert!(
            index_change(Some(index.clone()), Some(index.clone()))
                .expect("it is valid")
                .update()
                .is_some()
        );
        assert!(index_change(None, Some(index)).expect("it is valid").delete().is_some());
    }
}
