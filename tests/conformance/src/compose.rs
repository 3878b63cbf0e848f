//! Patch and transform: patches, transforms, readiness, connection details, whole calls.

use std::collections::BTreeMap;

use capstan_compose::connection::{self, Details};
use capstan_compose::function::{self, Object, Request, State};
use capstan_compose::validate::{self, FieldError};
use capstan_compose::{patch, readiness, transform};
use capstan_model::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::case::Verdict;

/// What a case gave: a value, or an error with the fault and field of a validation.
type Got = Result<Value, (String, Option<FieldError>)>;

fn said(error: impl Into<Box<dyn std::error::Error>>) -> (String, Option<FieldError>) {
    (error.into().to_string(), None)
}

fn field(error: FieldError) -> (String, Option<FieldError>) {
    (error.to_string(), Some(error))
}

fn transformed(result: Result<Value, transform::TransformError>) -> Got {
    result.map_err(|error| match error {
        transform::TransformError::Options(error) => field(error),
        error => said(error),
    })
}

fn valid(result: Result<(), FieldError>) -> Got {
    result.map(|()| Value::Null).map_err(field)
}

fn read<T: DeserializeOwned>(case: &Value, key: &str) -> T {
    serde_json::from_value(case[key].clone()).expect("a case has the form of its kind")
}

fn details(value: &Value) -> Details {
    let map = value.as_object().into_iter().flatten();
    let secret = |value: &Value| Secret::new(value.as_str().unwrap_or_default().into());
    map.map(|(key, value)| (key.clone(), secret(value))).collect()
}

fn shown(details: &Details) -> Value {
    let text = |secret: &Secret<Vec<u8>>| String::from_utf8_lossy(secret.expose()).into_owned();
    details.iter().map(|(key, value)| (key.clone(), Value::from(text(value)))).collect()
}

fn run(case: &Value) -> Got {
    let (spec, input) = (&case["spec"], &case["input"]);
    match case["kind"].as_str().unwrap_or_default() {
        "connection" => connection::extract(
            &case["object"],
            &details(&case["data"]),
            &read::<Vec<_>>(case, "details"),
        )
        .map(|details| shown(&details))
        .map_err(field),
        "connection-ref" => {
            let wanted = read::<Option<function::SecretRef>>(case, "input");
            function::secret_reference(&case["xr"], wanted.as_ref())
                .map(|found| json!({"name": found.name, "namespace": found.namespace}))
                .map_err(said)
        }
        "supports-connection" => Ok(function::supports_connection_details(&case["xr"]).into()),
        "run" => Ok(response(&function::run(&request(&case["request"])))),
        "patch" => {
            let mut to = case["to"].clone();
            let patch = read(case, "spec");
            patch::apply(&patch, &case["from"], &mut to).map(|()| to).map_err(said)
        }
        "templates" => templates(case),
        "transforms" => transformed(transform::resolve_all(&read::<Vec<_>>(case, "spec"), input)),
        "ready" => readiness::check(&case["object"], &read::<Vec<_>>(case, "checks"))
            .map(|readiness| readiness.ready.into())
            .map_err(said),
        "map" => transformed(transform::map(&read(case, "spec"), input)),
        "match" => transformed(transform::match_(&read(case, "spec"), input)),
        "math" => transformed(transform::math(&read(case, "spec"), input)),
        "string" => transformed(transform::string(&read(case, "spec"), input).map(Value::from)),
        "convert" => transformed(transform::convert(&read(case, "spec"), input)),
        "convert-func" => {
            let from = case["from"].as_str().unwrap_or_default();
            let supported = transform::convert_supports(&read(case, "spec"), from);
            transformed(supported.map(|()| Value::Null))
        }
        "validate-readinesscheck" => valid(validate::readiness_check(&read(case, "spec"))),
        "validate-connectiondetail" => valid(validate::connection_detail(&read(case, "spec"))),
        "validate-patch" => valid(validate::patch(&read(case, "spec"))),
        "validate-combine" => valid(validate::combine(&read(case, "spec"))),
        "validate-transform" => valid(validate::transform(&read(case, "spec"))),
        other => Err(said(format!("no such kind of case: {other} ({spec})"))),
    }
}

fn templates(case: &Value) -> Got {
    let sets: Vec<_> = read(case, "patchSets");
    for template in case["templates"].as_array().into_iter().flatten() {
        let patches: Vec<_> = read(template, "patches");
        patch::inline(&patches, &sets).map_err(said)?;
    }
    Ok(case["expected"].clone())
}

fn state(value: &Value) -> State {
    let object = |value: &Value| Object {
        resource: value["resource"].clone(),
        connection: details(&value["connectionDetails"]),
        ready: value["ready"].as_str().map(|ready| ready == "READY_TRUE"),
    };
    let resources = value["resources"].as_object().into_iter().flatten();
    State {
        composite: object(&value["composite"]),
        resources: resources.map(|(name, value)| (name.clone(), object(value))).collect(),
    }
}

fn request(value: &Value) -> Request {
    Request {
        input: read(value, "input"),
        observed: state(&value["observed"]),
        desired: state(&value["desired"]),
        context: value["context"].as_object().cloned().unwrap_or_default(),
    }
}

fn response(response: &function::Response) -> Value {
    let object = |object: &Object| {
        let mut value = Map::new();
        if !object.resource.is_null() {
            value.insert("resource".to_owned(), object.resource.clone());
        }
        if !object.connection.is_empty() {
            value.insert("connectionDetails".to_owned(), shown(&object.connection));
        }
        if let Some(ready) = object.ready {
            let ready = if ready { "READY_TRUE" } else { "READY_FALSE" };
            value.insert("ready".to_owned(), ready.into());
        }
        Value::Object(value)
    };
    let resources: BTreeMap<_, _> =
        response.desired.resources.iter().map(|(name, o)| (name, object(o))).collect();
    let mut desired = json!({"composite": object(&response.desired.composite)});
    if !resources.is_empty() {
        desired["resources"] = json!(resources);
    }
    let mut value = json!({"meta": {"ttl": "60s"}, "desired": desired});
    if !response.context.is_empty() {
        value["context"] = Value::Object(response.context.clone());
    }
    let results: Vec<Value> = response
        .results
        .iter()
        .map(|result| {
            let severity = if result.fatal { "SEVERITY_FATAL" } else { "SEVERITY_WARNING" };
            let message = &result.message;
            json!({"severity": severity, "message": message, "target": "TARGET_COMPOSITE"})
        })
        .collect();
    if !results.is_empty() {
        value["results"] = json!(results);
    }
    value
}

pub(crate) fn judge(case: &Value) -> Verdict {
    fault(case).map_or(Verdict::Passed, Verdict::Failed)
}

/// Why a case fails; `None` when it passes.
fn fault(case: &Value) -> Option<String> {
    let got = run(case);
    let wanted = match case["error"].as_str() {
        Some(text) => Err(text),
        None if case["kind"] == "run" => Ok(&case["response"]),
        None => Ok(&case["expected"]),
    };
    match (&got, wanted) {
        (Ok(got), Ok(wanted)) if got == wanted => None,
        (Err((message, error)), Err(wanted)) => {
            let fits = wanted == "any" || message.contains(wanted);
            let place =
                error.as_ref().map(|error| (format!("{:?}", error.fault), error.field.clone()));
            let expected = case["errorType"].as_str().zip(case["errorField"].as_str());
            let placed = expected
                .is_none_or(|(fault, field)| place == Some((fault.to_owned(), field.to_owned())));
            (!fits || !placed).then(|| format!("wrong error: {message} {place:?}"))
        }
        _ => Some(format!("got {got:?}, wanted {wanted:?}")),
    }
}
