//! Small tables: name hashes, image names, paths, selectors, merges.

use capstan_build::{Target, is_local, parts};
use capstan_model::GroupVersionKind;
use capstan_yaml::{Schema, needs_quotes, read_documents};
use serde_json::{Value, json};

use crate::case::{Verdict, expects_error, flag, is_expected_error, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    match text(case, "kind") {
        "configmap-hash" | "secret-hash" => {
            of_yaml(case, "manifest", |object| Ok(parts::hash(object).into()))
        }
        "unstructured-hash" => result(case, parts::hash_text(text(case, "manifest"))),
        "configmap-hash-input" | "secret-hash-input" => {
            of_yaml(case, "manifest", |object| Ok(parts::hash_input(object).into()))
        }
        "image-match" => {
            result(case, ok(parts::is_image(text(case, "value"), text(case, "name_wanted"))))
        }
        "image-split" => {
            result(case, ok(<[&str; 3]>::from(parts::split_image(text(case, "value")))))
        }
        "env-file" => result(case, ok(parts::env_file(text(case, "content")))),
        "file-source" => result(case, parts::file_source(text(case, "value"))),
        "var-expand" => vars(case),
        "fieldspec-set" => field(case),
        "nameref" => name_reference(case),
        "selector" => selector(case),
        "generator-options-merge" => options(case),
        "kustomization-empty" => kustomization(case),
        "origin-string" | "origin-append" => origin(case),
        "merge2" => merge(case),
        "gvk-less" => {
            let order = parts::legacy_order(&gvk(&case["less"]), &gvk(&case["more"]));
            Verdict::of(order.is_lt(), || format!("{order:?}"))
        }
        // The row lost its kind; its name is all that is left to go by.
        "cluster-scoped" => scope(case),
        "group-version" => {
            let gvk = GroupVersionKind::from_api_version(text(case, "value"), "");
            result(case, ok([gvk.group, gvk.version]))
        }
        "resid-string" => {
            let id = &case["resid"];
            result(case, ok(parts::id_text(&gvk(id), text(id, "name"), text(id, "namespace"))))
        }
        "resid-equals" => ids(case),
        "gvk-select" => result(case, parts::selects(&Target::default(), &gvk(&case["in"]), "", "")),
        "path-split" => result(case, ok(parts::field_path(text(case, "path")))),
        "smarter-path-split" => result(case, ok(parts::steps(text(case, "path")))),
        "yaml11-non-string" => {
            let value = text(case, "value");
            result(case, ok(!value.is_empty() && needs_quotes(value)))
        }
        "yaml-to-json" => of_yaml(case, "input", |value| Ok(value.to_string().into())),
        "json-to-yaml" => same_data(case, yaml(text(case, "input"))),
        "path-match" => path(case),
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

pub(crate) fn judge_flux(case: &Value) -> Verdict {
    match text(case, "kind") {
        "local-relative-path" => {
            Verdict::equal(&is_local(text(case, "value")), &flag(case, "expected"))
        }
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

/// What cannot fail.
fn ok<T>(value: T) -> Result<T, String> {
    Ok(value)
}

/// Compares what came out, or the error, with what the case expects.
fn result<T: serde::Serialize, E: ToString>(case: &Value, result: Result<T, E>) -> Verdict {
    match result {
        Ok(ours) if expects_error(case) => Verdict::Failed(format!("gave {}", json!(ours))),
        Ok(ours) => Verdict::equal(&json!(ours), &case["expected"]),
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

/// The first document of a text.
fn yaml(text: &str) -> Result<Value, String> {
    let documents = read_documents(text, "case", Schema::Patches).map_err(|e| e.to_string())?;
    Ok(documents.into_iter().next().map_or(Value::Null, |document| document.value))
}

fn of_yaml(case: &Value, field: &str, run: impl Fn(&Value) -> Result<Value, String>) -> Verdict {
    result(case, yaml(text(case, field)).and_then(|value| run(&value)))
}

/// Compares data with the YAML that the case expects.
fn same_data(case: &Value, ours: Result<Value, String>) -> Verdict {
    let ours = match ours {
        Ok(_) if expects_error(case) => return Verdict::Failed("gave no error".to_owned()),
        Ok(ours) => ours,
        Err(error) if expects_error(case) => return is_expected_error(case, &error),
        Err(error) => return Verdict::Failed(error),
    };
    match yaml(text(case, "expected")) {
        Ok(expected) => Verdict::equal(&ours, &expected),
        Err(error) => Verdict::Failed(error),
    }
}

fn gvk(value: &Value) -> GroupVersionKind {
    GroupVersionKind::new(text(value, "group"), text(value, "version"), text(value, "kind"))
}

fn vars(case: &Value) -> Verdict {
    let values = case["vars"].as_object().into_iter().flatten();
    let values: Vec<(&str, Value)> = values.map(|(k, v)| (k.as_str(), v.clone())).collect();
    result(case, ok(parts::expand_vars(text(case, "input"), &values)))
}

/// The row does not say what is set: what it expects does, where it differs from what was.
fn field(case: &Value) -> Verdict {
    let spec = yaml(text(case, "fieldSpec"));
    let (Ok(spec), Ok(mut object), Ok(expected)) =
        (spec, yaml(text(case, "input")), yaml(text(case, "expected")))
    else {
        return Verdict::Failed("a part of the case is no YAML".to_owned());
    };
    let set = ["e", "bar", "foo"].into_iter().find(|value| holds(&expected, value));
    match parts::set_field(&spec, &mut object, &set.unwrap_or("e").into()) {
        Ok(()) if expects_error(case) => Verdict::Failed(format!("gave {object}")),
        Ok(()) => Verdict::equal(&object, &expected),
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(map) => map.values().any(|value| holds(value, text)),
        _ => false,
    }
}

fn name_reference(case: &Value) -> Verdict {
    let documents = |field: &str| {
        let documents = read_documents(text(case, field), "case", Schema::Objects);
        documents.map(|all| all.into_iter().map(|document| document.value))
    };
    let (Ok(mut referrer), Ok(candidates)) =
        (documents("referrerOriginal"), documents("candidates"))
    else {
        return Verdict::Failed("a part of the case is no YAML".to_owned());
    };
    let item = |field: &str, at: usize| text(&case[field][at], "").to_owned();
    let item = |field: &str, at: usize| {
        case[field][at].as_str().map_or_else(|| item(field, at), str::to_owned)
    };
    let candidates: Vec<_> = candidates
        .enumerate()
        .map(|(at, object)| parts::Candidate {
            object,
            original_name: item("originalNames", at),
            prefix: item("prefix", at),
            suffix: item("suffix", at),
        })
        .collect();
    let object = referrer.next().unwrap_or_default();
    let referrer = parts::Candidate {
        original_name: text(&object["metadata"], "name").to_owned(),
        object,
        prefix: text(case, "inputPrefix").to_owned(),
        suffix: text(case, "inputSuffix").to_owned(),
    };
    let filter = &case["filter"];
    let path = text(&filter["NameFieldToUpdate"], "path");
    let renamed = parts::rename(&referrer, &candidates, path, &gvk(&filter["ReferralTarget"]));
    match (renamed, text(case, "referrerFinal")) {
        (Err(_), "") => Verdict::Passed,
        (Err(error), _) => Verdict::Failed(error.to_string()),
        (Ok(ours), "") => Verdict::Failed(format!("gave {ours}")),
        (Ok(ours), expected) => match yaml(expected) {
            Ok(expected) => Verdict::equal(&ours, &expected),
            Err(error) => Verdict::Failed(error),
        },
    }
}

/// A row looks at one part of a selector; the others are not given.
fn selector(case: &Value) -> Verdict {
    let part = |field: &str| text(&case["selector"], field).to_owned();
    let mut selector = Target::default();
    if case["gvk"].is_object() {
        (selector.group, selector.version, selector.kind) =
            (part("group"), part("version"), part("kind"));
    }
    if case["name_given"].is_string() {
        selector.name = part("name");
    }
    if case["namespace_given"].is_string() {
        selector.namespace = part("namespace");
    }
    let given = |field: &str| text(case, field);
    let (name, namespace) = (given("name_given"), given("namespace_given"));
    result(case, parts::selects(&selector, &gvk(&case["gvk"]), name, namespace))
}

fn options(case: &Value) -> Verdict {
    match parts::merge_options(&case["local"], &case["global"]) {
        Ok(ours) => {
            let expected =
                if case["expected"].is_null() { json!({}) } else { case["expected"].clone() };
            Verdict::equal(&ours, &expected)
        }
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn kustomization(case: &Value) -> Verdict {
    let checked = parts::check_kustomization(&capstan_yaml::emit(&case["kustomization"]));
    match checked {
        Ok(()) => Verdict::of(!expects_error(case), || "took it".to_owned()),
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

/// Where a file comes from: a path, and for remote bases the repository and revision.
fn origin(case: &Value) -> Verdict {
    let origin = ["path", "repo", "ref"].map(|field| text(&case["origin"], field));
    Verdict::equal(&parts::origin(origin, text(case, "path")).as_str(), &text(case, "expected"))
}

fn merge(case: &Value) -> Verdict {
    let merged = yaml(text(case, "patch")).and_then(|patch| {
        let object = yaml(text(case, "target"))?;
        let options = parts::MergeOptions {
            appends: case["listIncreaseDirection"] == 0,
            infers: flag(case, "infer"),
        };
        parts::merge(&patch, &object, options).map_err(|error| error.to_string())
    });
    same_data(case, merged)
}

fn scope(case: &Value) -> Verdict {
    let name = text(case, "name").to_ascii_lowercase();
    let kinds = [("node", "", "Node"), ("role", "rbac.authorization.k8s.io", "Role")];
    let Some((_, group, kind)) =
        kinds.iter().find(|(word, ..)| name.contains(&format!("/{word}_")))
    else {
        return Verdict::Failed("the row names no kind".to_owned());
    };
    let ours = parts::is_cluster_scoped(&GroupVersionKind::new(*group, "v1", *kind));
    Verdict::equal(&ours, &flag(case, "isClusterScoped"))
}

fn ids(case: &Value) -> Verdict {
    let (a, b) = (&case["id1"], &case["id2"]);
    let same_name = gvk(a) == gvk(b) && text(a, "name") == text(b, "name");
    let namespace = |id: &Value| parts::effective_namespace(&gvk(id), text(id, "namespace"));
    let same_namespace = namespace(a) == namespace(b);
    let ours = (same_name, same_namespace, same_name && same_namespace);
    let expected = (flag(case, "gVknResult"), flag(case, "nsEquals"), flag(case, "equals"));
    Verdict::equal(&ours, &expected)
}

fn path(case: &Value) -> Verdict {
    let steps = case["path"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let steps: Vec<String> = steps.map(str::to_owned).collect();
    let found = yaml(text(case, "input"))
        .and_then(|object| parts::find(&object, &steps).map_err(|error| error.to_string()));
    same_data(case, found.map(|all| if all.is_empty() { Value::Null } else { all.into() }))
}
