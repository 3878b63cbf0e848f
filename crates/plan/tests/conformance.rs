//! Flux's order and inventory, from recorded cases.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

use capstan_model::ObjectId;
use capstan_plan::flux_order;
use serde_json::Value;

fn cases(suite: &str) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CAPSTAN_SHARED").map_or(root, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("conformance").join(suite)) else {
        println!("SKIPPED {suite}: the shared folder is absent, set CAPSTAN_SHARED");
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a case a line")).collect())
}

fn id(object: &Value) -> ObjectId {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let api_version = text("apiVersion");
    ObjectId {
        group: api_version.split_once('/').map_or(String::new(), |(group, _)| group.to_owned()),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
    }
}

#[test]
fn objects_sort_as_in_flux() {
    let Some(cases) = cases("prune-order.jsonl") else { return };
    let mut seen = 0;
    for case in cases.iter().filter(|case| case["kind"] == "sort") {
        let ids = |field: &str| -> Vec<ObjectId> {
            case[field].as_array().expect("objects").iter().map(id).collect()
        };
        let mut sorted = ids("objects");
        sorted.sort_by(flux_order);
        assert_eq!(sorted, ids("expected"), "{}", case["name"]);
        seen += 1;
    }
    assert!(seen > 0, "no case was found");
}
