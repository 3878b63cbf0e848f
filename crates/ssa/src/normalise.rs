use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::typed::{self, Mismatch};
use crate::{is_crd, text};

/// Normalises each object, as Flux does before it applies them.
///
/// Roles and ClusterRoles are left as they are: their printed form would reset aggregated rules.
pub fn normalise_all<'a>(objects: impl IntoIterator<Item = &'a mut Value>) {
    for object in objects {
        let is_role = matches!(text(object, "kind"), "Role" | "ClusterRole");
        if !(is_role && text(object, "apiVersion") == "rbac.authorization.k8s.io/v1") {
            normalise(object);
        }
    }
}

/// Gives an object the form in which its Go type prints it, with the protocol of its ports and the data of a Secret filled in.
///
/// Fields that the type does not know go; quantities and times become canonical; fields without `omitempty` appear. A kind
/// without a type, and an object that does not fit its type, keep their form. In either case `metadata.creationTimestamp`
/// becomes null, and `status` goes, save that of a CRD.
pub fn normalise(object: &mut Value) {
    if let Some(Ok(printed)) = typed::round_trip(object) {
        *object = printed;
        fill_in(object);
    }
    let is_crd = is_crd(object);
    let Some(root) = object.as_object_mut() else { return };
    let metadata = root.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("creationTimestamp".to_owned(), Value::Null);
    }
    if !is_crd {
        root.remove("status");
    }
}

/// Mends what a dry run of an API server before 1.27 answers for a HorizontalPodAutoscaler: metrics that come twice, and an
/// empty one. Other kinds stay as they are.
///
/// # Errors
/// When a HorizontalPodAutoscaler does not fit its type, or has none.
pub fn normalise_dry_run(object: &mut Value) -> Result<(), Mismatch> {
    if text(object, "kind") != "HorizontalPodAutoscaler" {
        return Ok(());
    }
    *object = typed::round_trip(object).unwrap_or_else(|| Err(Mismatch::unknown_kind()))?;
    if text(object, "apiVersion") != "autoscaling/v2" {
        return Ok(());
    }
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return Ok(()) };
    if let Some(Value::Array(metrics)) = spec.remove("metrics") {
        let kept = distinct(metrics);
        if !kept.is_empty() {
            spec.insert("metrics".to_owned(), kept.into());
        }
    }
    Ok(())
}

fn distinct(metrics: Vec<Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for metric in metrics {
        if !text(&metric, "type").is_empty() && !kept.contains(&metric) {
            kept.push(metric);
        }
    }
    kept
}

/// Where the containers of a kind stand, whose ports need a protocol: without one, server-side apply takes two ports of
/// one number for one.
const POD_SPECS: [(&str, &str, &str); 7] = [
    ("v1", "Pod", "/spec"),
    ("apps/v1", "Deployment", "/spec/template/spec"),
    ("apps/v1", "StatefulSet", "/spec/template/spec"),
    ("apps/v1", "DaemonSet", "/spec/template/spec"),
    ("apps/v1", "ReplicaSet", "/spec/template/spec"),
    ("batch/v1", "Job", "/spec/template/spec"),
    ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

fn fill_in(object: &mut Value) {
    let is = |api_version, kind| {
        text(object, "apiVersion") == api_version && text(object, "kind") == kind
    };
    if is("v1", "Service") {
        fill_ports(object.pointer_mut("/spec/ports"));
    } else if is("v1", "Secret") {
        fill_data(object);
    } else if let Some((_, _, spec)) = POD_SPECS.iter().find(|(version, kind, _)| is(version, kind))
    {
        let containers = object.pointer_mut(&format!("{spec}/containers"));
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            fill_ports(container.get_mut("ports"));
        }
    }
}

fn fill_ports(ports: Option<&mut Value>) {
    let ports = ports.and_then(Value::as_array_mut).into_iter().flatten();
    for port in ports.filter_map(Value::as_object_mut) {
        port.entry("protocol").or_insert_with(|| "TCP".into());
    }
}

/// `stringData` becomes `data`: the API server would do so, and the applied field would look removed.
fn fill_data(secret: &mut Value) {
    let Some(root) = secret.as_object_mut() else { return };
    let Some(Value::Object(plain)) = root.remove("stringData") else { return };
    let data = root.entry("data").or_insert_with(|| Value::Object(Map::new()));
    let Some(data) = data.as_object_mut() else { return };
    for (key, value) in plain {
        data.insert(key, STANDARD.encode(value.as_str().unwrap_or_default()).into());
    }
}

#[cfg(test)]
mod tests;
