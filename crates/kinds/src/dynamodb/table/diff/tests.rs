use super::{Seen, present};
use crate::dynamodb::table::Spec;
use capstan_cloud::aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, BillingModeSummary, GlobalSecondaryIndexDescription,
    KeySchemaElement, KeyType, Projection, ProjectionType, ProvisionedThroughputDescription,
    ScalarAttributeType, TableDescription, TableStatus,
};
use capstan_provision::{Drift, Owner, State};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn spec(change: Value) -> Spec {
    let mut spec = json!({
        "region": "r",
        "attributeDefinitions": [{"attributeName": "id", "attributeType": "S"}],
        "keySchema": [{"attributeName": "id", "keyType": "HASH"}],
        "billingMode": "PROVISIONED",
        "provisionedThroughput": {"readCapacityUnits": 1, "writeCapacityUnits": 1},
    });
    if let (Some(spec), Value::Object(change)) = (spec.as_object_mut(), change) {
        spec.extend(change);
    }
    serde_json::from_value(spec).expect("it is valid")
}

fn key(name: &str) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(KeyType::Hash)
        .build()
        .expect("it is valid")
}

fn units(units: i64) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription::builder()
        .read_capacity_units(units)
        .write_capacity_units(units)
        .build()
}

fn seen(status: TableStatus) -> Seen {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .expect("it is valid");
    let by_day = GlobalSecondaryIndexDescription::builder()
        .index_name("by-day")
        .key_schema(key("day"))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .provisioned_throughput(units(1))
        .build();
    let table = TableDescription::builder()
        .table_name("products")
        .table_arn("arn:table")
        .table_status(status)
        .attribute_definitions(id)
        .key_schema(key("id"))
        .provisioned_throughput(units(1))
        .global_secondary_indexes(by_day)
        .build();
    Seen { table, tags: None, backups: None }
}

fn diff(change: Value) -> Vec<Drift> {
    present(&spec(change), &BTreeSet::new(), &seen(TableStatus::Active)).diff
}

fn fields(diff: &[Drift]) -> Vec<(&str, bool)> {
    diff.iter().map(|drift| (drift.field.as_str(), drift.immutable)).collect()
}

#[test]
fn the_table_of_the_catalogue_is_ready_without_any_optional_read() {
    let present = present(&spec(json!({})), &BTreeSet::new(), &seen(TableStatus::Active));
    assert_eq!(
        (present.state, present.diff, present.owner),
        (State::Ready, vec![], Owner::Unknown)
    );
    assert_eq!(present.connection.keys().collect::<Vec<_>>(), ["tableArn", "tableName"]);
    assert_eq!(present.connection["tableName"].expose(), b"products");
}

#[test]
fn nothing_is_compared_before_the_table_is_active() {
    for (status, state) in [
        (TableStatus::Creating, State::Creating),
        (TableStatus::Updating, State::Updating),
        (TableStatus::Deleting, State::Deleting),
    ] {
        let present = present(&spec(json!({"tableClass": "X"})), &BTreeSet::new(), &seen(status));
        assert_eq!((present.state, present.diff), (state, vec![]));
    }
}

#[test]
fn capacity_counts_only_where_it_is_provisioned() {
    let more = json!({"readCapacityUnits": 5, "writeCapacityUnits": 1});
    assert_eq!(
        fields(&diff(json!({"provisionedThroughput": more}))),
        [("provisionedThroughput.readCapacityUnits", false)]
    );
    let on_demand = diff(json!({"billingMode": "PAY_PER_REQUEST", "provisionedThroughput": more}));
    assert_eq!(fields(&on_demand), [("billingMode", false)]);
    let mut seen = seen(TableStatus::Active);
    let summary = BillingModeSummary::builder().billing_mode(BillingMode::PayPerRequest).build();
    seen.table.billing_mode_summary = Some(summary);
    let spec = spec(json!({"billingMode": null}));
    assert_eq!(present(&spec, &BTreeSet::new(), &seen).diff, vec![]);
}

#[test]
fn options_change_and_keys_do_not() {
    let diff = diff(json!({
        "deletionProtectionEnabled": true, "tableClass": "STANDARD_INFREQUENT_ACCESS",
        "streamSpecification": {"streamEnabled": true, "streamViewType": "NEW_IMAGE"},
        "sseSpecification": {"enabled": true, "sseType": "KMS"},
        "pointInTimeRecoveryEnabled": true,
        "keySchema": [{"attributeName": "sku", "keyType": "HASH"}],
        "attributeDefinitions": [{"attributeName": "id", "attributeType": "N"}],
        "localSecondaryIndexes": [{"indexName": "by-name"}],
    }));
    assert_eq!(
        fields(&diff),
        [
            ("deletionProtectionEnabled", false),
            ("streamSpecification.streamEnabled", false),
            ("sseSpecification.enabled", false),
            ("tableClass", false),
            ("pointInTimeRecoveryEnabled", false),
            ("keySchema", true),
            ("localSecondaryIndexes", true),
            ("attributeDefinitions[id].attributeType", true),
        ]
    );
}

#[test]
fn indexes_are_known_by_their_name() {
    let index = |name: &str, key: &str, units: i64| {
        json!({
            "indexName": name, "keySchema": [{"attributeName": key, "keyType": "HASH"}],
            "projection": {"projectionType": "ALL"},
            "provisionedThroughput": {"readCapacityUnits": units, "writeCapacityUnits": units},
        })
    };
    let diff_of = |indexes: Value| diff(json!({"globalSecondaryIndexes": indexes}));
    assert_eq!(diff_of(json!([index("by-day", "day", 1)])), vec![]);
    assert_eq!(
        fields(&diff_of(json!([index("by-day", "week", 1)]))),
        [("globalSecondaryIndexes", true)]
    );
    let more = diff_of(json!([index("by-day", "day", 2)]));
    assert_eq!(fields(&more), [("globalSecondaryIndexes", false)]);
    let other = diff_of(json!([index("by-sku", "sku", 1)]));
    assert_eq!(other.len(), 2);
    assert_eq!((&other[0].wanted["indexName"], &other[0].found), (&json!("by-sku"), &Value::Null));
    assert_eq!((&other[1].wanted, &other[1].found["indexName"]), (&Value::Null, &json!("by-day")));
}

#[test]
fn tags_are_compared_where_they_were_read() {
    let spec = spec(json!({"tags": [{"key": "a", "value": "b"}]}));
    let mut seen = seen(TableStatus::Active);
    assert_eq!(present(&spec, &BTreeSet::new(), &seen).diff, vec![]);
    seen.tags = Some(BTreeMap::new());
    let present = present(&spec, &BTreeSet::new(), &seen);
    assert_eq!(fields(&present.diff), [("tags", false)]);
    assert_eq!(present.owner, Owner::Nobody);
}

#[test]
fn a_key_is_the_same_by_id_and_arn() {
    let arn = "arn:aws:kms:r:111122223333:key/1234";
    assert!(super::same_key("1234", arn) && super::same_key(arn, arn));
    assert!(super::same_key("alias/shop", arn));
    assert!(!super::same_key("5678", arn));
}
