//! The order of applying and of pruning, and the ids of inventories.

use capstan_model::{Manifest, ObjectId};
use capstan_plan::{Rank, flux_order};
use serde_json::{Value, json};

use crate::case::{Verdict, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "sort" => sort(case),
        "order-table" => table(case),
        "inventory" => inventory(case),
        "inventory-diff" => ids_are_read(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

fn sort(case: &Value) -> Verdict {
    let ids = |field: &str| -> Vec<ObjectId> {
        case[field].as_array().into_iter().flatten().map(id).collect()
    };
    let mut sorted = ids("objects");
    sorted.sort_by(flux_order);
    Verdict::equal(&sorted, &ids("expected"))
}

/// The kinds that come first and last are in order, with all others between.
fn table(case: &Value) -> Verdict {
    let kinds =
        |field: &str| case[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    let ranks: Vec<Rank> =
        kinds("first").chain(["SomethingElse"]).chain(kinds("last")).map(Rank::of).collect();
    Verdict::of(ranks.is_sorted_by(|a, b| a < b), || format!("{ranks:?}"))
}

/// Objects are listed by their ids and versions.
fn inventory(case: &Value) -> Verdict {
    let objects = match capstan_yaml::read(text(case, "manifest"), "manifest") {
        Ok(objects) => objects,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let entry = |object: Value| {
        let object = Manifest::try_from(object).ok()?;
        Some(json!({"id": object.id().inventory_id(), "v": object.gvk().version}))
    };
    let entries: Vec<Value> = objects.into_iter().filter_map(entry).collect();
    Verdict::equal(&Value::from(entries), &case["expected"])
}

/// The inventories that are compared stand in other files; the ids can be read.
fn ids_are_read(case: &Value) -> Verdict {
    let ids = case["expected"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let same =
        |id: &str| ObjectId::from_inventory_id(id).is_ok_and(|read| read.inventory_id() == id);
    Verdict::of(ids.clone().all(same), || ids.collect::<Vec<_>>().join(", "))
}

fn id(object: &Value) -> ObjectId {
    let api_version = text(object, "apiVersion");
    ObjectId {
        group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: text(object, "kind").to_owned(),
        namespace: text(object, "namespace").to_owned(),
        name: text(object, "name").to_owned(),
    }
}
