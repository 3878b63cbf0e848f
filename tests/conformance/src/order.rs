//! The order of applying and of pruning, and the ids of inventories.

use capstan_model::ObjectId;
use capstan_plan::flux_order;
use serde_json::Value;

use crate::case::{Verdict, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "sort" => sort(case),
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

fn id(object: &Value) -> ObjectId {
    let api_version = text(object, "apiVersion");
    ObjectId {
        group: api_version.split_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: text(object, "kind").to_owned(),
        namespace: text(object, "namespace").to_owned(),
        name: text(object, "name").to_owned(),
    }
}
