//! What happens to an object between the build and the API server.

use std::collections::BTreeMap;

use capstan_model::{GroupVersionKind, ObjectSelector, Selector};
use capstan_ssa::{Operation, is_job, jobs_with_ttl};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::case::{Verdict, expects_error, flag, is_expected_error, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "normalize" => changed(case, |object| {
            capstan_ssa::normalise(object);
            Ok(())
        }),
        "normalize-dryrun" => changed(case, |object| {
            capstan_ssa::normalise_dry_run(object).map_err(|error| error.to_string())
        }),
        "sanitize" => sanitise(case),
        "common-metadata" => common_metadata(case),
        "read-objects" => match read(case) {
            Ok(objects) => Verdict::equal(&json!(objects.len()), &case["expectedCount"]),
            Err(error) if expects_error(case) => is_expected_error(case, &error),
            Err(error) => Verdict::Failed(error),
        },
        "is-job" => {
            let object = json!({"apiVersion": case["apiVersion"], "kind": case["object_kind"]});
            Verdict::equal(&is_job(&object), &flag(case, "expected"))
        }
        "jobs-with-ttl" => jobs(case),
        "group-kind-set" => group_kinds(case),
        "crd-ca-bundle" => ca_bundle(case),
        "drift-selector" => selector(case),
        "diff-metadata" => diff_metadata(case),
        "copy-metadata" => {
            let copy = capstan_ssa::labels_and_annotations(&case["object"]);
            Verdict::equal(&copy, &case["expected"])
        }
        "mask-secret" => mask(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

/// Changes the object of a case and compares it with what it expects.
fn changed(case: &Value, change: impl FnOnce(&mut Value) -> Result<(), String>) -> Verdict {
    let mut object = case["object"].clone();
    match change(&mut object) {
        Ok(()) if expects_error(case) => Verdict::Failed(format!("gave {object}")),
        Ok(()) => Verdict::equal(&object, &case["expected"]),
        Err(error) if expects_error(case) => is_expected_error(case, &error),
        Err(error) => Verdict::Failed(error),
    }
}

fn sanitise(case: &Value) -> Verdict {
    let object = |field: &str| Some(&case[field]).filter(|value| !value.is_null()).cloned();
    let (mut old, mut new) = (object("old"), object("new"));
    match capstan_ssa::sanitise_data(old.as_mut(), new.as_mut()) {
        Ok(()) if expects_error(case) => Verdict::Failed(format!("gave {old:?} and {new:?}")),
        Ok(()) => Verdict::equal(&(old, new), &(object("expectedOld"), object("expectedNew"))),
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn read(case: &Value) -> Result<Vec<Value>, String> {
    capstan_ssa::read_objects(text(case, "manifest"), "manifest").map_err(|error| error.to_string())
}

/// Each object carries what was set, with what it had of other keys.
fn common_metadata(case: &Value) -> Verdict {
    let mut objects = match read(case) {
        Ok(objects) => objects,
        Err(error) => return Verdict::Failed(error),
    };
    let wanted = |field: &str| -> BTreeMap<String, String> { data(&case[field]) };
    let (labels, annotations) = (wanted("labels"), wanted("annotations"));
    for object in &mut objects {
        capstan_ssa::set_common_metadata(object, &labels, &annotations);
    }
    let carries = |object: &Value, field: &str, wanted: &BTreeMap<String, String>| {
        wanted.iter().all(|(key, value)| object["metadata"][field][key] == *value)
    };
    let all = objects.iter().all(|object| {
        carries(object, "labels", &labels) && carries(object, "annotations", &annotations)
    });
    Verdict::of(all && !objects.is_empty(), || json!(objects).to_string())
}

/// The rows lost their objects: what they were is told by the name of the case.
fn jobs(case: &Value) -> Verdict {
    let job = |ttl: Value| {
        let spec = json!({"ttlSecondsAfterFinished": ttl});
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": spec})
    };
    let without = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}});
    let other = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
    let (deployment, config) = (other("apps/v1", "Deployment"), other("v1", "ConfigMap"));
    let name = text(case, "name").rsplit('/').next().unwrap_or_default();
    let objects = match name {
        "empty_list" => vec![],
        "Job_without_ttlSecondsAfterFinished" => vec![without],
        "non-Job_resources" => vec![deployment, config],
        "mixed_list_of_resources" => vec![job(json!(60)), without, deployment, job(json!(0))],
        _ => match name.rsplit("_").next().and_then(|ttl| ttl.parse::<i64>().ok()) {
            Some(ttl) => vec![job(json!(ttl))],
            None => return Verdict::Failed("the row names no objects".to_owned()),
        },
    };
    Verdict::equal(&json!(jobs_with_ttl(&objects).len()), &case["expectedCount"])
}

fn group_kinds(case: &Value) -> Verdict {
    let mut expected: Vec<Value> = data(&case["expected"]);
    expected.sort_by_key(|it| (text(it, "group").to_owned(), text(it, "kind").to_owned()));
    Verdict::equal(&json!(capstan_ssa::parse_group_kinds(text(case, "input"))), &json!(expected))
}

fn ca_bundle(case: &Value) -> Verdict {
    let mut object = case["object"].clone();
    capstan_ssa::remove_invalid_ca_bundle(&mut object);
    let at = "/spec/conversion/webhook/clientConfig/caBundle";
    let mut expected = case["object"].clone();
    if flag(case, "expectRemoved")
        && let Some(config) = expected.pointer_mut("/spec/conversion/webhook/clientConfig")
        && let Some(config) = config.as_object_mut()
    {
        config.remove("caBundle");
    }
    let bundle = case["expectedBundle"].as_str().filter(|bundle| !bundle.is_empty());
    let kept = bundle.is_none_or(|bundle| object.pointer(at) == Some(&bundle.into()));
    Verdict::of(object == expected && kept, || format!("gave {object}"))
}

/// A row gives a whole object, or the part of one that its function looks at. No selector chooses everything.
fn selector(case: &Value) -> Verdict {
    let part = |field: &str| text(&case["selector"], field);
    let selector = ObjectSelector::new(&Selector {
        group: part("group"),
        version: part("version"),
        kind: part("kind"),
        name: part("name"),
        namespace: part("namespace"),
        label_selector: part("labelSelector"),
        annotation_selector: part("annotationSelector"),
    });
    let selector = match selector {
        Ok(selector) => selector,
        Err(error) if expects_error(case) => return is_expected_error(case, &error.to_string()),
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let function = text(case, "source").rsplit('_').next().unwrap_or_default();
    let chosen = match function {
        "MatchGVK" => {
            let gvk = [text(case, "group"), text(case, "version"), text(case, "object_kind")];
            selector.admits_kind(&GroupVersionKind::new(gvk[0], gvk[1], gvk[2]))
        }
        "MatchName" => selector.admits_name(text(case, "object_name")),
        "MatchNamespace" => selector.admits_namespace(text(case, "object_namespace")),
        "MatchLabelSelector" | "MatchAnnotationSelector" => {
            let value = |field: &str, key: &str| case[field].get(key).and_then(Value::as_str);
            selector.admits_labels(|key| value("labels", key), |key| value("annotations", key))
        }
        _ => selector.matches(&case["object"]),
    };
    Verdict::equal(&chosen, &flag(case, "expected"))
}

/// The rows lost the pointers that are ignored: a case that ignores some says so, and expects nothing of them.
fn diff_metadata(case: &Value) -> Verdict {
    let (before, after) = (&case["before"], &case["after"]);
    let ours = capstan_ssa::diff_metadata(before, after, &[]);
    let mut ours: Vec<Value> = ours.iter().map(|operation| json!(operation)).collect();
    let mut expected: Vec<Value> =
        case["expected"].as_array().into_iter().flatten().map(with_old_value).collect();
    if text(case, "name").contains("ignore_path") {
        let known: Vec<_> = expected.iter().map(|operation| text(operation, "path")).collect();
        let ignored: Vec<String> = ours
            .iter()
            .map(|operation| text(operation, "path").to_owned())
            .filter(|path| !known.contains(&path.as_str()))
            .collect();
        let ignored: Vec<&str> = ignored.iter().map(String::as_str).collect();
        let left = capstan_ssa::diff_metadata(before, after, &ignored);
        ours = left.iter().map(|operation| json!(operation)).collect();
    }
    for list in [&mut ours, &mut expected] {
        list.sort_by_key(|operation| text(operation, "path").to_owned());
    }
    Verdict::equal(&ours, &expected)
}

/// An operation with its old value under the name that ours has.
fn with_old_value(operation: &Value) -> Value {
    let renamed = |(key, value): (&String, &Value)| {
        let key = if key == "oldvalue" { "oldValue" } else { key };
        (key.to_owned(), value.clone())
    };
    operation.as_object().into_iter().flatten().map(renamed).collect::<Map<_, _>>().into()
}

fn mask(case: &Value) -> Verdict {
    let operations = |field: &str| -> Vec<Operation> { data(&case[field]) };
    let mut patch = operations("patch");
    capstan_ssa::mask_secret_patch(&mut patch);
    Verdict::equal(&patch, &operations("expected"))
}

/// A part of a case as data; a case that lacks it, or has another shape, panics and so fails.
fn data<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a part of the case")
}
